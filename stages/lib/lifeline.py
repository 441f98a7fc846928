"""End this process when its parent is gone, so that no orphan goes on writing into a rerun's outputs."""

import os
import threading
import time

POLL_SECONDS = 0.5


def end_with_parent() -> None:
    """Watch the parent from a thread and end the process, without clean-up, soon after the parent has died."""
    parent = os.getppid()
    threading.Thread(target=_watch, args=(parent,), name="lifeline", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os._exit(1)  # sys.exit would only end this thread
