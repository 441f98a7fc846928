"""The same runs on a Dask cluster: only `pool` knows of it, and where a run executes changes no byte of its result."""

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import dask
from distributed import Client, KilledWorker, Worker, WorkerPlugin
from distributed.cfexecutor import ClientExecutor
from distributed.comm.core import CommClosedError

from stages.lib import progress
from stages.lib.cluster_data import Placed, place
from stages.lib.errors import InputError
from stages.lib.fingerprint import ONE_THREAD, cpu, difference, fingerprint, first_fingerprint
from stages.lib.settings import Run

P = ParamSpec("P")
T = TypeVar("T")

SCHEDULER_SECONDS = 5  # to wait for an answer
WORKERS_SECONDS = 10  # to wait for the first one
QUIET = {
    "distributed.comm.timeouts.connect": f"{SCHEDULER_SECONDS}s",
    "distributed.comm.timeouts.tcp": "15s",  # the least; a machine that is gone without a word
    "distributed.admin.large-graph-warning-threshold": "1GB",  # `survey` sends whole paths
}


@contextmanager
def connected(address: str, dataset: Path | None) -> Iterator[tuple[Executor, Placed | None]]:
    """An executor for runs on the cluster, and what they open as the dataset.

    InputError if there is no scheduler or no worker, if a worker would compute otherwise than this process, and, at
    once, if the scheduler is lost or a run has ended several workers.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is told in one line here
    with dask.config.set(QUIET), _client(address) as client:
        print(f"cluster {address}: dashboard at {client.dashboard_link}", file=sys.stderr, flush=True)
        _refuse_others(client, address)
        client.subscribe_topic("all", _tell_loss)
        executor = _Counted(client, f"cluster {address}")
        try:
            yield executor, place(client, dataset) if dataset else None
        except KilledWorker as error:
            raise InputError(
                f"a run ended {error.allowed_failures + 1} workers, the last one {error.last_worker.address}, perhaps "
                "for lack of memory; nothing was written"
            ) from None
        except (CancelledError, CommClosedError):
            raise InputError(f"the scheduler {address} is gone; nothing was written") from None
        finally:
            executor.end()


@contextmanager
def _client(address: str) -> Iterator[Client]:
    try:
        client = Client(address, timeout=SCHEDULER_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"DASK_SCHEDULER_ADDRESS: no scheduler answers at {address} ({error}); "
            "start it in a clone of the project with 'python -m dask scheduler', or unset the variable to compute here"
        ) from None
    try:
        yield client
    finally:
        client.close(timeout=1)


class _Counted(Executor):
    """An executor with a bar over its runs, which names those that fail. Each run is one of its own: `pure=False`."""

    def __init__(self, client: Client, label: str) -> None:
        self._executor = ClientExecutor(client, pure=False, retries=0)
        self._runs = progress.Runs(label)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """See `Executor`."""
        future: Future[T] = self._executor.submit(fn, *args, **kwargs)
        self._runs.begun()
        future.add_done_callback(lambda ended: self._tell(args, ended))
        return future

    def end(self) -> None:
        """Take back what has not ended; runs that are under way end on their workers, and nobody hears of them."""
        self._executor.shutdown(wait=False)
        self._runs.close()

    def _tell(self, given: tuple[Any, ...], future: Future[Any]) -> None:
        error = None if future.cancelled() else future.exception()
        self._runs.ended(f"{_named(given[-1])} failed: {error}" if error else "")


def _named(item: Any) -> str:
    """The names in what a run is given: its weights and arrays would fill pages."""
    parts = item if isinstance(item, tuple) else (item,)
    return ", ".join(str(part) for part in parts if isinstance(part, Run | str)) or "a run"


class SameCode(WorkerPlugin):
    """Closes workers that join later and would compute otherwise, and keeps the others' bars off their terminals."""

    name = "same-code"

    def __init__(self, expected: Mapping[str, str]) -> None:
        self.expected = expected

    def setup(self, worker: Worker) -> None:
        """Called by Dask before the worker's first run."""
        progress.silence()
        found, _ = check(self.expected, worker)
        if found:
            print(f"error: {_refused(worker.address, found)}", file=sys.stderr, flush=True)
            worker.loop.add_callback(worker.close, reason=found)


def check(expected: Mapping[str, str], dask_worker: Worker) -> tuple[str, str]:
    """What of this worker differs from `expected`, empty if nothing does, and its CPU's model."""
    threads = {"--nthreads": str(dask_worker.state.nthreads)}
    found = [difference(expected, seen | threads) for seen in (first_fingerprint(), fingerprint())]
    return found[0] or found[1], cpu()


def _refuse_others(client: Client, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=WORKERS_SECONDS)
    except TimeoutError:
        raise InputError(
            f"{address} has no workers after {WORKERS_SECONDS} s; start some in a clone of the "
            f"project: python -m dask worker {address} --nthreads 1"
        ) from None
    expected = fingerprint() | ONE_THREAD | {"--nthreads": "1"}
    refused: dict[str, list[str]] = {}
    for worker, found in client.run(check, expected, on_error="return").items():
        if isinstance(found, Exception):
            refused.setdefault(f"it cannot load stages/lib/cluster.py ({found})", []).append(worker)
        elif found[0]:
            refused.setdefault(found[0], []).append(worker)
        elif found[1] != cpu():
            told = f"worker {worker}: its CPU is {found[1]}, here {cpu()}: the last digits may differ"
            print(told, file=sys.stderr, flush=True)
    if refused:
        raise InputError("; ".join(_refused(", ".join(names), found) for found, names in refused.items()))
    client.register_plugin(SameCode(expected))


def _refused(names: str, found: str) -> str:
    return f"worker {names}: {found}: start it anew in a clone of the project at this commit"


def _tell_loss(event: tuple[float, Any]) -> None:
    _, told = event
    if isinstance(told, dict) and told.get("action") == "remove-worker" and told.get("processing-tasks"):
        print(f"worker {told['worker']} was lost; its runs go to others", file=sys.stderr, flush=True)
