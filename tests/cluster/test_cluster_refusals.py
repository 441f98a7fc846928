"""A cluster that is not there, or that would compute other bytes, is refused in one line."""

import re
import shutil
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from clusters import ROOT, SECONDS, Cluster, square_when_told, wait_for

from stages.lib.files.errors import InputError
from stages.lib.workers.pool import workers

pytestmark = pytest.mark.long

DIFFERS = r"stages/ is [0-9a-f]{12} there, [0-9a-f]{12} here"


def refusal() -> str:
    with pytest.raises(InputError) as raised, workers(1, None):
        pass
    return str(raised.value)


def test_no_scheduler_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:9")
    assert re.fullmatch(
        r"DASK_SCHEDULER_ADDRESS: no scheduler answers at 'tcp://127.0.0.1:9' \(.*\); allowed: tcp://host:port, "
        "or unset it to compute here",
        refusal(),
    )


def test_no_workers_is_one_line(new_cluster: Callable[[], Cluster]) -> None:
    address = new_cluster().address
    assert refusal() == (
        f"{address} has no workers; start some in a clone of the project: python -m dask worker {address} --nthreads 1"
    )


@pytest.fixture(scope="module")
def other_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project's code, one line of it changed."""
    folder = tmp_path_factory.mktemp("other")
    shutil.copytree(ROOT / "stages", folder / "stages")
    path = folder / "stages/lib/training/loop.py"
    path.write_text(path.read_text(encoding="utf-8") + "LOSS = 1\n", encoding="utf-8")
    return folder


def test_workers_that_would_compute_otherwise_are_refused_by_name(
    new_cluster: Callable[[], Cluster], other_code: Path, tmp_path: Path
) -> None:
    cluster = new_cluster()
    for options, code, expected in (
        ([], other_code, DIFFERS),
        (["--nthreads", "2"], ROOT, "--nthreads is 2 there, 1 here"),
        (["--no-nanny"], ROOT, "OMP_NUM_THREADS is unset there, 1 here; .*"),
        ([], tmp_path, ".*No module named 'stages'.*"),
    ):
        worker = cluster.worker(*options, code=code)
        said = refusal()
        assert re.fullmatch(
            rf"worker tcp://127\.0\.0\.1:\d+: {expected}; start it anew in a clone of the project at this commit, "
            "a worker with --nthreads 1",
            said,
        ), said
        worker.send_signal(signal.SIGINT)
        worker.wait(SECONDS)


def test_workers_of_other_code_that_join_later_spoil_no_run(
    new_cluster: Callable[[], Cluster], other_code: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """More of them than a run may lose workers to."""
    cluster = new_cluster()
    cluster.worker()
    with ThreadPoolExecutor(1) as aside, workers(1, None) as pool:
        outcome = aside.submit(pool.run_all, square_when_told, [(tmp_path, number) for number in range(8)])
        wait_for(lambda: list(tmp_path.iterdir()))
        late = [cluster.worker("--nworkers", "3", code=other_code) for _ in range(2)]
        assert [nanny.wait(SECONDS) for nanny in late] == [0, 0]  # they have closed themselves
        (tmp_path / "go").touch()
        assert outcome.result(SECONDS) == [number**2 for number in range(8)]
        assert len({path.suffix for path in tmp_path.iterdir() if path.suffix}) == 1  # all in the first one's process
    assert len(re.findall(rf"^worker \S+: {DIFFERS}; start it anew ", capsys.readouterr().err, re.M)) == 6
