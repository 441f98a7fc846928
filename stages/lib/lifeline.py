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
    me = psutil.Process()
    links = [(process.pid, process.ppid()) for process in [me, *filter(_of_a_stage, me.parents())]]
    if any(_is_foster(parent, child) for child, parent in links):
        os._exit(1)
    _start_watch(links)


def end_with_parent(parent: int) -> None:
    """Watch the parent, by its process id, from a thread; end this process, without clean-up, once it has died."""
    _start_watch([(os.getpid(), parent)])


def _of_a_stage(process: psutil.Process) -> bool:
    try:
        return "DVC_STAGE" in process.environ()
    except psutil.Error:  # another user's, or gone
        return False


def _is_foster(parent: int, child: int) -> bool:
    """Whether a child's parent is not who started it: one that leads no process group is in that of its starter."""
    try:
        return os.getpgid(child) not in {child, os.getpgid(parent)}
    except ProcessLookupError:
        return True


def _start_watch(links: Sequence[tuple[int, int]]) -> None:
    threading.Thread(target=_watch, args=(links,), name="lifeline", daemon=True).start()


def _watch(links: Sequence[tuple[int, int]]) -> None:
    """`links` are a process and its parent, that one and its own, and so on."""
    while all(_parent(child) == parent for child, parent in links):
        time.sleep(POLL_SECONDS)
    os._exit(1)  # sys.exit would only end this thread


def _parent(process: int) -> int | None:
    if process == os.getpid():
        return os.getppid()
    try:
        return psutil.Process(process).ppid()
    except psutil.Error:  # gone
        return None
