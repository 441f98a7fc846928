"""End this process when its parent is gone, so that no orphan goes on writing into a rerun's outputs."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable

import psutil

POLL_SECONDS = 0.5


def end_with_dvc() -> None:
    """End this process, a stage, without clean-up once its dvc has died, or is dead already.

    Between the two may be the user's shell: most shells become the command that dvc gives them, but not all do.
    """
    me = psutil.Process()
    stage = [me, *filter(_of_a_stage, me.parents())]
    parents = [_parent(process) for process in stage]
    _end_after(lambda: _wait_for_end([parent for parent in parents if parent]), already=None in parents)


def end_with_pool() -> None:
    """End this process, one that `multiprocessing` started, without clean-up once its parent has died."""
    parent = multiprocessing.parent_process()
    if parent:
        _end_after(parent.join)


def _of_a_stage(process: psutil.Process) -> bool:
    try:
        return "DVC_STAGE" in process.environ()
    except psutil.Error:  # another user's, or gone
        return False


def _parent(process: psutil.Process) -> psutil.Process | None:
    """The parent that started it; None if that one is gone, although on POSIX another one then takes its place.

    A process that leads no process group is in that of its starter.
    """
    try:
        parent = process.parent()
        if parent and hasattr(os, "getpgid"):
            started_it = os.getpgid(process.pid) in {process.pid, os.getpgid(parent.pid)}
            return parent if started_it else None
    except (psutil.NoSuchProcess, ProcessLookupError):
        return None
    return parent


def _wait_for_end(processes: list[psutil.Process]) -> None:
    while all(_is_alive(process) for process in processes):
        time.sleep(POLL_SECONDS)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _end_after(wait: Callable[[], object], *, already: bool = False) -> None:
    def end() -> None:
        wait()
        os._exit(1)  # sys.exit would only end this thread

    if already:
        os._exit(1)
    threading.Thread(target=end, name="lifeline", daemon=True).start()
