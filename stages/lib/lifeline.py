"""End this process when its parent is gone, so that no orphan goes on writing into a rerun's outputs."""

import os
import threading
import time

POLL_SECONDS = 0.5


def end_with_parent(parent: int) -> None:
    """Watch the parent, by its process id, from a thread; end this process, without clean-up, once it has died."""
    threading.Thread(target=_watch, args=(parent,), name="lifeline", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os._exit(1)  # sys.exit would only end this thread
