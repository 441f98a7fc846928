"""The same runs on a Dask cluster: only `pool` knows of it, and where a run executes changes no byte of its result.

Dask itself moves runs and survives the loss of workers. Its `get_versions` sees neither code nor threads, and its
`UploadDirectory` and `Environ` restart workers that others use: so workers are compared here, not made alike.
"""

import ctypes
import hashlib
import logging
import os
import sys
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
from distributed import Client, KilledWorker, Scheduler, Worker, WorkerPlugin, get_client, get_worker
from distributed.comm.core import CommClosedError
from distributed.core import Status

from stages.lib.files.errors import InputError
from stages.lib.files.replacing import write
from stages.lib.workers.fingerprint import ENVIRONMENT, fingerprint
from stages.lib.workers.progress import tell

SECONDS = 10  # to wait for the scheduler's answer, and for the first worker
MALLOPTS = {-3: 32 << 20, -1: 64 << 20}  # glibc's M_MMAP_THRESHOLD and M_TRIM_THRESHOLD: the most that it would choose
MAY_RUN = {"same-bytes": 1}  # Dask gives no run to a worker that lacks such a resource
ANEW = "start it anew in a clone of the project at this commit, a worker with --nthreads 1"


@contextmanager
def connected(address: str, dataset: Path | None) -> Iterator[tuple[Executor, os.PathLike[str] | None]]:
    """An executor for runs on the cluster, and what they open as the dataset.

    InputError if there is no scheduler or no worker, if one would compute otherwise than this process, and, at once,
    if the scheduler is lost or a run has ended several workers.
    """
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is told in one line here
    try:
        client = Client(address, timeout=SECONDS, set_as_default=False)
    except (ValueError, OSError) as error:
        reason = f"no scheduler answers at {address!r} ({error}); allowed: tcp://host:port, or unset it to compute here"
        raise InputError(f"DASK_SCHEDULER_ADDRESS: {reason}") from None
    executor = client.get_executor(pure=False, retries=0, resources=MAY_RUN)  # not pure: each run is one of its own
    try:
        tell(f"cluster {address}: dashboard at {client.dashboard_link}")
        expected = fingerprint() | ENVIRONMENT | {"--nthreads": "1"}
        _refuse_others(client, address, expected)
        client.register_plugin(SameBytes(expected))
        client.subscribe_topic("all", _tell_event)
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}):  # `survey` sends whole paths
            yield executor, _send(client, dataset) if dataset else None
    except KilledWorker as error:
        which = f"{error.allowed_failures + 1} workers, the last one {error.last_worker.address}"
        raise InputError(f"a run ended {which}, perhaps for lack of memory; nothing was written") from None
    except (CancelledError, CommClosedError):
        raise InputError(f"the scheduler {address} is gone; nothing was written") from None
    finally:
        executor.shutdown(wait=False)  # runs that are under way end on their workers, and nobody hears of them
        with suppress(TimeoutError):
            client.close(timeout=1)


def _refuse_others(client: Client, address: str, expected: Mapping[str, str]) -> None:
    try:
        client.wait_for_workers(1, timeout=SECONDS)
    except TimeoutError:
        start = f"python -m dask worker {address} --nthreads 1"
        raise InputError(f"{address} has no workers; start some in a clone of the project: {start}") from None
    found = {f"worker {name}": told for name, told in client.run(difference, expected, on_error="return").items()}
    try:  # the scheduler reads what runs are given, so that it can pass them on, but it computes nothing
        found[f"scheduler {address}"] = client.run_on_scheduler(difference, fingerprint())
    except (ImportError, AttributeError) as error:
        found[f"scheduler {address}"] = error
    if told := [f"{name}: {differs}" for name, differs in found.items() if differs]:
        raise InputError(f"{'; '.join(told)}; {ANEW}")


def difference(expected: Mapping[str, str], dask_worker: Worker | Scheduler) -> str:
    """What of this process of a cluster is not as expected; empty if nothing."""
    if "paddle" not in sys.modules:  # which loads MKL; the number of threads is set by Dask
        os.environ["MKL_CBWR"] = ENVIRONMENT["MKL_CBWR"]
    seen = fingerprint() | {name: os.environ.get(name, "unset") for name in ENVIRONMENT}
    if isinstance(dask_worker, Worker):
        seen["--nthreads"] = str(dask_worker.state.nthreads)
    wrong = [name for name in expected if seen[name] != expected[name]]
    return "; ".join(f"{name} is {seen[name]} there, {expected[name]} here" for name in wrong)


@dataclass
class SameBytes(WorkerPlugin):
    """Gives MAY_RUN to workers that compute alike, and lets them do it at full speed; closes those that join later."""

    expected: Mapping[str, str]

    name = "same-bytes"

    async def setup(self, worker: Worker) -> None:
        """Called by Dask before the worker's first run."""
        if found := difference(self.expected, worker):
            worker.log_event("all", {"refused": f"worker {worker.address}: {found}; {ANEW}"})
            worker.loop.add_callback(worker.close_gracefully, reason=found)
        elif MAY_RUN.keys() - worker.state.total_resources.keys():
            await worker.set_resources(**MAY_RUN)
            for status in (Status.paused, Status.running):  # so that runs that wait for such a worker are given to it
                worker.status = status
        worker.periodic_callbacks["profile"].stop()  # a hundred times a second: 2 to 3% of a run's time
        if sys.platform == "linux":  # Dask gives freed memory back at once, so that each step faults anew: a tenth
            for option, size in MALLOPTS.items():
                ctypes.CDLL(None).mallopt(option, size)


@dataclass(frozen=True)
class Sent(os.PathLike[str]):
    """A file of this machine, as work on a cluster opens it: there, the path is that of the worker's copy."""

    name: str

    def __fspath__(self) -> str:
        path = Path(get_worker().local_directory, self.name)
        if not path.exists():
            write(path, zlib.decompress(get_client().get_metadata(self.name)["compressed"]))
        return str(path)


def _send(client: Client, path: Path) -> Sent:
    """Leave the file with the scheduler, if it has it not yet, and give what work is to open."""
    content = path.read_bytes()
    name = f"{hashlib.sha256(content).hexdigest()}-{path.name}"
    if not client.get_metadata([name, "sent"], default=False):
        client.set_metadata(name, {"sent": True, "compressed": zlib.compress(content, 1)})  # a tenth of the bytes
    return Sent(name)


def _tell_event(event: tuple[float, Any]) -> None:
    told = event[1] if isinstance(event[1], dict) else {}
    if "refused" in told:
        tell(told["refused"])
    if told.get("action") == "remove-worker" and told.get("processing-tasks"):
        tell(f"worker {told['worker']} was lost; its runs go to others")
