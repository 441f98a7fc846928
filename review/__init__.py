"""What a change did to every optimizer, told from what git holds. No stage: `python -m review`."""

import stages  # noqa: F401 (what it does at once: Ctrl-C while the rest is imported ends in no traceback)
