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
