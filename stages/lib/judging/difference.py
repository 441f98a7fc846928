"""Is a change of accuracy more than noise? Both the seeds and the validation images count as drawn by chance.

All is reckoned in log odds, ln(p / (1 - p)) of a run's accuracy p = (right + 1/2) / (images + 1): the seeds of a bad
optimizer differ by many points of accuracy and those of a good one by tenths, but their log odds differ alike. The
halves keep a run with nothing or all wrong finite (Haldane 1956; Gart and Zweifel 1967). The difference of two means
of log odds, over n_old and n_new seeds and the same N images, has the variance

    s2 (1/n_old + 1/n_new) + i2 / N

s2 is the variance of one run's log odds from seed to seed, i2 that of the images: how much the change helps one image
and hurts another, each side's outcomes divided by its p (1 - p), the slope of accuracy against log odds (the delta
method; Agresti 2013, Categorical Data Analysis, 16.1). It is the variance of two readers' groups who read the same
cases, readers being the seeds (Dorfman, Berbaum and Metz 1992; Obuchowski and Rockette 1995): in i2, what single runs
differ on the same image is taken off, as it is in s2 already. Intervals are Student's with Satterthwaite's degrees of
freedom, and Bonferroni's for all optimizers of one review together.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, nctdtrinc, stdtrit  # all of scipy.stats would take a second to import

CONFIDENCE = 0.95  # that no difference of a whole review is called real by chance
POWER = 0.8  # of the smallest difference that is said to be visible
Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Difference:
    """New minus old mean accuracy, its simultaneous interval, and what could have been seen.

    `low` and `high` are where the bounds of the log odds lead from the old mean accuracy: 0 is between them just where
    the log odds may be the same, and they are not equally far from `change`. `smallest` is the true difference that
    would be beyond noise in POWER of the reviews: the loss or the gain, whichever is larger, so the loss if the old
    accuracy is above one half. `dof` are the degrees of freedom; without any, the interval is endless.
    """

    change: float
    low: float
    high: float
    smallest: float
    dof: float


def differences(pairs: Mapping[str, Pair], others: Sequence[np.ndarray] = ()) -> dict[str, Difference]:
    """The difference of each optimizer; a pair is what the old and the new runs got wrong, bool [seeds, images].

    `others` are further groups of runs, bool [seeds, images], that only tell how much seeds do. Where two runs of a
    pair are one and the same, leave one out: it would count as two.
    """
    units = [*pairs.values(), *((group,) for group in others)]
    pooled, dof = pooled_variance([[logit(_accuracies(group)) for group in unit] for unit in units])
    quantile = 1 - (1 - CONFIDENCE) / (2 * max(len(pairs), 1))
    return {name: _difference(old, new, pooled, dof, quantile) for name, (old, new) in pairs.items()}


def pooled_variance(units: Sequence[Sequence[np.ndarray]]) -> tuple[float, float]:
    """The variance of values within groups, float [seeds] each, and its degrees of freedom; infinite with none.

    The groups of a unit, those of one optimizer, vary alike; units need not, and Satterthwaite (1946) says how many
    degrees of freedom their mean has then: as many as all together if they do, else fewer.
    """
    squares = [sum(float(np.sum((group - group.mean()) ** 2)) for group in unit) for unit in units]
    known = [sum(len(group) - 1 for group in unit) for unit in units]
    total = sum(squares)
    if not sum(known):
        return math.inf, 0
    if not total:
        return 0.0, sum(known)
    return total / sum(known), total**2 / sum(
        square**2 / dof for square, dof in zip(squares, known, strict=True) if dof
    )


def _difference(old: np.ndarray, new: np.ndarray, pooled: float, dof: float, quantile: float) -> Difference:
    change = float(old.mean() - new.mean())
    if not dof:
        return Difference(change, -math.inf, math.inf, math.inf, 0)
    least = sum(max(pooled, _independent(group)) / len(group) for group in (old, new))
    seeds = max(least, sum(_variance(group) / len(group) for group in (old, new)))
    images = image_variance(old, new)
    freedom = (seeds + images) ** 2 / (seeds**2 / dof + images**2 / (old.shape[1] - 1))
    error = math.sqrt(seeds + images)
    middle = float(logit(_accuracies(new)).mean() - logit(_accuracies(old)).mean())
    half = float(stdtrit(freedom, quantile)) * error
    smallest = float(nctdtrinc(freedom, 1 - POWER, half / error)) * error
    low, high, loss, gain = (_moved(old, by) for by in (middle - half, middle + half, -smallest, smallest))
    return Difference(change, low, high, max(-loss, gain), freedom)


def _accuracies(group: np.ndarray) -> np.ndarray:
    """Of each run, float [seeds], with half an image more right and half an image more wrong: never 0 or 1."""
    images = group.shape[1]
    right: np.ndarray = images - group.sum(axis=1)
    return (right + 0.5) / (images + 1)


def _slope(group: np.ndarray) -> float:
    """p (1 - p) of the mean accuracy p: how much the accuracy grows with its log odds."""
    p = float(_accuracies(group).mean())
    return p * (1 - p)


def _moved(old: np.ndarray, by: float) -> float:
    """How much the mean accuracy changes where its log odds change by so much."""
    p = float(_accuracies(old).mean())
    return float(expit(logit(p) + by)) - p


def _variance(group: np.ndarray) -> float:
    """The variance of one run's log odds from seed to seed; 0, as unknown, of a single run."""
    return float(np.var(logit(_accuracies(group)), ddof=1)) if len(group) > 1 else 0.0


def _independent(group: np.ndarray) -> float:
    """The variance of one run's log odds if every image fell right or wrong on its own, with the same chance."""
    return 1 / (group.shape[1] * _slope(group))


def image_variance(old: np.ndarray, new: np.ndarray) -> float:
    """What the images add to the variance of the difference in log odds, less what single runs do on one image."""
    total = float(np.var(new.mean(axis=0) / _slope(new) - old.mean(axis=0) / _slope(old), ddof=1))
    within = sum(_within(group) / _slope(group) ** 2 / len(group) for group in (old, new))
    return max(total - within, 0.0) / old.shape[1]


def _within(group: np.ndarray) -> float:
    """The mean variance of one image's outcome between the runs of a group; 0, as unknown, of a single run."""
    share = group.mean(axis=0)  # as outcomes are 0 and 1, it has their variance in it
    return float((share * (1 - share)).mean()) * len(group) / (len(group) - 1) if len(group) > 1 else 0.0
