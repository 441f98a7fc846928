"""End this process when its parent is gone, so that no orphan goes on writing into a rerun's outputs."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import psutil

POLL_SECONDS = 0.5


def end_with_dvc() -> None:
    """End this process, a stage, without clean-up once its dvc has died, or is dead already.

    Between the two may be the user's shell: most shells become the command that dvc gives them, but not all do.
    """
    me = psutil.Process()
    first = [me, *filter(_is_of_a_stage, me.parents())][-1]
    dvc = first.parent()
    if not dvc or not _has_started(dvc, first):
        os._exit(1)
    _end_after(lambda: _wait_for_end(dvc))


def end_with_pool() -> None:
    """End this process, one that `multiprocessing` started, without clean-up once its parent has died."""
    if parent := multiprocessing.parent_process():
        _end_after(parent.join)


def _is_of_a_stage(process: psutil.Process) -> bool:
    try:
        return "DVC_STAGE" in process.environ()
    except psutil.Error:  # another user's, or gone
        return False


def _has_started(parent: psutil.Process, child: psutil.Process) -> bool:
    """Not so a foster parent, which POSIX gives to an orphan: what leads no process group is in that of its starter."""
    return not hasattr(os, "getpgid") or os.getpgid(child.pid) in {child.pid, os.getpgid(parent.pid)}


def _wait_for_end(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(POLL_SECONDS)


def _end_after(wait: Callable[[], object]) -> None:
    def end() -> None:
        wait()
        os._exit(1)  # sys.exit would only end this thread

    threading.Thread(target=end, name="lifeline", daemon=True).start()
