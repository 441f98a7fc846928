"""End this process when its parent is gone, so that no orphan goes on writing into a rerun's outputs."""

import os
import threading
import time
from collections.abc import Sequence

import psutil

POLL_SECONDS = 0.5


def end_with_dvc() -> None:
    """End this process, a stage, without clean-up once its dvc has died, or is dead already.

    Between the two may be the user's shell: most shells become the command that dvc gives them, but not all do.
    """
    if os.getpgid(os.getppid()) != os.getpgrp():  # dvc and its stages are one group, to which no foster parent belongs
        os._exit(1)
    between = [process for process in psutil.Process().parents() if _of_a_stage(process)]
    _start_watch(os.getppid(), [(shell, shell.ppid()) for shell in between])


def end_with_parent(parent: int) -> None:
    """Watch the parent, by its process id, from a thread; end this process, without clean-up, once it has died."""
    _start_watch(parent, [])


def _of_a_stage(process: psutil.Process) -> bool:
    try:
        return "DVC_STAGE" in process.environ()
    except psutil.Error:  # another user's, or gone
        return False


def _start_watch(parent: int, links: Sequence[tuple[psutil.Process, int]]) -> None:
    threading.Thread(target=_watch, args=(parent, links), name="lifeline", daemon=True).start()


def _watch(parent: int, links: Sequence[tuple[psutil.Process, int]]) -> None:
    while os.getppid() == parent and all(_is_child(process, of) for process, of in links):
        time.sleep(POLL_SECONDS)
    os._exit(1)  # sys.exit would only end this thread


def _is_child(process: psutil.Process, parent: int) -> bool:
    try:
        return process.ppid() == parent
    except psutil.Error:
        return False
