"""How far a run is: a bar on a terminal, a plain line every tenth of the way elsewhere."""

import sys
from collections.abc import Callable

from tqdm import tqdm


def reporter(label: str, position: int) -> Callable[[int, int, float], None]:
    """A function `report(step, steps, loss)` for one run; `position` is the bar's line among those side by side."""
    return _bar(label, position) if sys.stderr.isatty() else _lines(label)


def _bar(label: str, position: int) -> Callable[[int, int, float], None]:
    bar = tqdm(desc=label, position=position, unit="step", leave=False, dynamic_ncols=True)

    def report(step: int, steps: int, loss: float) -> None:
        bar.total = steps
        bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
        bar.update(step - bar.n)
        if step == steps:
            bar.close()

    return report


def _lines(label: str) -> Callable[[int, int, float], None]:
    def report(step: int, steps: int, loss: float) -> None:
        if step * 10 // steps > (step - 1) * 10 // steps:
            print(f"{label}: step {step} of {steps}, loss {loss:.4f}", file=sys.stderr, flush=True)

    return report


def silent(step: int, steps: int, loss: float) -> None:
    """The reporter of a run that is one of many: see `counter`."""


def counter(label: str) -> Callable[[object, object], None]:
    """A function `done(run, outcome)` that counts runs whose number is not known beforehand."""
    bar = tqdm(desc=label, unit="run", disable=not sys.stderr.isatty())

    def done(run: object, _: object) -> None:
        bar.update()
        if not sys.stderr.isatty():
            print(f"{label}: {run} has ended", file=sys.stderr, flush=True)

    return done
