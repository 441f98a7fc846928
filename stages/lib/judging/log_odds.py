"""Accuracies as log odds, and what chance does to them: both the seeds and the validation images count as drawn.

The log odds of a run are ln(p / (1 - p)) of its accuracy p = (right + 1/2) / (images + 1): the seeds of a bad optimizer
differ by many points of accuracy and those of a good one by tenths, but their log odds differ alike. The halves keep a
run with nothing or all wrong finite (Haldane 1956; Gart and Zweifel 1967). The difference of two means of log odds,
over n_old and n_new seeds and the same N images, has the variance

    s2 (1/n_old + 1/n_new) + i2 / N

s2 is the variance of one run's log odds from seed to seed, i2 that of the images: how much the change helps one image
and hurts another, each side's outcomes divided by its p (1 - p), the slope of accuracy against log odds (the delta
method; Agresti 2013, Categorical Data Analysis, 16.1). It is the variance of two readers' groups who read the same
cases, readers being the seeds (Dorfman, Berbaum and Metz 1992; Obuchowski and Rockette 1995): in i2, what single runs
differ on the same image is taken off, as it is in s2 already. Intervals are Student's with Satterthwaite's degrees of
freedom. Runs are not paired by seed: those of two optimizers hardly correlate, and pairs cost half the freedom.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, nctdtrinc, stdtrit  # all of scipy.stats would take a second to import

CONFIDENCE = 0.95  # that nothing of a whole review, or of a whole ranking, is called real by chance
POWER = 0.8  # of the smallest difference that is said to be visible


@dataclass(frozen=True)
class Estimate:
    """Mean log odds of one group, or of the second group less those of the first, and what chance does to them.

    `seeds` and `images` are the two parts of its variance, the dof their degrees of freedom.
    """

    value: float
    seeds: float
    images: float
    seeds_dof: float
    images_dof: int

    @property
    def error(self) -> float:
        """The standard error."""
        return math.sqrt(self.seeds + self.images)

    @property
    def dof(self) -> float:
        """The degrees of freedom of both parts together."""
        return self.error**4 / (self.seeds**2 / self.seeds_dof + self.images**2 / self.images_dof)

    def half(self, quantile: float) -> float:
        """Half the width of the interval to a quantile of Student's t."""
        return float(stdtrit(self.dof, quantile)) * self.error

    def smallest(self, quantile: float) -> float:
        """The true value whose interval would leave out 0 in POWER of draws."""
        return float(nctdtrinc(self.dof, 1 - POWER, self.half(quantile) / self.error)) * self.error


def estimate(groups: Sequence[np.ndarray], pooled: float, dof: float) -> Estimate:
    """From one or two groups of runs, by what they got wrong, bool [seeds, images]; `pooled` is one run's variance.

    A group that varies more than the pooled variance says is taken at its word, and none varies less than chance alone.
    """
    *first, last = [log_odds(group).mean() for group in groups]
    least = sum(max(pooled, _independent(group)) / len(group) for group in groups)
    seeds = max(least, sum(_variance(group) / len(group) for group in groups))
    return Estimate(float(last - sum(first)), seeds, image_variance(*groups), dof, groups[0].shape[1] - 1)


def pooled_variance(units: Sequence[Sequence[np.ndarray]]) -> tuple[float, float]:
    """The variance of values within groups, float [seeds] each, and its degrees of freedom; infinite with none.

    The groups of a unit, those of one optimizer, vary alike; units need not, and Satterthwaite (1946) says how many
    degrees of freedom their mean has then: as many as all together if they do, else fewer. The square of a sum of
    squares with k degrees of freedom is on average k (k + 2) times the variance squared, where he takes k k: with one
    or two that leaves less than half of them, so that here both of his terms are unbiased.
    """
    squares = [sum(float(np.sum((group - group.mean()) ** 2)) for group in unit) for unit in units]
    known = [sum(len(group) - 1 for group in unit) for unit in units]
    total = sum(squares)
    if not sum(known):
        return math.inf, 0
    if not total:
        return 0.0, sum(known)
    alike = total**2 / sum(square**2 / (dof + 2) for square, dof in zip(squares, known, strict=True)) - 2
    return total / sum(known), float(np.clip(alike, min(dof for dof in known if dof), sum(known)))


def log_odds(group: np.ndarray) -> np.ndarray:
    """Of each run's accuracy, float [seeds], by what the runs got wrong, bool [seeds, images]."""
    return logit(_accuracies(group))


def moved(group: np.ndarray, by: float) -> float:
    """How much the mean accuracy of a group changes where its log odds change by so much."""
    p = float(_accuracies(group).mean())
    return float(expit(logit(p) + by)) - p


def image_variance(*groups: np.ndarray) -> float:
    """What the images add to the variance of one or two groups' `Estimate`, less what single runs do on one image."""
    *first, last = [group.mean(axis=0) / _slope(group) for group in groups]
    within = sum(_within(group) / _slope(group) ** 2 / len(group) for group in groups)
    return max(float(np.var(last - sum(first), ddof=1)) - within, 0.0) / groups[0].shape[1]


def _accuracies(group: np.ndarray) -> np.ndarray:
    """Of each run, float [seeds], with half an image more right and half an image more wrong: never 0 or 1."""
    images = group.shape[1]
    right: np.ndarray = images - group.sum(axis=1)
    return (right + 0.5) / (images + 1)


def _slope(group: np.ndarray) -> float:
    """p (1 - p) of the mean accuracy p: how much the accuracy grows with its log odds."""
    p = float(_accuracies(group).mean())
    return p * (1 - p)


def _variance(group: np.ndarray) -> float:
    """The variance of one run's log odds from seed to seed; 0, as unknown, of a single run."""
    return float(np.var(log_odds(group), ddof=1)) if len(group) > 1 else 0.0


def _independent(group: np.ndarray) -> float:
    """The variance of one run's log odds if every image fell right or wrong on its own, with the same chance."""
    return 1 / (group.shape[1] * _slope(group))


def _within(group: np.ndarray) -> float:
    """The mean variance of one image's outcome between the runs of a group; 0, as unknown, of a single run."""
    share = group.mean(axis=0)  # as outcomes are 0 and 1, it has their variance in it
    return float((share * (1 - share)).mean()) * len(group) / (len(group) - 1) if len(group) > 1 else 0.0
