"""A scheduler and two workers, started from the command line on the loopback, and what goes wrong with them."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import numpy as np
import pytest
from distributed import Client

from stages.lib.dataset import SPLITS, Split, save_splits
from stages.lib.pool import workers
from stages.lib.settings import Run, SweepSettings, TrainSettings, write_settings
from stages.sweep import _train_one

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent
SECONDS = 300  # more than any wait here: a test that hangs fails
RESULTS = ("curves.csv", "metrics.json")


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


@pytest.fixture
def new_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Cluster]]:
    clusters = []

    def new() -> Cluster:
        clusters.append(Cluster(tmp_path_factory.mktemp("cluster")))
        return clusters[-1]

    yield new
    for cluster in clusters:
        cluster.end()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """With two workers."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    cluster.worker()
    cluster.worker()
    yield cluster
    cluster.end()


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


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory, mnist: dict[str, Split]) -> Stages:
    """With the results that processes of this machine give."""
    folder = tmp_path_factory.mktemp("stages")
    sizes = dict(zip(SPLITS, (230, 100, 100), strict=True))
    few = {name: Split(mnist[name].images[:size], mnist[name].labels[:size]) for name, size in sizes.items()}
    save_splits(folder / "few.npz", few)
    stages = Stages(folder, folder / "few.npz")
    stages.run("train", "", "local/train", "train.json")
    stages.run("evaluate", "", "local/evaluate", "train.json", str(stages.folder / "local/train/models"))
    stages.run("sweep", "", "local/sweep", "sweep.json")
    return stages


def test_every_stage_gives_the_bytes_of_local_processes(cluster: Cluster, stages: Stages) -> None:
    said = stages.run("train", cluster.address, "there/train", "train.json")
    assert re.search(r"^cluster tcp://127\.0\.0\.1:\d+: dashboard at http://127\.0\.0\.1:\d+/status$", said, re.M)
    assert f"cluster {cluster.address}: 3 of 3 runs" in said
    models = str(stages.folder / "local/train/models")
    stages.run("evaluate", cluster.address, "there/evaluate", "train.json", models)
    stages.run("sweep", cluster.address, "there/sweep", "sweep.json")
    stages.same("local", "there")
    logs = [cluster.log(process) for process in cluster.processes[1:3]]
    assert [log.count("Starting Worker plugin dataset-") for log in logs] == [1, 1]  # sent once for all three stages
    assert len(list(cluster.folder.glob("dask-scratch-space/dataset-*"))) == 1  # and kept once by both workers
    assert not any("step" in log for log in logs)  # the bar is the client's


def test_a_killed_worker_loses_nothing(new_cluster: Callable[[], Cluster], stages: Stages) -> None:
    cluster = new_cluster()
    cluster.worker()
    cluster.worker()
    victims = ask(cluster, os.getpid)
    process = stages.start("sweep", cluster.address, stages.folder / "killed", "sweep.json")
    assert process.stderr is not None
    said = ""
    while "has ended" not in said:  # the first run has, others are under way
        said += process.stderr.readline()
    os.kill(victims[0], signal.SIGKILL)
    said += process.communicate(timeout=SECONDS)[1]
    assert process.returncode == 0, said
    assert re.search(r"^worker tcp://127\.0\.0\.1:\d+ was lost; its runs go to others$", said, re.M)
    (stages.folder / "killed/timing.json").unlink()
    stages.same("killed", "local/sweep")


def test_a_scheduler_that_dies_is_one_line_within_seconds(new_cluster: Callable[[], Cluster], stages: Stages) -> None:
    cluster = new_cluster()
    cluster.worker()
    process = stages.start("sweep", cluster.address, stages.folder / "died", "sweep.json")
    assert process.stderr is not None
    while "has ended" not in process.stderr.readline():
        pass
    cluster.scheduler.kill()
    killed = time.monotonic()
    said = process.communicate(timeout=SECONDS)[1]
    assert time.monotonic() - killed < 10
    assert process.returncode == 1
    assert [line for line in said.splitlines() if not re.search(r"has ended$| runs$", line)] == [
        f"error: the scheduler {cluster.address} is gone; nothing was written"
    ]
    assert not (stages.folder / "died").exists()


def test_ctrl_c_ends_at_once_and_takes_back_what_has_not_begun(cluster: Cluster, stages: Stages) -> None:
    process = stages.start("sweep", cluster.address, stages.folder / "stopped", "sweep.json")
    assert process.stderr is not None
    while "has ended" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    stopped = time.monotonic()
    assert "Traceback" not in process.communicate(timeout=SECONDS)[1]
    assert time.monotonic() - stopped < 10
    assert process.returncode == 130
    assert not (stages.folder / "stopped").exists()


def test_no_scheduler_is_one_line_within_seconds(stages: Stages) -> None:
    started = time.monotonic()
    said = stages.run("sweep", "tcp://127.0.0.1:9", "none", "sweep.json", code=1)
    assert time.monotonic() - started < 20
    [line] = said.splitlines()
    assert line.startswith("error: DASK_SCHEDULER_ADDRESS: no scheduler answers at tcp://127.0.0.1:9 ")
    assert not (stages.folder / "none").exists()


def test_no_workers_is_one_line(new_cluster: Callable[[], Cluster], stages: Stages) -> None:
    address = new_cluster().address
    said = stages.run("sweep", address, "none", "sweep.json", code=1).splitlines()[-1]
    assert said.startswith(f"error: {address} has no workers after 10 s; start some in a clone of the project: ")


@pytest.fixture(scope="module")
def other_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project's code, changed so that runs end with other numbers."""
    folder = tmp_path_factory.mktemp("other")
    shutil.copytree(ROOT / "stages", folder / "stages")
    path = folder / "stages/lib/training.py"
    code = path.read_text()
    path.write_text(code.replace("curve.train_loss.append(loss)", "curve.train_loss.append(loss + 1)"))
    assert path.read_text() != code
    return folder


def test_workers_that_would_compute_otherwise_are_refused_by_name(
    new_cluster: Callable[[], Cluster], stages: Stages, other_code: Path, tmp_path: Path
) -> None:
    cluster = new_cluster()
    for options, code, expected in (
        ([], other_code, "stages/lib/training.py differs"),
        (["--nthreads", "2"], ROOT, "--nthreads is 2 there, 1 here"),
        ([], tmp_path, "it cannot load the project's code (ModuleNotFoundError(\"No module named 'stages'\"))"),
    ):
        worker = cluster.worker(*options, code=code)
        said = stages.run("sweep", cluster.address, "refused", "sweep.json", code=1).splitlines()[-1]
        assert re.fullmatch(
            rf"error: worker tcp://127\.0\.0\.1:\d+: {re.escape(expected)}: start it anew in a clone of the project at "
            "this commit with --nthreads 1",
            said,
        )
        worker.send_signal(signal.SIGINT)
        worker.wait(SECONDS)
    assert not (stages.folder / "refused").exists()


def test_workers_of_other_code_that_join_later_spoil_no_run(cluster: Cluster, stages: Stages, other_code: Path) -> None:
    """More of them than a run may lose workers to."""
    process = stages.start("sweep", cluster.address, stages.folder / "joined", "sweep.json")
    assert process.stderr is not None
    said = ""
    while "has ended" not in said:
        said += process.stderr.readline()
    late = [cluster.worker("--nworkers", "3", code=other_code) for _ in range(2)]
    assert process.poll() is None, "they came too late"
    said += process.communicate(timeout=SECONDS)[1]
    assert process.returncode == 0, said
    assert [nanny.wait(SECONDS) for nanny in late] == [0, 0]  # they have closed themselves
    assert all("stages/lib/training.py differs" in cluster.log(nanny) for nanny in late)
    assert said.count("stages/lib/training.py differs") == 6
    (stages.folder / "joined/timing.json").unlink()
    stages.same("joined", "local/sweep")


def test_a_worker_whose_copy_of_the_data_is_gone_gets_another(cluster: Cluster, stages: Stages) -> None:
    """As where folders for temporary files are cleaned up, or where there was no room for it at first."""
    for again in ("first", "again"):
        stages.run("train", cluster.address, f"{again}/train", "train.json")
        stages.same("local/train", f"{again}/train")
        [copy] = cluster.folder.glob("dask-scratch-space/dataset-*")
        copy.unlink()


def test_a_worker_without_room_for_the_data_is_named(new_cluster: Callable[[], Cluster], stages: Stages) -> None:
    cluster = new_cluster()
    cluster.worker()
    content = stages.dataset.read_bytes()
    stages.dataset.write_bytes(content + b"other data")
    [folder] = cluster.folder.glob("dask-scratch-space")
    name = f"dataset-{hashlib.sha256(content + b'other data').hexdigest()[:32]}.npz"
    (folder / name / "in the way").mkdir(parents=True)
    try:
        said = stages.run("train", cluster.address, "none", "train.json", code=1).splitlines()[-1]
    finally:
        stages.dataset.write_bytes(content)
    assert re.match(rf"error: worker tcp://127\.0\.0\.1:\d+: {folder / name}: cannot be written: Is a directory$", said)
    assert not (stages.folder / "none").exists()


def test_memory_of_a_worker_on_the_whole_data(
    new_cluster: Callable[[], Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many images as MNIST has, and a run of five steps."""
    rng = np.random.default_rng(0)
    sizes = dict(zip(SPLITS, (50_000, 10_000, 10_000), strict=True))
    splits = {}
    for name, size in sizes.items():
        images = np.zeros((size, 784), np.float32)
        images[:, 100:250] = rng.integers(0, 256, (size, 150)) / 256  # as many dark pixels as digits have
        splits[name] = Split(images, rng.integers(0, 10, size))
    save_splits(tmp_path / "mnist.npz", splits)
    cluster = new_cluster()
    cluster.worker()
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.address)
    runs = [Run("mine", "Adam", {}, 100, lr, 0.01, 0) for lr in (0.001, 0.01)]
    with workers(1, tmp_path / "mnist.npz") as pool:
        results = pool.run_all(partial(_train_one, pool.dataset), runs)
    assert [len(result.curve.train_loss) for result in results] == [5, 5]
    unit = 1 if sys.platform == "darwin" else 1024
    [peak] = [size * unit / 1e9 for size in ask(cluster, lambda: getrusage(RUSAGE_SELF).ru_maxrss)]
    print(f"peak memory of the worker: {peak:.2f} GB")
    assert peak < 1
