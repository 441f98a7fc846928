import math

import numpy as np
import pytest
from scipy import stats

from stages.lib.review.difference import POWER, differences, image_variance, pooled_variance

IMAGES = 1000


def separate(counts: list[int], start: int = 0) -> np.ndarray:
    """Runs that get so many images wrong, and no two the same one: the images add nothing to the seeds' variance."""
    wrong = np.zeros((len(counts), IMAGES), bool)
    for run, count in enumerate(counts):
        wrong[run, start : start + count] = True
        start += count
    return wrong


def test_seeds_alone_are_students_t_test() -> None:
    old, new = separate([20, 60, 35]), separate([130, 160, 190], 300)
    found = differences({"adam": (old, new)})["adam"]
    expected = stats.ttest_ind(1 - new.mean(axis=1), 1 - old.mean(axis=1))
    low, high = expected.confidence_interval(0.95)
    assert image_variance(old, new) == 0
    assert found.change == pytest.approx(-0.365 / 3)
    assert [found.low, found.high, found.dof] == pytest.approx([low, high, 4])


def test_images_alone_are_the_paired_difference_of_proportions() -> None:
    """Of 50 images, 12 are wrong in the new run alone and 2 in the old one alone.

    The simple interval of paired proportions has the standard error sqrt(b + c - (b - c)^2 / n) / n (Newcombe 1998,
    Statistics in Medicine 17, method 1).
    """
    old = np.array([[0] * 36 + [0] * 12 + [1] * 2], bool)
    new = np.array([[0] * 36 + [1] * 12 + [0] * 2], bool)
    expected = (12 + 2 - (12 - 2) ** 2 / 50) / 50**2
    assert image_variance(old, new) * (50 - 1) / 50 == pytest.approx(expected)


def test_variance_of_both_is_what_repeating_the_whole_experiment_shows() -> None:
    """Fresh seeds and fresh images each time: the mean of the estimates is the variance of the differences."""
    rng, changes, halves = np.random.default_rng(5), [], []
    for _ in range(600):
        hard, helped = rng.beta(0.3, 3, IMAGES), rng.normal(0, 0.15, IMAGES)
        sides = []
        for effect in (0 * helped, helped):
            runs = rng.normal(0, 0.01, (3, 1))
            sides.append(rng.random((3, IMAGES)) < np.clip(hard + effect + runs, 0, 1))
        found = differences({"adam": (sides[0], sides[1])})["adam"]
        changes.append(found.change)
        halves.append((found.high - found.low) / 2 / stats.t.ppf(0.975, found.dof))
    ratio = np.mean(np.square(halves)) / np.var(changes)
    assert 0.9 < ratio < 1.2, ratio


def test_pooled_variance_and_bonferroni_by_hand() -> None:
    """Two optimizers with 2 + 2 and 2 + 3 runs, 97.5% for each."""
    quiet = (separate([50, 52]), separate([10, 12], 500))
    loud = (separate([40, 60]), separate([200, 240, 220], 200))
    found = differences({"quiet": quiet, "loud": loud})
    variance = (2 + 2 + 200 + 800) / 5 / IMAGES**2
    dof = 1004**2 / (4**2 / 2 + 1000**2 / 3)  # near the 3 of the loud one, which makes nearly all of the variance
    assert 3 < dof < 3.1
    half = stats.t.ppf(1 - 0.05 / 4, dof) * math.sqrt(variance)
    assert (found["quiet"].high - found["quiet"].low) / 2 == pytest.approx(half)
    own = (200 / 2 + 400 / 3) / IMAGES**2  # of the loud difference, larger than what the pooled variance gives
    half = stats.t.ppf(1 - 0.05 / 4, dof) * math.sqrt(own)
    assert (found["loud"].high - found["loud"].low) / 2 == pytest.approx(half)


def test_degrees_of_freedom_add_up_where_all_vary_alike() -> None:
    same = [np.array([0.1, 0.3]), np.array([0.5, 0.7])]
    assert pooled_variance([same, same, same]) == pytest.approx((0.02, 6))
    assert pooled_variance([[np.array([0.5])], [np.array([0.7])]]) == (math.inf, 0)
    assert pooled_variance([[np.array([0.5, 0.5])], [np.array([0.7])]]) == (0.0, 1)


def test_other_groups_only_add_to_what_is_known_of_seeds() -> None:
    pair = (separate([50]), separate([80], 100))
    alone = differences({"adam": pair})["adam"]
    assert (alone.low, alone.high, alone.smallest, alone.dof) == (-math.inf, math.inf, math.inf, 0)
    carried = differences({"adam": pair}, [separate([40, 44, 48])])["adam"]
    half = stats.t.ppf(0.975, carried.dof) * math.sqrt(16e-6 * 2 + image_variance(*pair))
    assert carried.high - carried.change == pytest.approx(half)
    assert carried.dof > 2


def test_smallest_difference_would_be_found_in_four_of_five_reviews() -> None:
    found = differences({"adam": (separate([20, 60, 35]), separate([130, 160, 190], 300))})["adam"]
    error = (found.high - found.change) / stats.t.ppf(0.975, 4)
    share = stats.nct.sf(stats.t.ppf(0.975, 4), 4, found.smallest / error)
    assert share == pytest.approx(POWER, abs=1e-6)


def test_runs_that_chance_made_equal_are_not_without_noise() -> None:
    """Both seeds of both sides get as many images wrong: their own variance is 0, but not that of other seeds."""
    found = differences({"adam": (separate([100, 100]), separate([101, 101], 400))})["adam"]
    assert found.low < 0 < found.high


def test_dead_networks_do_not_differ() -> None:
    dead = np.repeat(np.arange(IMAGES)[None] % 10 > 0, 2, axis=0)
    found = differences({"adam": (dead, dead)})["adam"]
    assert (found.change, found.low, found.high) == (0, 0, 0)


def test_interval_turns_round_with_the_sides() -> None:
    old, new = separate([20, 60, 35]), separate([30, 160], 10)
    there, back = differences({"a": (old, new)})["a"], differences({"a": (new, old)})["a"]
    assert [there.low, there.high] == pytest.approx([-back.high, -back.low])
