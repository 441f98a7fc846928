"""The pipeline: one file per verb. A verb is a stage of dvc.yaml."""

import os
import signal
import sys
from typing import Any


def _leave(*_: Any) -> None:
    os._exit(130)


# `python -m stages.<verb>` imports for up to a second before its work begins, and Ctrl-C would show where.
if sys.argv[0] == "-m" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _leave)
