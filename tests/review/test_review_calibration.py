"""How often a review is wrong, on runs that were really trained: see benchmarks/seeds.py, which made the data."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from twenty_seeds import LIKE, OPTIMIZERS, RUNS, SEEDS, WORSE

from stages.lib.judging.difference import differences

DRAWS = 200
SIZES = [size for size in (2, 4, 8) if 2 * size <= SEEDS]  # both sides have seeds of their own


def flagged(names: list[str], old: np.ndarray, new: np.ndarray) -> set[str]:
    found = differences({name: (RUNS[name][old], RUNS[name][new]) for name in names})
    return {name for name, one in found.items() if one.low > 0 or one.high < 0}


def test_there_is_enough_to_draw_from() -> None:
    assert {len(runs) for runs in RUNS.values()} == {SEEDS}
    assert len(OPTIMIZERS) * SEEDS >= 20
    assert {2, 4} <= set(SIZES)


@pytest.mark.parametrize("seeds", SIZES)
def test_other_seeds_alone_are_seldom_flagged(seeds: int) -> None:
    """Reviews of five optimizers, of which nothing but the seeds changed: at most 5% say that anything did."""
    rng, wrong = np.random.default_rng(1), 0
    for _ in range(DRAWS):
        drawn = rng.permutation(SEEDS)
        wrong += bool(flagged(OPTIMIZERS, drawn[:seeds], drawn[seeds : 2 * seeds]))
    print(f"{seeds} against {seeds} other seeds: {wrong / DRAWS:.1%} flag anything")
    assert wrong <= 0.05 * DRAWS


@pytest.mark.parametrize("seeds", SIZES)
def test_plainly_pooled_variances_would_be_wrong_too_often(seeds: int) -> None:
    """The same reviews with a t-test whose variance is the mean over these unlike optimizers, and all its freedom."""
    accuracies = np.array([1 - RUNS[name].mean(axis=1) for name in OPTIMIZERS])
    quantile = stats.t.ppf(1 - 0.025 / len(OPTIMIZERS), 2 * (seeds - 1) * len(OPTIMIZERS))
    rng, wrong = np.random.default_rng(1), 0
    for _ in range(10 * DRAWS):
        drawn = rng.permutation(SEEDS)
        old, new = accuracies[:, drawn[:seeds]], accuracies[:, drawn[seeds : 2 * seeds]]
        variance = np.mean(old.var(axis=1, ddof=1) + new.var(axis=1, ddof=1)) / 2
        change = np.abs(new.mean(axis=1) - old.mean(axis=1)).max()
        wrong += change > quantile * np.sqrt(variance * 2 / seeds)
    assert wrong > 0.08 * 10 * DRAWS


def test_smallest_visible_difference_shrinks_with_the_seeds() -> None:
    """The medians of docs/review.md, in points: with k times the seeds at most 1 / sqrt(k), as noise does."""
    medians: list[dict[str, float]] = []
    for seeds in SIZES:
        rng = np.random.default_rng(1)
        found: dict[str, list[float]] = {name: [] for name in OPTIMIZERS}
        for _ in range(DRAWS):
            drawn = rng.permutation(SEEDS)
            pairs = {name: (RUNS[name][drawn[:seeds]], RUNS[name][drawn[seeds : 2 * seeds]]) for name in OPTIMIZERS}
            for name, one in differences(pairs).items():
                found[name].append(100 * one.smallest)
        medians.append({name: float(np.median(values)) for name, values in found.items()})
        print(f"{seeds} seeds:", {name: f"{value:.1f}" for name, value in medians[-1].items()})
    for fewer, more in pairwise(medians):
        assert all(more[name] < fewer[name] / np.sqrt(2) * 1.1 for name in OPTIMIZERS)


@pytest.mark.parametrize("seeds", SIZES)
def test_other_seeds_alone_are_seldom_flagged_in_small_projects(seeds: int) -> None:
    """Reviews of projects with a single optimizer, which has no others to learn its noise from."""
    rng, wrong = np.random.default_rng(2), 0
    for _ in range(DRAWS // len(OPTIMIZERS)):
        drawn = rng.permutation(SEEDS)
        wrong += sum(bool(flagged([name], drawn[:seeds], drawn[seeds : 2 * seeds])) for name in OPTIMIZERS)
    print(f"one optimizer, {seeds} against {seeds} other seeds: {wrong / DRAWS:.1%} are flagged")
    assert wrong <= 0.05 * DRAWS


@pytest.mark.parametrize("compared", [1, len(OPTIMIZERS)])
def test_one_point_is_found_with_eight_seeds(compared: int) -> None:
    """Momentum with an lr that costs a point; of the others, so many are compared too and share the 5%."""
    lost = RUNS[WORSE].mean() - RUNS[LIKE].mean()
    assert 0.008 < lost < 0.012
    rng, found = np.random.default_rng(3), 0
    for _ in range(DRAWS):
        old, new = rng.permutation(SEEDS)[:8], rng.permutation(SEEDS)[:8]
        others = [name for name in OPTIMIZERS if name != LIKE]
        pairs = {name: (RUNS[name][old], RUNS[name][new]) for name in others[: compared - 1]}
        pairs[LIKE] = RUNS[LIKE][old], RUNS[WORSE][new]
        found += differences(pairs, [RUNS[name][old] for name in others[compared - 1 :]])[LIKE].high < 0
    print(f"a loss of {lost:.2%} among {compared} is found with 8 seeds in {found / DRAWS:.1%}")
    assert found >= 0.95 * DRAWS
