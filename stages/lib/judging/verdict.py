"""The rules that judge a learning rate: pure functions, every threshold a named constant with its reason.

A *verdict* is a direction, so it needs other rates: the loss at a rate over that at the best rate tried, with an
interval, against a tolerance. It holds for the number of steps that both were trained, and no others: short runs
favour larger rates (Wu et al. 2018, "Understanding Short-Horizon Bias in Stochastic Meta-Optimization").
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import stdtrit  # Student's t quantile; all of scipy.stats would take a second to import

from stages.lib.searching.lr_result import TOLERANCE, LrResult, Status
from stages.lib.searching.status import CHANCE

Verdict = Literal["too_small", "reasonable", "borderline", "too_large", "undetermined"]

# Above it, seeds hardly differ (2.55 and 2.56), which tells nothing of those of a trained network; with a fifth of the
# labels wrong, the best network still has half of CHANCE.
TRAINED = 0.75 * CHANCE

# An interval that stays within this factor of the tolerance is known well: so one side ends at the best loss itself,
# and the other as far beyond the tolerance.
MARGIN = TOLERANCE

CONFIDENCE = 0.95  # of the interval: a rate exactly at the tolerance is called either way in at most 5% of cases


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


def pooled_spread(results: Iterable[LrResult]) -> Spread:
    """Spread over all results that are learning, are TRAINED and have at least two seeds.

    Pooled, as each has few seeds: sd^2 = sum of squared deviations from each one's mean / sum of (seeds - 1).
    """
    groups = [
        np.log(result.losses)
        for result in results
        if result.status == "learning" and len(result.losses) >= 2 and result.loss < TRAINED
    ]
    dof = sum(len(group) - 1 for group in groups)
    squares = sum(float(np.sum((group - group.mean()) ** 2)) for group in groups)
    return Spread(math.sqrt(squares / dof), dof) if dof else Spread(math.inf, 0)


def ratio(at_lr: LrResult, at_best: LrResult, spread: Spread) -> Ratio | None:
    """Ratio of the geometric means, with Student's interval on the log scale; None unless all runs are learning.

    Few degrees of freedom widen it by themselves (one: 12.7 standard errors, five: 2.6); with none it is 0 to infinity.
    """
    if at_lr.status != "learning" or at_best.status != "learning":
        return None
    difference = math.log(at_lr.loss / at_best.loss)
    if not spread.dof:
        return Ratio(math.exp(difference), 0.0, math.inf)
    error = spread.sd * math.sqrt(1 / len(at_lr.losses) + 1 / len(at_best.losses))
    half = float(stdtrit(spread.dof, (1 + CONFIDENCE) / 2)) * error
    logs = (difference, difference - half, difference + half)
    # infinite where exp has no room in a float: an interval from one degree of freedom may be that wide
    return Ratio(*(math.exp(log) if log < 700 else math.inf for log in logs))


def verdict(status: Status, ratio: Ratio | None, lr: float, best_lr: float | None) -> Verdict:
    """The verdict on a rate from its status and ratio to the best rate; the side comes from the best rate.

    Borderline is what lies at the tolerance, known to be worse than the best and no worse than MARGIN beyond the
    tolerance; an interval that reaches further, from good to bad, is undetermined. That takes loss against rate to be
    U-shaped. What contradicts it, a run below the best rate that diverged or a worse one at the best rate itself, is
    undetermined; so is everything where no rate learns.
    """
    if best_lr is None:
        return "undetermined"
    worse = status != "learning" or (ratio is not None and ratio.low > TOLERANCE)
    if worse and lr > best_lr:
        return "too_large"
    if worse and lr < best_lr and status != "diverged":
        return "too_small"
    if worse or ratio is None:
        return "undetermined"
    if ratio.high < TOLERANCE:
        return "reasonable"
    near = ratio.low > TOLERANCE / MARGIN and ratio.high < TOLERANCE * MARGIN
    return "borderline" if near and lr != best_lr else "undetermined"
