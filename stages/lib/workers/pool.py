"""Runs side by side, one thread each: in processes of this machine, or on a cluster; results do not depend on where."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from stages.lib.files.errors import InputError
from stages.lib.workers import lifeline, progress
from stages.lib.workers.fingerprint import ENVIRONMENT

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

SCHEDULER = "DASK_SCHEDULER_ADDRESS"  # Dask's own name for it
MOST = 61  # processes that Windows can wait for
POLL_SECONDS = 0.5  # on Windows, Ctrl-C is answered only between two waits


@dataclass(frozen=True)
class Pool:
    """Workers that are started once, as they load paddle and the data, and then work off runs in batches."""

    executor: Executor
    dataset: Any  # os.PathLike[str]: what work opens as the dataset; None if `workers` was given none
    cluster: str = ""  # where the workers are, if not on this machine

    def run_all(
        self,
        work: Callable[[Item], Outcome],
        items: Sequence[Item],
        done: Callable[[Item, Outcome], None] | None = None,
    ) -> list[Outcome]:
        """`work(item)` of every item, in the order of the items; `done(item, outcome)` is called as each one ends.

        Of files, work opens `dataset` alone: on a cluster there are no others. The first exception that `work` raises
        is raised here. InputError if a process was killed.
        """
        counted = self.cluster and not done  # its workers show their bars to nobody
        told = progress.counter(self.cluster, len(items)) if counted else nullcontext(done or (lambda *_: None))
        try:
            with told as tell:
                with _interrupts_held():
                    futures = {self.executor.submit(work, item): item for item in items}
                    if not self.cluster:  # each submit wakes Python's watch of the processes, and then may start one:
                        self.executor.submit(int)  # the death of the last one would not be seen
                pending = set(futures)
                while pending:
                    ended, pending = wait(pending, POLL_SECONDS, FIRST_COMPLETED)
                    for future in ended:
                        tell(futures[future], future.result())
                return [future.result() for future in futures]
        except BrokenProcessPool:
            raise InputError("a training process was killed, perhaps for lack of memory; nothing was written") from None


@contextmanager
def workers(most: int, dataset: Path | None) -> Iterator[Pool]:
    """A pool of the cluster at DASK_SCHEDULER_ADDRESS, or of as many processes as there are cores, at most `most`.

    All processes have ended when the block has. InputError if the cluster cannot be used.
    """
    if address := os.environ.get(SCHEDULER):
        try:
            from stages.lib.workers import cluster  # its package is optional
        except ModuleNotFoundError as error:
            cure = "make cluster-setup, or unset the variable"
            raise InputError(f"{SCHEDULER} is set, but the package {error.name} is missing: {cure}") from None
        with cluster.connected(address, dataset) as (executor, there):
            yield Pool(executor, there, f"cluster {address}")
    else:
        with _processes(most) as executor:
            yield Pool(executor, dataset)


@contextmanager
def _processes(most: int) -> Iterator[Executor]:
    os.environ.update(ENVIRONMENT)  # the children's numeric libraries read it when they are loaded
    with _interrupts_held():  # a semaphore that is only half made would be reported as leaked
        executor = ProcessPoolExecutor(max(1, min(most, cores(), MOST)), multiprocessing.get_context("spawn"), _start)
    try:
        yield executor
    finally:  # Ctrl-C ends the runs that are under way; else none is, and paddle would take half a second to leave
        for child in multiprocessing.active_children():
            child.kill()
        executor.shutdown(cancel_futures=True)


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C waits until the block has ended, and never reaches the processes that are started in it.

    A process inherits what is blocked; ignoring Ctrl-C only in `_start` would leave it the second of its imports.
    Windows cannot hold it: there such a process shows its trace.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer, in one line
    lifeline.end_with_pool()
