"""Run a stage's work function from the command line: `command(work)` is all that its `__main__` needs."""

import argparse
import inspect
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from stages.lib.files.errors import InputError
from stages.lib.workers import lifeline


def command(work: Callable[..., None]) -> None:
    """Call `work` with paths from the command line, and end the process.

    Positional parameters of `work` are arguments in their order, keyword-only ones are required options
    (`train_loss` is `--train-loss`), or may be left out if they have a default. Every value becomes a `Path`, or what
    the parameter is where that is a `str` or a `float`.
    Exit code 0; 1 with one line on stderr after an `InputError`, an `OSError` or a `MemoryError`; 130 after Ctrl-C.
    """
    arguments = vars(_parser(work).parse_args())
    try:
        if "DVC_STAGE" in os.environ:  # a stage must not write on when its dvc is gone
            lifeline.end_with_dvc()
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # until now it has left at once: see stages
        work(**arguments)
    except (InputError, OSError) as error:
        sys.exit(f"error: {error}")
    except MemoryError:
        sys.exit(f"error: {work.__name__} needs more memory than there is; nothing was written")
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would show where the first was being answered
        sys.exit(130)


def _parser(work: Callable[..., None]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=inspect.getdoc(work), allow_abbrev=False)
    for parameter in inspect.signature(work).parameters.values():
        kind = parameter.annotation if parameter.annotation in {str, float} else Path
        if parameter.kind is parameter.KEYWORD_ONLY:
            required = parameter.default is parameter.empty
            parser.add_argument("--" + parameter.name.replace("_", "-"), type=kind, required=required)
        else:
            parser.add_argument(parameter.name, type=kind)
    return parser
