"""The code on the workers of a cluster: those that would compute other bytes than this process are refused by name."""

import ctypes
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from distributed import Client, Worker, WorkerPlugin
from distributed.core import Status

from stages.lib import progress
from stages.lib.errors import InputError
from stages.lib.fingerprint import ONE_THREAD, cpu_model, difference, fingerprint, first_fingerprint

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
KEPT = 32 << 20  # bytes: the most that glibc would choose by itself
WORKERS_SECONDS = 10  # to wait for the first one
FOREIGN = "it cannot load the project's code"
ANEW = "start it anew in a clone of the project at this commit"


class SameCode(WorkerPlugin):
    """Closes workers that join later and would compute otherwise; the others draw no bars and are not sampled."""

    def __init__(self, client: str, expected: Mapping[str, str]) -> None:
        self.name = f"same-code-{client}"
        self.expected = expected

    def setup(self, worker: Worker) -> None:
        """Called by Dask before the worker's first run."""
        progress.silence()
        _keep_memory()
        if sampling := worker.periodic_callbacks.get("profile"):
            sampling.stop()  # a hundred times a second, beside the run: 2 to 3% of its time
        found, _ = check(self.expected, worker)
        if found:
            worker.log_event("all", {"action": "refused", "reason": _refused(worker.address, found)})
            print(f"error: {_refused(worker.address, found)}", file=sys.stderr, flush=True)
            # Gracefully: a run that goes with its worker is counted, and the fourth time ends the stage. Paused: until
            # the scheduler has let go of it, it would be given new ones.
            worker.status = Status.paused
            worker.loop.add_callback(worker.close_gracefully, reason=found)


def _keep_memory() -> None:
    """Freed memory stays with this process, as in processes of this machine, where glibc adapts its thresholds.

    Dask's nanny starts workers so that it goes back to the system at once, and every step would then fault anew in
    hundreds of pages: a tenth of a run's time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, KEPT)
        mallopt(M_TRIM_THRESHOLD, 2 * KEPT)


@contextmanager
def guarded(client: Client) -> Iterator[None]:
    """Refuse workers that join within the block."""
    guard = SameCode(client.id, _expected())
    register(client, guard)
    try:
        yield
    finally:
        if client.status == "running":
            with suppress(OSError):  # a worker that is gone without a word; the results are there
                client.unregister_worker_plugin(guard.name)


def register(client: Client, plugin: WorkerPlugin) -> None:
    """Give all workers the plugin. InputError if one does not answer, until the scheduler gives it up."""
    try:
        client.register_plugin(plugin)
    except OSError as error:
        if client.status != "running":
            raise  # it is the scheduler that is gone
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"a worker does not answer ({reason}); repeat in a minute, when it is given up") from None


def check(expected: Mapping[str, str], dask_worker: Worker) -> tuple[str, str]:
    """What of this worker differs from `expected`, empty if nothing does, and its CPU's model."""
    threads = {"--nthreads": str(dask_worker.state.nthreads)}
    found = [difference(expected, seen | threads) for seen in (first_fingerprint(), fingerprint())]
    return found[0] or found[1], cpu_model()


def refuse_others(client: Client, address: str) -> None:
    """InputError, with their names, if workers would compute otherwise than this process, or if there are none."""
    if found := _of_scheduler(client):
        raise InputError(f"scheduler {address}: {found}: {ANEW}")
    try:
        client.wait_for_workers(1, timeout=WORKERS_SECONDS)
    except TimeoutError:
        raise InputError(
            f"{address} has no workers after {WORKERS_SECONDS} s; start some in a clone of the "
            f"project: python -m dask worker {address} --nthreads 1"
        ) from None
    refused: dict[str, list[str]] = {}
    for worker, found in client.run(check, _expected(), on_error="return").items():
        if isinstance(found, OSError):
            refused.setdefault("it does not answer", []).append(worker)
        elif isinstance(found, Exception):
            refused.setdefault(f"{FOREIGN} ({found})", []).append(worker)
        elif found[0]:
            refused.setdefault(found[0], []).append(worker)
        elif found[1] != cpu_model():
            told = f"worker {worker}: its CPU is {found[1]}, here {cpu_model()}: the last digits may differ"
            print(told, file=sys.stderr, flush=True)
    if refused:
        raise InputError("; ".join(_refused(", ".join(names), found) for found, names in refused.items()))


def _of_scheduler(client: Client) -> str:
    """What differs there: it reads what runs are given, so that it can pass them on, but it computes nothing."""
    try:
        seen = client.run_on_scheduler(first_fingerprint)
    except (ImportError, AttributeError) as error:
        return f"{FOREIGN} ({error})"
    return difference(fingerprint() | ONE_THREAD, seen | ONE_THREAD)


def _expected() -> dict[str, str]:
    return fingerprint() | ONE_THREAD | {"--nthreads": "1"}


def _refused(names: str, found: str) -> str:
    return f"worker {names}: {found}: {ANEW} with --nthreads 1"
