"""A run as it is recorded: one line of JSON, the same for train, sweep and tune."""

import math
from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Annotated, NamedTuple, Self

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

WINDOW = 20  # steps
TAIL = 0.1  # of a run, at its end
Rounded = Annotated[float, AfterValidator(lambda value: float(f"{value:.6g}"))]  # float32 results carry no more digits


class Window(NamedTuple):
    """Mean training loss of the WINDOW steps that end at `step`, and their standard deviation (ddof 0), in nats."""

    step: NonNegativeInt
    loss: Rounded
    std: Rounded


class Validation(NamedTuple):
    """Mean cross-entropy in nats and accuracy on `images` validation images after `step` updates."""

    step: NonNegativeInt
    images: PositiveInt
    loss: Rounded
    accuracy: Rounded


class Record(BaseModel):
    """What is written as a line: frozen, of the types that it says and no others, and without NaN and infinity."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class Run(Record):
    """One run. All numbers are finite: where a loss was not, the run stopped and has `diverged`."""

    optimizer: str
    lr: PositiveFloat
    seed: NonNegativeInt
    steps: PositiveInt  # that it was to have
    steps_per_epoch: PositiveInt
    diverged: bool
    cpu: str  # the kind of CPU that made it: see training.cpu
    train_loss: tuple[Window, ...]
    valid: tuple[Validation, ...]
    lrs: tuple[Rounded, ...] = ()  # at the end of each window of train_loss; none where the lr is constant
    tail: tuple[Rounded, ...] = ()  # validation losses at its `tail_steps`, each on another fifth of the images
    wrong: tuple[NonNegativeInt, ...] = ()  # places of the images that it got wrong at its end; none in a sweep

    @property
    def schedule(self) -> tuple[float, ...]:
        """The lr at the end of each window of train_loss."""
        return self.lrs or (self.lr,) * len(self.train_loss)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if not self.diverged and (len(self.valid) < 2 or (self.valid[0].step, self.valid[-1].step) != (0, self.steps)):
            raise ValueError("validations from step 0 to the last step")
        return self

    def __str__(self) -> str:
        return f"{self.optimizer}, lr {self.lr:g}, seed {self.seed}, {self.steps} steps"


def windows(losses: Sequence[float]) -> Iterator[Window]:
    """Step 0 alone, then windows of WINDOW steps, of the training losses float [k] of every step; none is left out."""
    for first in (0, *range(1, len(losses), WINDOW)):
        part = np.array(losses[first : 1 if first == 0 else first + WINDOW])
        if len(part):
            yield Window(first + len(part) - 1, float(part.mean()), float(part.std()))


def tail_steps(steps: int) -> range:
    """At most eight of the last steps, evenly over the TAIL: with a constant lr, every step still shakes the loss.

    Fewer of a short run: a score on a fifth of the images takes as long as six steps.
    """
    return range(math.ceil((1 - TAIL) * steps), steps, max(4, math.ceil(steps * TAIL / 8)))


def wrong_images(runs: Sequence[Run]) -> np.ndarray:
    """What the last validation of each run got wrong, bool [runs, images]; the runs have the same images."""
    wrong = np.zeros((len(runs), runs[0].valid[-1].images), bool)
    for row, run in zip(wrong, runs, strict=True):
        row[list(run.wrong)] = True
    return wrong


def steps_to(accuracy: float, run: Run) -> int | None:
    """The step of the first validation with that accuracy, or None."""
    return next((score.step for score in run.valid if score.accuracy >= accuracy), None)


def mean_steps_to(accuracy: float, runs: Sequence[Run]) -> float | None:
    """The mean over runs; None if one of them diverged or missed it."""
    steps = [None if run.diverged else steps_to(accuracy, run) for run in runs]
    known = [step for step in steps if step is not None]
    return fmean(known) if known and len(known) == len(steps) else None
