"""Runs side by side in processes of their own, one thread each; results do not depend on how many there are."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

from stages.lib import lifeline
from stages.lib.errors import InputError

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

# Two runs with one thread each are faster than one run with two, and one thread sums in one order.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Pool:
    """Processes that are started once, as they load paddle and the data, and then work off runs in batches."""

    def __init__(self, executor: ProcessPoolExecutor) -> None:
        self._executor = executor

    def run_all(
        self,
        work: Callable[[Item], Outcome],
        items: Sequence[Item],
        done: Callable[[Item, Outcome], None] = lambda *_: None,
    ) -> list[Outcome]:
        """`work(item)` of every item, in the order of the items; `done` is called as each one ends.

        The first exception that `work` raises is raised here. InputError if a process was killed.
        """
        try:
            with _interrupts_held():
                futures = {self._executor.submit(work, item): item for item in items}
            for future in as_completed(futures):
                done(futures[future], future.result())
            return [future.result() for future in futures]
        except BrokenProcessPool:
            raise InputError("a training process was killed, perhaps for lack of memory; nothing was written") from None


@contextmanager
def processes(most: int) -> Iterator[Pool]:
    """A pool of as many processes as there are cores, but at `most` so many; all have ended when the block has."""
    os.environ.update(ONE_THREAD)  # the children's numeric libraries read it when they are loaded
    executor = ProcessPoolExecutor(
        max(1, min(most, cores())), multiprocessing.get_context("spawn"), _start, (os.getpid(),)
    )
    try:
        yield Pool(executor)
    except BaseException:  # whatever ends the block, Ctrl-C too, ends the runs that are under way
        for child in multiprocessing.active_children():
            child.kill()
        raise
    finally:
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
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer, in one line
    lifeline.end_with_parent(parent)
