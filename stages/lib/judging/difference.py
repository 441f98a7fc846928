"""Is a change of accuracy more than noise? In log odds, with Bonferroni's correction for all that is compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stages.lib.judging.log_odds import CONFIDENCE, estimate, log_odds, moved, pooled_variance

Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Difference:
    """New minus old mean accuracy, its simultaneous interval, and what could have been seen.

    `low` and `high` are where the bounds of the log odds lead from the old mean accuracy: 0 is between them just where
    the log odds may be the same, and they are not equally far from `change`. `smallest` is the true difference that
    would be beyond noise in POWER of the reviews: the loss or the gain, whichever is larger, so the loss if the old
    accuracy is above one half.
    """

    change: float
    low: float
    high: float
    smallest: float


def differences(pairs: Mapping[str, Pair], others: Sequence[np.ndarray] = ()) -> dict[str, Difference]:
    """The difference of each optimizer; a pair is what the old and the new runs got wrong, bool [seeds, images].

    There is none where no group has two runs, which would tell how much seeds do.
    `others` are further groups of runs, bool [seeds, images], that only tell how much seeds do. Where two runs of a
    pair are one and the same, leave one out: it would count as two.
    """
    units = [*pairs.values(), *((group,) for group in others)]
    pooled, dof = pooled_variance([[log_odds(group) for group in unit] for unit in units])
    quantile = 1 - (1 - CONFIDENCE) / (2 * max(len(pairs), 1))
    return {name: _difference(pair, pooled, dof, quantile) for name, pair in pairs.items() if dof}


def _difference(pair: Pair, pooled: float, dof: float, quantile: float) -> Difference:
    old, new = pair
    found = estimate(pair, pooled, dof)
    half, smallest = found.half(quantile), found.smallest(quantile)
    low, high, loss, gain = (moved(old, by) for by in (found.value - half, found.value + half, -smallest, smallest))
    return Difference(float(old.mean() - new.mean()), low, high, max(-loss, gain))
