"""Runs side by side, one thread each: in processes of this machine, or on a cluster; results do not depend on where."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from stages.lib import lifeline
from stages.lib.errors import InputError
from stages.lib.fingerprint import ONE_THREAD

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

SCHEDULER = "DASK_SCHEDULER_ADDRESS"  # Dask's own name for it


class Pool:
    """Workers that are started once, as they load paddle and the data, and then work off runs in batches."""

    def __init__(self, executor: Executor, dataset: os.PathLike[str] | None = None) -> None:
        self._executor = executor
        self._dataset = dataset

    @property
    def dataset(self) -> os.PathLike[str]:
        """What work opens as the dataset. ValueError if the workers were given none."""
        if self._dataset is None:
            raise ValueError("these workers were given no dataset")
        return self._dataset

    def run_all(
        self,
        work: Callable[[Item], Outcome],
        items: Sequence[Item],
        done: Callable[[Item, Outcome], None] = lambda *_: None,
    ) -> list[Outcome]:
        """`work(item)` of every item, in the order of the items; `done` is called as each one ends.

        Of files, work opens `dataset` alone: on a cluster there are no others. The first exception that `work` raises
        is raised here. InputError if a process was killed.
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
def workers(most: int, dataset: Path | None) -> Iterator[Pool]:
    """A pool of the cluster at DASK_SCHEDULER_ADDRESS, or of as many processes as there are cores, at most `most`.

    All processes have ended when the block has. InputError if the cluster cannot be used.
    """
    if address := os.environ.get(SCHEDULER):
        with _cluster(address, dataset) as pool:
            yield pool
    else:
        with _processes(most) as executor:
            yield Pool(executor, dataset)


@contextmanager
def _cluster(address: str, dataset: Path | None) -> Iterator[Pool]:
    try:
        from stages.lib import cluster  # its package is optional
    except ModuleNotFoundError as error:
        raise InputError(
            f"{SCHEDULER} is set, but the package {error.name} is missing: make cluster-setup, or unset the variable"
        ) from None
    with cluster.connected(address, dataset) as (executor, there):
        yield Pool(executor, there)


@contextmanager
def _processes(most: int) -> Iterator[Executor]:
    os.environ.update(ONE_THREAD)  # the children's numeric libraries read it when they are loaded
    executor = ProcessPoolExecutor(
        max(1, min(most, cores())), multiprocessing.get_context("spawn"), _start, (os.getpid(),)
    )
    try:
        yield executor
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
