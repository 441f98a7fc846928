"""A cluster of real processes on the loopback, and the stages as DVC runs them on it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from distributed import Client

from stages.lib.settings import SweepSettings, TrainSettings, write_settings

ROOT = Path(__file__).parent.parent
SECONDS = 300  # more than any wait here: a test that hangs fails


class Cluster:
    """A scheduler, and workers beside it, each in a working folder whose code it loads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start("scheduler", "--port", "0", "--dashboard-address", "127.0.0.1:0")
        wait_for(self.file.exists)
        self.address = json.loads(self.file.read_text())["address"]

    def worker(self, *options: str, code: Path = ROOT) -> subprocess.Popen[bytes]:
        """Start a nanny with its worker, and wait until they have found the scheduler, or have given up."""
        process = self._start("worker", "--nthreads", "1", "--no-dashboard", *options, code=code)
        wait_for(lambda: "Registered to" in self.log(process) or process.poll() is not None)
        return process

    def log(self, process: subprocess.Popen[bytes]) -> str:
        return (self.folder / f"{self.processes.index(process)}.log").read_text()

    def end(self) -> None:
        for process in reversed(self.processes):  # the nannies first: they end their workers
            process.send_signal(signal.SIGINT)
        for process in self.processes:
            process.wait(SECONDS)

    def _start(self, *command: str, code: Path = ROOT) -> subprocess.Popen[bytes]:
        words = (sys.executable, "-m", "dask", *command, "--host", "127.0.0.1", "--scheduler-file", str(self.file))
        environment = os.environ | {"DASK_TEMPORARY_DIRECTORY": str(self.folder)}
        with (self.folder / f"{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(words, cwd=code, env=environment, stdout=log, stderr=log)
        self.processes.append(process)
        return process


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def ask(cluster: Cluster, function: Callable[[], int]) -> list[int]:
    """What a function gives on every worker."""
    with Client(cluster.address, set_as_default=False) as client:
        return list(client.run(function).values())


class Stages:
    """The stages as DVC runs them, on data and settings of their own."""

    def __init__(self, folder: Path, dataset: Path) -> None:
        self.folder = folder
        self.dataset = dataset
        lrs = (0.0001, 0.001, 0.01, 0.1)
        write_settings(folder / "sweep.json", SweepSettings("mine", "Adam", {}, 10, 6, (100, 101), lrs))
        write_settings(folder / "train.json", TrainSettings("mine", "Adam", {}, 10, 1, (0, 1, 2), 0.003))

    def start(self, stage: str, address: str, out: Path, *options: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", f"stages.{stage}", str(self.dataset), str(self.folder / options[0])]
        names = {option: str(out / name) for option, name in OUTPUTS[stage].items()}
        if stage == "sweep":
            names["--kept"] = str(out.with_name(f"{out.name}-kept"))
        words += [*options[1:], *(word for pair in names.items() for word in pair)]
        environment = os.environ | {"DASK_SCHEDULER_ADDRESS": address}
        return subprocess.Popen(words, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)

    def run(self, stage: str, address: str, out: str, *options: str, code: int = 0) -> str:
        process = self.start(stage, address, self.folder / out, *options)
        errors: str = process.communicate(timeout=SECONDS)[1]
        assert process.returncode == code, errors
        assert "Traceback" not in errors
        return errors

    def same(self, one: str, two: str) -> None:
        """Assert that two folders of results hold the same bytes; those of timing are beside them."""
        files = [path.relative_to(self.folder / one) for path in (self.folder / one).rglob("*") if path.is_file()]
        assert files
        for file in files:
            assert file.name == "timing.json" or (
                (self.folder / one / file).read_bytes() == (self.folder / two / file).read_bytes()
            ), file


OUTPUTS = {
    "sweep": {"--curves": "curves.csv", "--metrics": "metrics.json", "--timing": "timing.json"},
    "evaluate": {"--metrics": "metrics.json", "--confusion": "confusion.csv"},
    "train": {
        **{"--weights": "models", "--train-loss": "loss.csv", "--valid": "valid.csv", "--metrics": "metrics.json"},
        **{"--timing": "timing.json", "--snapshots": "snapshots.npz"},
    },
}
