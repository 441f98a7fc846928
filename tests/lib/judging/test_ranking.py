from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from stages.lib.judging.ranking import CONFIDENCE, pooled_sd, rank

MANY = 10**15  # images: their own chance is gone


def groups(accuracies: dict[str, list[float]], images: int = MANY) -> dict[str, int]:
    return {one.optimizer: one.tie_group for one in rank(accuracies, images)}


@pytest.mark.parametrize("distance", [0.001, 0.003, 0.01])
def test_two_optimizers_tie_as_in_the_t_test(distance: float) -> None:
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(200):
        one, two = (rng.normal(mean, 0.002, size) for mean, size in ((0.95, 4), (0.95 - distance, 3)))
        differ = stats.ttest_ind(one, two).pvalue < 0.05
        assert (max(groups({"a": list(one), "b": list(two)}).values()) == 2) == differ
        seen.add(differ)
    assert seen == {True, False} or distance == 0.01


def p_values(found: dict[str, list[float]], images: int) -> dict[tuple[str, str], float]:
    """Of each pair, uncorrected; all optimizers have three seeds and one variance."""
    variance = np.mean([np.var(values, ddof=1) for values in found.values()])
    means = {name: np.mean(values) for name, values in found.items()}
    result = {}
    for one, other in permutations(found, 2):
        error = np.sqrt(variance * 2 / 3 + (1 - means[one] + 1 - means[other]) / images)
        result[one, other] = float(2 * stats.t.sf(abs(means[one] - means[other]) / error, 2 * len(found)))
    return result


@pytest.mark.parametrize("images", [MANY, 10_000])
def test_several_optimizers_tie_with_the_leader_by_bonferroni(images: int) -> None:
    rng = np.random.default_rng(1)
    corrected = 0
    for _ in range(200):
        means = dict(zip("abcd", rng.normal(0.95, 0.003, 4), strict=True))
        found = {name: list(rng.normal(mean, 0.002, 3)) for name, mean in means.items()}
        p = p_values(found, images)
        leader, *others = sorted(found, key=lambda name: -np.mean(found[name]))
        expected, group = {leader: 1}, 1
        for name in others:
            corrected += 0.05 / 6 <= p[leader, name] < 0.05
            if p[leader, name] < 0.05 / 6:  # of four optimizers there are six pairs
                leader, group = name, group + 1
            expected[name] = group
        assert groups(found, images) == expected
    assert corrected > 10, "the correction mattered"


def test_a_group_is_what_ties_with_its_best_and_not_with_its_last() -> None:
    """Neighbours are 1 apart and a is 2 from c, where 1.5 is needed: a and b tie, c leads the next group."""
    spread = 0.001 / (stats.t.ppf(1 - 0.05 / 12, 8) * np.sqrt(2 / 3)) * 1.5 * np.array([-1, 0, 1])
    found = {name: list(mean + spread) for name, mean in {"c": 0.948, "a": 0.95, "d": 0.947, "b": 0.949}.items()}
    assert groups(found) == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_best_first_and_equal_ones_by_name() -> None:
    ranked = rank({"sgd": [0.5, 0.7], "b": [0.9, 0.7], "a": [0.8, 0.8], "adam": [0.85, 0.85]}, 100)
    assert [one.optimizer for one in ranked] == ["adam", "a", "b", "sgd"]
    assert [one.accuracy for one in ranked] == pytest.approx([0.85, 0.8, 0.8, 0.6])


def test_few_images_tell_little() -> None:
    """Without any difference between seeds: 0.90 and 0.88 of 100 images tie, of a million they do not."""
    found = {"a": [0.9, 0.9], "b": [0.88, 0.88]}
    assert groups(found, 100) == {"a": 1, "b": 1}
    assert groups(found, 10**6) == {"a": 1, "b": 2}


def test_one_seed_each_is_one_tie_group_with_intervals_of_everything() -> None:
    ranked = rank({"a": [0.9], "b": [0.1], "c": [0.99]}, 10_000)
    assert [(one.optimizer, one.tie_group, one.low, one.high) for one in ranked] == [
        ("c", 1, 0.0, 1.0),
        ("a", 1, 0.0, 1.0),
        ("b", 1, 0.0, 1.0),
    ]


def test_interval_of_the_seeds_is_students() -> None:
    values = [0.91, 0.93, 0.92, 0.96]
    (one,) = rank({"a": values}, MANY)
    expected = stats.t.interval(CONFIDENCE, 3, loc=np.mean(values), scale=stats.sem(values))
    assert (one.low, one.high) == pytest.approx(expected)


def test_interval_of_the_images_is_walds_with_students_quantile() -> None:
    ranked = rank({"a": [0.9, 0.9, 0.9], "b": [0.5, 0.5, 0.5], "whole": [1.0, 1.0, 1.0]}, 400)
    half = stats.t.ppf(0.975, 6) * np.sqrt(np.array([0.9 * 0.1, 0.5 * 0.5]) / 400)
    assert [(one.low, one.high) for one in ranked] == [
        (1.0, 1.0),
        pytest.approx((0.9 - half[0], 0.9 + half[0])),
        pytest.approx((0.5 - half[1], 0.5 + half[1])),
    ]


def test_interval_stays_within_what_an_accuracy_can_be() -> None:
    ranked = rank({"a": [0.8, 1.0], "b": [0.0, 0.2]}, 10)
    assert (ranked[0].high, ranked[1].low) == (1.0, 0.0)


def test_spread_is_pooled_from_each_optimizers_own_mean() -> None:
    """Squares of 2 and 18 from the means, over 1 and 2 degrees of freedom; one seed alone adds nothing."""
    sd, dof = pooled_sd([[0.0, 2.0], [10.0, 13.0, 16.0], [99.0]])
    assert sd == pytest.approx(np.sqrt(20 / 3))
    assert dof == 3
    assert pooled_sd([[0.5], [0.7]]) == (float("inf"), 0)


def test_no_optimizer_no_rank() -> None:
    assert rank({}, 0) == []


def test_equal_optimizers_are_seldom_split() -> None:
    """Five of one quality, two seeds each, on the same 500 images, some of which are harder than others."""
    rng, trials, split = np.random.default_rng(3), 400, 0
    for _ in range(trials):
        solved = rng.beta(9, 1, 500)
        right = rng.random((5, 2, 500)) < solved
        found = {str(name): list(right[name].mean(axis=1)) for name in range(5)}
        split += max(groups(found, 500).values()) > 1
    assert split <= (1 - CONFIDENCE) * trials
