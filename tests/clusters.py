"""A cluster of real processes on the loopback, and work for it."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
from distributed import Client, get_worker

from stages.lib.config.settings import RunSettings
from stages.lib.workers.fingerprint import ENVIRONMENT

ROOT = Path(__file__).parent.parent
SECONDS = 30  # more than any wait here: a test that hangs fails


class Cluster:
    """A scheduler, and workers beside it, each in a working folder whose code it loads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start("scheduler", "--port", "0", "--dashboard-address", "127.0.0.1:0")
        wait_for(lambda: self.file.exists() and self.file.read_text(encoding="utf-8").endswith("}"))
        self.address = json.loads(self.file.read_text(encoding="utf-8"))["address"]

    def worker(self, *options: str, code: Path = ROOT) -> subprocess.Popen[bytes]:
        """Start a nanny with its worker, and wait until they have found the scheduler, or have given up."""
        process = self._start("worker", "--nthreads", "1", "--no-dashboard", *options, code=code)
        wait_for(lambda: "Registered to" in self.log(process) or process.poll() is not None)
        return process

    def log(self, process: subprocess.Popen[bytes]) -> str:
        return (self.folder / f"{self.processes.index(process)}.log").read_text(encoding="utf-8")

    def ask(self, function: Callable[[], int]) -> list[int]:
        """What a function gives on every worker."""
        with Client(self.address, set_as_default=False) as client:
            return list(client.run(function).values())

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """A scheduler, or a nanny with its worker."""
        with suppress(psutil.NoSuchProcess):
            for each in [*psutil.Process(process.pid).children(recursive=True), process]:
                each.kill()
        process.wait(SECONDS)

    def end(self) -> None:
        for process in reversed(self.processes):
            self.kill(process)

    def _start(self, *command: str, code: Path = ROOT) -> subprocess.Popen[bytes]:
        words = (sys.executable, "-m", "dask", *command, "--host", "127.0.0.1", "--scheduler-file", str(self.file))
        environment = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
        environment |= {"DASK_TEMPORARY_DIRECTORY": str(self.folder), "PYTHONPATH": str(ROOT / "tests")}
        with (self.folder / f"{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(words, cwd=code, env=environment, stdout=log, stderr=log)
        self.processes.append(process)
        return process


def wait_for(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def square_when_told(item: tuple[Path, int]) -> int:
    """Work that says in a folder when it begins, `<number>.<process>`, and ends when there is a file `go`."""
    folder, number = item
    (folder / f"{number}.{os.getpid()}").touch()
    wait_for((folder / "go").exists)
    return number**2


def trained(dataset: os.PathLike[str], run: RunSettings) -> tuple[str, bytes]:
    """The record of a run, and its weights."""
    from safetensors.numpy import save

    from stages.lib.training.loop import train_run
    from stages.lib.workers.progress import silent

    done = train_run(run, dataset, silent)
    return done.run.model_dump_json(), save(done.weights or {})


def copy(dataset: os.PathLike[str], _: int) -> tuple[str, str]:
    """The worker's copy of the data, and its SHA-256."""
    assert get_worker().local_directory == str(Path(dataset).parent)
    return os.fspath(dataset), hashlib.sha256(Path(dataset).read_bytes()).hexdigest()
