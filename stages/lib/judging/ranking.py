"""Which optimizer is better: order by validation accuracy, and say which differences are more than noise."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit  # Student's t quantile; all of scipy.stats would take a second to import

CONFIDENCE = 0.95  # that no difference of the whole arm is called real by chance


@dataclass(frozen=True)
class Ranked:
    """One optimizer: its mean validation accuracy, an interval, and its tie group, 1 being the best."""

    optimizer: str
    accuracy: float
    low: float
    high: float
    tie_group: int


def rank(accuracies: Mapping[str, Sequence[float]], images: int) -> list[Ranked]:
    """Best first; `accuracies` holds one value per seed, of a split of so many `images`.

    Optimizers share a tie group unless they differ from the best of that group beyond noise: a two-sided t-test of
    each pair with Bonferroni's correction for all pairs. What chance may do is the seeds' variance, pooled over the
    optimizers, and that of the images, for which two optimizers' images that only one gets wrong are counted as all
    that either gets wrong, their most. An interval is CONFIDENCE for one accuracy, without that correction.
    """
    means = {name: float(np.mean(values)) for name, values in accuracies.items()}
    sd, dof = pooled_sd(list(accuracies.values()))
    ranked: list[Ranked] = []
    leader, group = "", 0
    for name in sorted(means, key=lambda name: (-means[name], name)):
        pairs = len(means) * (len(means) - 1) / 2
        quantile = _quantile((1 - CONFIDENCE) / max(pairs, 1), dof)
        if not leader or _gap(accuracies[leader], accuracies[name], sd, images) > quantile:
            leader, group = name, group + 1
        half = _quantile(1 - CONFIDENCE, dof) * math.sqrt(
            sd**2 / len(accuracies[name]) + means[name] * (1 - means[name]) / images
        )
        ranked.append(Ranked(name, means[name], max(means[name] - half, 0.0), min(means[name] + half, 1.0), group))
    return ranked


def pooled_sd(groups: Sequence[Sequence[float]]) -> tuple[float, int]:
    """Standard deviation within groups, pooled over them, and its degrees of freedom; infinite with none."""
    dof = sum(len(group) - 1 for group in groups)
    squares = sum(float(np.sum((np.asarray(group) - np.mean(group)) ** 2)) for group in groups)
    return (math.sqrt(squares / dof), dof) if dof else (math.inf, 0)


def _gap(one: Sequence[float], other: Sequence[float], sd: float, images: int) -> float:
    """The difference of two mean accuracies in its standard errors; 0 where nothing is known of the seeds."""
    errors = 2 - float(np.mean(one)) - float(np.mean(other))
    error = math.sqrt(sd**2 * (1 / len(one) + 1 / len(other)) + errors / images)
    return abs(float(np.mean(one)) - float(np.mean(other))) / error if error else 0.0


def _quantile(alpha: float, dof: int) -> float:
    """Two-sided Student quantile; infinite without degrees of freedom."""
    return float(stdtrit(dof, 1 - alpha / 2)) if dof else math.inf
