"""How far the work is: a bar of tqdm on a terminal, plain lines elsewhere."""

import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

# tqdm's own lock is a semaphore of the system, which Python reports as leaked when Ctrl-C ends a worker
tqdm.set_lock(threading.RLock())
PLAIN = None  # tqdm's word for: no bar where standard error is no terminal


@contextmanager
def reporter(label: str, position: int) -> Iterator[Callable[[int, int, float], None]]:
    """For one run: gives `report(step, steps, loss)`, a bar, or a line every tenth of the way.

    `position` is the bar's line among those side by side. However the block ends, the bar goes.
    """
    with tqdm(desc=label, position=position, unit="step", leave=False, dynamic_ncols=True, disable=PLAIN) as bar:

        def report(step: int, steps: int, loss: float) -> None:
            bar.total = steps
            bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
            bar.update(step - bar.n)
            if bar.disable:
                _tell_tenths(step, steps, f"{label}: step {step} of {steps}, loss {loss:.4f}")

        yield report


def silent(step: int, steps: int, loss: float) -> None:
    """The report of a run that is one of many: see `counter`."""


@contextmanager
def counter(label: str, total: int | None = None) -> Iterator[Callable[[object, object], None]]:
    """For many runs: gives `done(run, outcome)`, a bar, or a line every tenth of the way.

    Where their number is not known beforehand, a line names each run as it has ended.
    """
    numbers = itertools.count(1)
    with tqdm(desc=label, total=total, unit="run", leave=total is None, disable=PLAIN) as bar:

        def done(run: object, _: object) -> None:
            number = next(numbers)
            bar.update()
            if bar.disable and total:
                _tell_tenths(number, total, f"{label}: {number} of {total} runs")
            elif bar.disable:
                tell(f"{label}: {run} has ended")

        yield done


def _tell_tenths(number: int, total: int, line: str) -> None:
    if number * 10 // total > (number - 1) * 10 // total:
        tell(line)


def tell(line: str) -> None:
    """A line on stderr, whole, whoever else writes."""
    print(f"{line}\n", end="", file=sys.stderr, flush=True)
