"""Which optimizer is better? Those that may be the best one, and how many seeds would tell them apart.

Multiple comparisons with the best (Hsu 1981): every optimizer is compared with the best of the others alone, and is out
where it is worse beyond noise. With CONFIDENCE the truly best one is not, whichever it is; to tell all pairs apart
would ask more, and answer another question. Comparisons are one-sided, with Bonferroni's correction for the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from stages.lib.judging.log_odds import CONFIDENCE, Estimate, estimate, log_odds, moved, pooled_variance

MOST_SEEDS = 200  # nobody trains more of them to tell two optimizers apart


@dataclass(frozen=True)
class Ranked:
    """One optimizer: its mean validation accuracy with an interval (for it alone), and where it stands.

    Those of group 1 may be the best, those of group 2 the best of the rest, and so on. `behind` is how far the accuracy
    is below that of the first. `seeds_to_tell` is how many seeds each would need for such a gap to the first of the
    group to show, in POWER of draws; None of that first, and where MOST_SEEDS do not suffice.
    """

    valid_accuracy: float
    valid_low: float
    valid_high: float
    group: int
    behind: float
    seeds_to_tell: int | None


def rank(wrong: Mapping[str, np.ndarray]) -> dict[str, Ranked]:
    """Group by group, best first, by what each optimizer's runs got wrong on the same images: bool [seeds, images]."""
    pooled, dof = pooled_variance([[log_odds(runs)] for runs in wrong.values()])
    means = {name: 1 - float(runs.mean()) for name, runs in wrong.items()}
    left = sorted(means, key=lambda name: (-means[name], name))
    ranked: dict[str, Ranked] = {}
    group = 0
    while left:
        first, group = left[0], group + 1
        gaps = {name: estimate((wrong[name], wrong[first]), pooled, dof) for name in left[1:] if dof}
        quantile = 1 - (1 - CONFIDENCE) / max(len(gaps), 1)
        worse = [name for name, gap in gaps.items() if gap.value > gap.half(quantile)]
        for name in (name for name in left if name not in worse):
            seeds = _seeds_to_tell(gaps[name], len(wrong[name]), quantile) if name in gaps else None
            behind = max(means.values()) - means[name]
            ranked[name] = Ranked(means[name], *_interval(wrong[name], pooled, dof), group, behind, seeds)
        left = worse
    return ranked


def _interval(runs: np.ndarray, pooled: float, dof: float) -> tuple[float, float]:
    if not dof:
        return 0.0, 1.0
    half = estimate([runs], pooled, dof).half((1 + CONFIDENCE) / 2)
    return 1 - float(runs.mean()) + moved(runs, -half), 1 - float(runs.mean()) + moved(runs, half)


def _seeds_to_tell(gap: Estimate, seeds: int, quantile: float) -> int | None:
    for more in range(seeds + 1, MOST_SEEDS + 1):
        dof = gap.seeds_dof * (more - 1) / max(seeds - 1, 1)
        if replace(gap, seeds=gap.seeds * seeds / more, seeds_dof=dof).smallest(quantile) <= gap.value:
            return more
    return None
