"""Runs side by side in processes of their own, one thread each; results do not depend on how many there are."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from stages.lib import lifeline
from stages.lib.errors import InputError

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

# Two runs with one thread each are faster than one run with two, and one thread sums in one order.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def run_all(work: Callable[[Item], Outcome], items: Sequence[Item]) -> list[Outcome]:
    """`work(item)` of every item, in the order of the items, on as many processes as there are cores.

    The first exception that `work` raises is raised here, and the other processes end. InputError if a process
    was killed.
    """
    os.environ.update(ONE_THREAD)  # the children's numeric libraries read it when they are loaded
    workers = max(1, min(len(items), cores()))
    executor = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start)
    try:
        futures = [executor.submit(work, item) for item in items]
        for future in wait(futures, return_when=FIRST_EXCEPTION).done:
            future.result()
        return [future.result() for future in futures]
    except BrokenProcessPool:
        raise InputError("a training process was killed, perhaps for lack of memory; nothing was written") from None
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.kill()


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer, in one line
    lifeline.end_with_parent()
