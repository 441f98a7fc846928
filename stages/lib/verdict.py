"""The rules that judge a learning rate: pure functions, every threshold a named constant with its reason.

A *status* comes from one run alone: its loss against its own step 0 and against guessing. A *verdict* is a direction,
so it needs other rates: the loss at a rate over that at the best rate tried, with an interval, against a tolerance.
It holds for the number of steps that both were trained, and no others: short runs favour larger rates (Wu et al. 2018,
"Understanding Short-Horizon Bias in Stochastic Meta-Optimization").
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import stdtrit  # Student's t quantile; all of scipy.stats would take a second to import

Status = Literal["diverged", "stuck", "learning"]
Verdict = Literal["too_small", "reasonable", "too_large", "undetermined"]

CHANCE = math.log(10)  # the cross-entropy of guessing among ten digits
# Guessing by the digits' frequencies alone gives 2.301, and 2,000 validation images move a loss there by a few
# thousandths; a loss below 99% of CHANCE has used the images.
BETTER_THAN_CHANCE = 0.99 * CHANCE
TRAINED = CHANCE / 2  # above it, seeds hardly differ (2.55 and 2.56), which tells nothing of those of a trained network
# Networks start near CHANCE, guessing blindly; to end at twice the start takes confidence in wrong answers, that is
# exploded weights. A run that is merely dead stays under it.
EXPLODED = 2.0
LATE = 4  # validations whose median must be better than chance: the last swing of a dead network may be, by luck
# A rate too small to leave chance never lifts the loss above its start by more than noise. One that did, and now nears
# chance from above, was shaken dead.
RISEN = 1.05
# The least fall over the second half, of the loss: SGD at 1e-5 falls by 1% there and hardly learns; a dead network's
# last bias still settles by about 0.1%.
FALLING = 0.002
# ... and in standard deviations of the points around their line: pure noise falls that far in 0.5% of draws with 8
# points, which a full-length run has, and in 5% with 4.
NOISE = 4.0

# A practical tolerance: half as much loss again is what a user would notice and several times what seeds do (2 to
# 20%), while a rate that is wrong by a decade costs far more. More seeds then sharpen a verdict; were the question
# whether a rate is *any* worse than the best, they would shrink the reasonable band to one point.
TOLERANCE = 1.5
CONFIDENCE = 0.95  # of the interval: a rate exactly at the tolerance is called either way in at most 5% of cases


@dataclass(frozen=True)
class Cell:
    """The runs of one optimizer at one rate, one per seed: their worst status, final validation losses of the rest."""

    status: Status
    losses: tuple[float, ...]  # of the runs that did not diverge

    @property
    def loss(self) -> float:
        """Geometric mean; infinite if a run diverged."""
        return math.inf if self.status == "diverged" else math.exp(_log_mean(self.losses))


@dataclass(frozen=True)
class Spread:
    """Standard deviation of ln(loss) between seeds (infinite: nothing is known of it), and its degrees of freedom."""

    sd: float
    dof: int


@dataclass(frozen=True)
class Ratio:
    """Loss at a rate over the loss at the best rate, and its CONFIDENCE interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Band:
    """The reasonable rates from `start` to `end`, both tried; it may reach further on a side that is open.

    A side is open where the next rate tried is not definitely worse, or where no further rate was tried.
    """

    start: float
    end: float
    open_below: bool
    open_above: bool

    @property
    def decades(self) -> float:
        """Its width, a lower bound: the true edges lie between the last reasonable rate and the first worse one."""
        return math.log10(self.end / self.start)


def status(losses: Sequence[float], diverged: bool = False) -> Status:
    """Status of one run by its validation losses float [k >= 2], in nats, the first before any update.

    `diverged` tells that the run stopped because a loss was not finite.
    """
    if diverged or not np.isfinite(losses).all() or losses[-1] > EXPLODED * losses[0]:
        return "diverged"
    if max(losses[-1], np.median(losses[-LATE:])) < BETTER_THAN_CHANCE or _still_falls(np.asarray(losses, float)):
        return "learning"
    return "stuck"


def _still_falls(losses: np.ndarray) -> bool:
    """Whether the second half, or the last 4 of float [k >= 2], falls along a line, and by more than its noise."""
    late = losses[min(len(losses) // 2, max(len(losses) - 4, 0)) :]
    steps = np.arange(len(late))
    slope, start = np.polyfit(steps, late, 1)
    fall = -slope * steps[-1]
    noise = math.sqrt(np.sum((late - start - slope * steps) ** 2) / max(len(late) - 2, 1))
    rose = losses[-1] >= losses[0] or losses.max() > RISEN * losses[0]
    return bool(not rose and fall > FALLING * losses[-1] and fall > NOISE * noise)


def cell(runs: Iterable[tuple[Sequence[float], bool]]) -> Cell:
    """The cell of at least one run, each given as `status` takes it."""
    judged = [(status(losses, diverged), losses) for losses, diverged in runs]
    worst: Status = min((one for one, _ in judged), key=("diverged", "stuck", "learning").index)
    return Cell(worst, tuple(losses[-1] for one, losses in judged if one != "diverged"))


def best_lr(cells: Mapping[float, Cell]) -> float | None:
    """The rate with the lowest loss among those where every run learns; the smaller of equals; None if none learns."""
    learning = [lr for lr in sorted(cells) if cells[lr].status == "learning"]
    return min(learning, key=lambda lr: cells[lr].loss, default=None)


def pooled_spread(cells: Iterable[Cell]) -> Spread:
    """Spread over all cells that are learning, are TRAINED and have at least two seeds.

    Pooled, as each cell has few seeds: sd^2 = sum of squared deviations from each cell's mean / sum of (seeds - 1).
    """
    groups = [
        np.log(cell.losses)
        for cell in cells
        if cell.status == "learning" and len(cell.losses) >= 2 and cell.loss < TRAINED
    ]
    dof = sum(len(group) - 1 for group in groups)
    squares = sum(float(np.sum((group - group.mean()) ** 2)) for group in groups)
    return Spread(math.sqrt(squares / dof), dof) if dof else Spread(math.inf, 0)


def ratio(at_lr: Cell, at_best: Cell, spread: Spread) -> Ratio | None:
    """Ratio of the geometric means, with Student's interval on the log scale; None unless all runs are learning.

    Few degrees of freedom widen it by themselves (one: 12.7 standard errors, five: 2.6); with none it is 0 to infinity.
    """
    if at_lr.status != "learning" or at_best.status != "learning":
        return None
    difference = _log_mean(at_lr.losses) - _log_mean(at_best.losses)
    if not spread.dof:
        return Ratio(math.exp(difference), 0.0, math.inf)
    error = spread.sd * math.sqrt(1 / len(at_lr.losses) + 1 / len(at_best.losses))
    half = float(stdtrit(spread.dof, (1 + CONFIDENCE) / 2)) * error
    return Ratio(*(_exp(difference + shift) for shift in (0.0, -half, half)))


def verdict(status: Status, ratio: Ratio | None, lr: float, best_lr: float | None) -> Verdict:
    """The verdict on a rate from its cell's status and ratio to the best rate; the side comes from the best rate.

    That takes loss against rate to be U-shaped. What contradicts it, a run below the best rate that diverged or a
    worse one at the best rate itself, is undetermined; so is everything where no rate learns.
    """
    if best_lr is None:
        return "undetermined"
    worse = status != "learning" or (ratio is not None and ratio.low > TOLERANCE)
    if worse and lr > best_lr:
        return "too_large"
    if worse and lr < best_lr and status != "diverged":
        return "too_small"
    if not worse and ratio is not None and ratio.high < TOLERANCE:
        return "reasonable"
    return "undetermined"


def reasonable_range(verdicts: Mapping[float, Verdict], best_lr: float) -> Band:
    """The band of neighbouring reasonable rates around `best_lr`, which counts as one, among the rates judged."""
    lrs = sorted(verdicts)
    first = last = lrs.index(best_lr)
    while first > 0 and verdicts[lrs[first - 1]] == "reasonable":
        first -= 1
    while last < len(lrs) - 1 and verdicts[lrs[last + 1]] == "reasonable":
        last += 1
    beyond = (verdicts[lr] for lr in lrs[last + 1 : last + 2])
    below = (verdicts[lr] for lr in lrs[max(first - 1, 0) : first])
    return Band(lrs[first], lrs[last], "too_small" not in below, "too_large" not in beyond)


def _log_mean(losses: Sequence[float]) -> float:
    return float(np.log(losses).mean())


def _exp(exponent: float) -> float:
    """exp, infinite where that has no room in a float: an interval from one degree of freedom may be that wide."""
    return math.exp(exponent) if exponent < 700 else math.inf
