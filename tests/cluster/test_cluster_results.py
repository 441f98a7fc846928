"""Where runs execute changes no byte, whatever happens to the workers."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from clusters import ROOT, SECONDS, Cluster, copy, square_when_told, trained, wait_for
from short_runs import NETWORKS, TUTORIAL

from stages.lib.config.settings import RunSettings
from stages.lib.files.errors import InputError
from stages.lib.workers.pool import workers

pytestmark = pytest.mark.long

RUNS = [
    RunSettings(
        optimizer=kind.lower(), type=kind, arguments={}, network=network, batch_size=10, lr=lr, epochs=1, seed=seed
    )
    for kind, lr, seed, network in [
        ("Adam", 0.003, 0, TUTORIAL),
        ("SGD", 0.1, 1, (NETWORKS / "modern.py").read_bytes()),
        ("RMSProp", 0.001, 2, TUTORIAL),
    ]
]


def test_runs_give_the_bytes_of_local_processes(
    new_cluster: Callable[[], Cluster], few: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with workers(2, few) as pool:
        here = pool.run_all(partial(trained, pool.dataset), RUNS)
    cluster = new_cluster()
    cluster.worker()
    cluster.worker()
    with workers(2, few) as pool:
        there = pool.run_all(partial(trained, pool.dataset), RUNS)
    assert there == here
    assert len(set(here)) == len(RUNS)
    said = capsys.readouterr().err
    assert re.search(r"^cluster tcp://127\.0\.0\.1:\d+: dashboard at http://127\.0\.0\.1:\d+/status$", said, re.M)
    assert f"cluster {cluster.address}: 3 of 3 runs" in said


def test_each_worker_takes_the_data_once_and_again_where_its_copy_is_gone(
    new_cluster: Callable[[], Cluster], few: Path
) -> None:
    """As where folders for temporary files are cleaned up."""
    cluster = new_cluster()
    cluster.worker()
    digest = hashlib.sha256(few.read_bytes()).hexdigest()

    def copies() -> dict[str, int]:
        """Where the copies are, and when they were written."""
        with workers(2, few) as pool:
            found = set(pool.run_all(partial(copy, pool.dataset), range(8)))
        assert {content for _, content in found} == {digest}
        return {path: Path(path).stat().st_mtime_ns for path, _ in found}

    first = copies()
    assert copies() == first
    cluster.worker()  # one that comes later
    wait_for(lambda: len(copies()) == 2)
    assert first.items() < copies().items()
    for path in cluster.folder.rglob(f"{digest}*"):
        path.unlink()
    assert copies().items().isdisjoint(first.items())


def test_a_killed_worker_loses_nothing(
    new_cluster: Callable[[], Cluster], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = new_cluster()
    cluster.worker()
    cluster.worker()
    with ThreadPoolExecutor(1) as aside, workers(2, None) as pool:
        outcome = aside.submit(pool.run_all, square_when_told, [(tmp_path, number) for number in range(5)])
        wait_for(lambda: len(list(tmp_path.iterdir())) == 2)  # both workers are at work
        begun = [path.name.split(".") for path in tmp_path.iterdir()]
        lost = begun[0][0]
        os.kill(int(begun[0][1]), signal.SIGKILL)
        (tmp_path / "go").touch()
        assert outcome.result(SECONDS) == [0, 1, 4, 9, 16]
    assert len(list(tmp_path.glob(f"{lost}.*"))) == 2  # begun anew by another process
    assert re.search(r"^worker tcp://127\.0\.0\.1:\d+ was lost; its runs go to others$", capsys.readouterr().err, re.M)


def test_runs_wait_for_another_worker_when_all_are_lost(new_cluster: Callable[[], Cluster], tmp_path: Path) -> None:
    cluster = new_cluster()
    nanny = cluster.worker()
    with ThreadPoolExecutor(1) as aside, workers(1, None) as pool:
        outcome = aside.submit(pool.run_all, square_when_told, [(tmp_path, number) for number in range(3)])
        wait_for(lambda: list(tmp_path.iterdir()))
        cluster.kill(nanny)
        (tmp_path / "go").touch()
        cluster.worker()
        assert outcome.result(SECONDS) == [0, 1, 4]


def test_a_scheduler_that_dies_is_one_line(new_cluster: Callable[[], Cluster], tmp_path: Path) -> None:
    cluster = new_cluster()
    cluster.worker()

    def kill() -> None:
        wait_for(lambda: list(tmp_path.iterdir()))
        cluster.kill(cluster.scheduler)

    killer = threading.Thread(target=kill)
    killer.start()
    with (
        pytest.raises(InputError, match=rf"^the scheduler {cluster.address} is gone; nothing was written$"),
        workers(1, None) as pool,
    ):
        pool.run_all(square_when_told, [(tmp_path, number) for number in range(3)])
    killer.join()
    (tmp_path / "go").touch()


SCRIPT = """
import sys
from pathlib import Path
from clusters import square_when_told
from stages.lib.workers.command import command
from stages.lib.workers.pool import workers
def work(folder: Path) -> None:
    with workers(1, None) as pool:
        pool.run_all(square_when_told, [(folder, number) for number in range(3)])
command(work)
"""


def test_ctrl_c_ends_at_once_and_takes_back_what_has_not_begun(
    new_cluster: Callable[[], Cluster], tmp_path: Path
) -> None:
    cluster = new_cluster()
    cluster.worker()
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))},
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    wait_for(lambda: list(tmp_path.iterdir()))
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=SECONDS)[1]  # though the run that has begun goes on
    assert process.returncode == 130, said
    assert "Traceback" not in said
    [begun] = tmp_path.iterdir()
    (tmp_path / "go").touch()
    time.sleep(0.1)
    with workers(1, None) as pool:
        pool.run_all(square_when_told, [(tmp_path, 9)])  # the others would have come before
    assert {path.name.partition(".")[0] for path in tmp_path.iterdir()} == {begun.name.partition(".")[0], "go", "9"}
