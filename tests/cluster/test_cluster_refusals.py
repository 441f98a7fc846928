"""A cluster that is not there, or that would compute other bytes, is refused in one line."""

import re
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from clusters import ROOT, SECONDS, Cluster, Stages

pytestmark = pytest.mark.long


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
