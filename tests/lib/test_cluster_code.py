"""Workers that are refused, in one process with their scheduler; tests/cluster has real ones."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client, LocalCluster, Worker

from stages.lib import cluster_code
from stages.lib.cluster_code import SameCode, register


def here(number: int) -> tuple[int, str]:
    """A run of a third of a second, and who has run it."""
    from distributed import get_worker

    time.sleep(0.3)
    return number, str(get_worker().name)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LocalCluster]:
    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        local_directory=str(tmp_path),
    ) as cluster:
        yield cluster


def join(cluster: LocalCluster, name: str, folder: Path) -> None:
    async def start() -> None:
        await Worker(cluster.scheduler_address, nthreads=1, name=name, local_directory=str(folder))

    cluster.sync(start)


def test_refused_workers_one_after_another_spoil_no_run(
    cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is given runs before it is refused: more such workers than a run may lose workers to."""
    monkeypatch.setattr("stages.lib.progress.silence", lambda: None)  # would last: this is the worker's process too
    monkeypatch.setattr(
        cluster_code, "check", lambda _, worker: ("it differs" if str(worker.name).startswith("late") else "", "")
    )
    with Client(cluster, set_as_default=False) as client:
        register(client, SameCode("test", {}))
        futures = client.map(here, range(8), pure=False)
        for number in range(6):
            join(cluster, f"late {number}", tmp_path)
            time.sleep(0.12)
        assert client.gather(futures) == [(number, "0") for number in range(8)]
