"""What runs showed: the loss curve of one run, and the rows and metrics that are written of an optimizer's runs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np

from stages.lib.course import Course
from stages.lib.records import Value
from stages.lib.snapshots import Snapshots

WINDOW = 20  # steps
TARGET_ACCURACY = 0.97  # on the validation split; what "steps to 97%" counts to
LOSS_COLUMNS = ("optimizer", "seed", "step", "epoch", "loss", "loss_std")
VALID_COLUMNS = ("optimizer", "seed", "step", "epoch", "images", "loss", "accuracy")
MISTAKE_COLUMNS = ("seed", "image", "label", "predicted")  # many rows: as few columns as will do


Mistake = tuple[int, int, int]  # a wrongly classified image: its place in the validation split, label, predicted digit


@dataclass(frozen=True)
class Score:
    """Mean cross-entropy and accuracy on `images` validation images after `step` updates."""

    step: int
    images: int
    loss: float
    accuracy: float


@dataclass
class Curve:
    """One run: `train_loss[i]` is the mean loss of batch i after i updates. All numbers are finite."""

    steps_per_epoch: int
    steps: int  # that it was to have
    train_loss: list[float] = field(default_factory=list)
    valid: list[Score] = field(default_factory=list)
    diverged: bool = False  # the next loss was not finite, and the run stopped
    mistakes: list[Mistake] = field(default_factory=list)  # of the last validation

    def course(self) -> Course:
        """What a judgement needs of it."""
        at, losses = tuple(score.step for score in self.valid), tuple(score.loss for score in self.valid)
        return Course(self.steps, at, losses, self.diverged)


@dataclass(frozen=True)
class Result:
    """A run's curve, its weights as the bytes of a .pdparams file (None if diverged), its wall-clock seconds.

    `snapshots` are its weights on the way, up to where its loss was finite; None of a run that was not to take any.
    """

    curve: Curve
    weights: bytes | None
    seconds: float
    snapshots: Snapshots | None = None


def loss_rows(optimizer: str, curves: Mapping[int, Curve]) -> Iterator[tuple[Value, ...]]:
    """Rows of LOSS_COLUMNS: step 0 alone, then windows of WINDOW steps, each at its last step; none is left out.

    loss is the window's mean and loss_std its standard deviation (of the window itself, not an estimate: ddof 0).
    """
    for seed, curve in curves.items():
        for first, last in _windows(len(curve.train_loss)):
            losses = np.array(curve.train_loss[first : last + 1])
            epoch = last / curve.steps_per_epoch
            yield optimizer, seed, last, epoch, float(losses.mean()), float(losses.std())


def _windows(steps: int) -> Iterator[tuple[int, int]]:
    """First and last step of every window."""
    if steps:
        yield 0, 0
    for first in range(1, steps, WINDOW):
        yield first, min(first + WINDOW, steps) - 1


def valid_rows(optimizer: str, curves: Mapping[int, Curve]) -> Iterator[tuple[Value, ...]]:
    """Rows of VALID_COLUMNS, one per validation."""
    for seed, curve in curves.items():
        for score in curve.valid:
            epoch = score.step / curve.steps_per_epoch
            yield optimizer, seed, score.step, epoch, score.images, score.loss, score.accuracy


def mistake_rows(curves: Mapping[int, Curve]) -> Iterator[tuple[Value, ...]]:
    """Rows of MISTAKE_COLUMNS: the last validation's wrongly classified images, of each run that did not diverge."""
    for seed, curve in curves.items():
        if not curve.diverged:
            yield from ((seed, *mistake) for mistake in curve.mistakes)


def train_metrics(lr: float, curves: Mapping[int, Curve]) -> dict[str, Value]:
    """Flat metrics of one optimizer: means over its seeds, and null where a seed diverged or missed the target."""
    diverged = [seed for seed, curve in curves.items() if curve.diverged]

    def mean(value: Callable[[Curve], float | None]) -> float | None:
        values = [value(curve) for curve in curves.values() if not curve.diverged]
        known = [value for value in values if value is not None]
        return fmean(known) if len(known) == len(curves) else None

    return {
        "lr": lr,
        "steps": max(len(curve.train_loss) for curve in curves.values()),
        "train_loss": mean(final_train_loss),
        "valid_loss": mean(lambda curve: curve.valid[-1].loss),
        "valid_accuracy": mean(lambda curve: curve.valid[-1].accuracy),
        "steps_to_97": mean(steps_to_target),
        "status": "diverged" if diverged else "finished",
        "diverged_seeds": " ".join(str(seed) for seed in diverged),  # a list would fill many cells of dvc's tables
    }


def final_train_loss(curve: Curve) -> float:
    """The mean training loss of the last window."""
    *_, (first, last) = _windows(len(curve.train_loss))
    return fmean(curve.train_loss[first : last + 1])


def mean_before(curve: Curve, step: int) -> float | None:
    """The mean training loss of the WINDOW steps before `step`; at step 0 that of the first batch, if there is one."""
    losses = curve.train_loss[max(step - WINDOW, 0) : max(step, 1)]
    return fmean(losses) if losses else None


def steps_to_target(curve: Curve) -> int | None:
    """The step of the first validation with TARGET_ACCURACY, or None."""
    return next((score.step for score in curve.valid if score.accuracy >= TARGET_ACCURACY), None)
