"""How far a run is: a bar on a terminal, a plain line every tenth of the way elsewhere."""

import sys
from collections.abc import Callable

from tqdm import tqdm

_silenced = False


def reporter(label: str, position: int) -> Callable[[int, int, float], None]:
    """A function `report(step, steps, loss)` for one run; `position` is the bar's line among those side by side."""
    if _silenced:
        return silent
    return _bar(label, position) if sys.stderr.isatty() else _lines(label)


def silence() -> None:
    """Keep this process quiet from now on: a cluster's workers share no terminal with the user."""
    global _silenced  # noqa: PLW0603  a state of the process, like its standard error
    _silenced = True


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
            print(f"{label}: {run} has ended\n", end="", file=sys.stderr, flush=True)  # whole, whoever else writes

    return done


class Runs:
    """A bar over runs on a terminal, a line every tenth of the way elsewhere; what fails is named at once."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._bar = tqdm(desc=label, total=0, unit="run", leave=False, disable=not sys.stderr.isatty())
        self._total = self._ended = 0

    def begun(self) -> None:
        """One run more is to be made."""
        self._total += 1
        self._bar.total = self._total
        self._bar.refresh()

    def ended(self, failure: str = "") -> None:
        """One run has ended, or failed."""
        self._ended += 1
        self._bar.update()
        if failure:
            tqdm.write(f"{self._label}: {failure}", file=sys.stderr)
        elif self._bar.disable and self._ended * 10 // self._total > (self._ended - 1) * 10 // self._total:
            print(f"{self._label}: {self._ended} of {self._total} runs\n", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the bar off the terminal."""
        self._bar.close()
