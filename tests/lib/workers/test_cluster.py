"""Workers that are refused, in one process with their scheduler; tests/cluster has real ones."""

import threading
from collections.abc import Iterator
from concurrent.futures import wait
from contextlib import suppress
from pathlib import Path

import pytest
from distributed import Client, LocalCluster, Worker, get_worker
from distributed.cfexecutor import ClientExecutor

from stages.lib.workers import cluster as module
from stages.lib.workers.cluster import MAY_RUN, SameBytes, difference
from stages.lib.workers.fingerprint import ENVIRONMENT, fingerprint

GO = threading.Event()


def here(number: int) -> tuple[int, str]:
    """A run that ends when it may, and who has run it."""
    assert GO.wait(60)
    return number, str(get_worker().name)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LocalCluster]:
    cluster = LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        local_directory=str(tmp_path),
    )
    try:
        yield cluster
    finally:
        with suppress(TimeoutError):  # Dask's, on a machine that is busy: the thread of its loop ends later
            cluster.close()


def join(cluster: LocalCluster, name: str, folder: Path) -> None:
    async def start() -> None:
        await Worker(cluster.scheduler_address, nthreads=1, name=name, local_directory=str(folder))

    cluster.sync(start)


def test_workers_that_are_refused_later_get_no_run(
    cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than a run may lose workers to; one that is not refused helps."""
    monkeypatch.setattr(module, "difference", lambda _, worker: "differs" if "late" in str(worker.name) else "")
    GO.clear()
    with Client(cluster, set_as_default=False) as client:
        client.register_plugin(SameBytes({}))
        futures = [ClientExecutor(client, pure=False, resources=MAY_RUN).submit(here, number) for number in range(8)]
        for number in range(6):
            join(cluster, f"late {number}", tmp_path)
        join(cluster, "good", tmp_path)
        GO.set()
        assert not wait(futures, 60).not_done
        assert [future.result()[0] for future in futures] == list(range(8))
        assert {future.result()[1] for future in futures} <= {"0", "good"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, ""),
        ({"stages/": "123456789abc"}, f"stages/ is {fingerprint()['stages/']} there, 123456789abc here"),
        ({"numpy": "1.0"}, f"numpy is {fingerprint()['numpy']} there, 1.0 here"),
        ({"OMP_NUM_THREADS": "1"}, "OMP_NUM_THREADS is 7 there, 1 here"),
        ({"--nthreads": "2", "MKL_CBWR": "AVX"}, "MKL_CBWR is unset there, AVX here; --nthreads is 1 there, 2 here"),
    ],
    ids=["none", "code", "package", "threads", "several"],
)
def test_a_difference_is_told_by_its_name(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], told: str
) -> None:
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, "7")
    monkeypatch.delenv("MKL_CBWR")  # paddle has been loaded in this process: too late to set it
    same = fingerprint() | dict.fromkeys(ENVIRONMENT, "7") | {"MKL_CBWR": "unset", "--nthreads": "1"}
    [worker] = cluster.workers.values()
    assert difference(same | change, worker) == told
