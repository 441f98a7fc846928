"""The same runs on a Dask cluster: only `pool` knows of it, and where a run executes changes no byte of its result."""

import logging
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import dask
from distributed import Client, KilledWorker
from distributed.cfexecutor import ClientExecutor
from distributed.comm.addressing import get_address_host_port
from distributed.comm.core import CommClosedError

from stages.lib import progress
from stages.lib.cluster_code import guarded, refuse_others
from stages.lib.cluster_data import Placed, place
from stages.lib.errors import InputError
from stages.lib.settings import Run

P = ParamSpec("P")
T = TypeVar("T")

SCHEDULER_SECONDS = 5  # to wait for an answer
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
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is told in one line here
    with dask.config.set(QUIET), _client(address) as client:
        print(f"cluster {address}: dashboard at {client.dashboard_link}", file=sys.stderr, flush=True)
        refuse_others(client, address)
        executor = _Counted(client, f"cluster {address}")
        try:
            with guarded(client), _told(client):
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
        get_address_host_port(address)
    except ValueError as error:
        raise InputError(
            f"DASK_SCHEDULER_ADDRESS: {address!r} is not allowed ({error}); allowed: tcp://host:port"
        ) from None
    try:
        client = Client(address, timeout=SCHEDULER_SECONDS, set_as_default=False)
    except OSError as error:
        raise InputError(
            f"DASK_SCHEDULER_ADDRESS: no scheduler answers at {address} ({error}); "
            "start it in a clone of the project with 'python -m dask scheduler', or unset the variable to compute here"
        ) from None
    try:
        yield client
    finally:
        with suppress(TimeoutError):
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
        if not future.cancelled():
            error = future.exception()
            self._runs.ended(f"{_named(given[-1])} failed: {error}" if error else "")


def _named(item: Any) -> str:
    """The names in what a run is given: its weights and arrays would fill pages."""
    parts = item if isinstance(item, tuple) else (item,)
    return ", ".join(str(part) for part in parts if isinstance(part, Run | str)) or "a run"


@contextmanager
def _told(client: Client) -> Iterator[None]:
    """Tell, within the block, what a user would wonder about."""
    client.subscribe_topic("all", _tell)
    try:
        yield
    finally:
        if client.status == "running":
            client.unsubscribe_topic("all")


def _tell(event: tuple[float, Any]) -> None:
    told = event[1] if isinstance(event[1], dict) else {}
    if told.get("action") == "refused":
        print(told["reason"], file=sys.stderr, flush=True)
    if told.get("action") == "remove-worker" and told.get("processing-tasks"):
        print(f"worker {told['worker']} was lost; its runs go to others", file=sys.stderr, flush=True)
