import math

import numpy as np
import pytest
from scipy import special, stats

from stages.lib.judging.difference import Difference, Pair, differences
from stages.lib.judging.log_odds import POWER, estimate, image_variance, pooled_variance

IMAGES = 1000


def separate(counts: list[int], start: int = 0) -> np.ndarray:
    """Runs that get so many images wrong, and no two the same one: the images add nothing to the seeds' variance."""
    wrong = np.zeros((len(counts), IMAGES), bool)
    for run, count in enumerate(counts):
        wrong[run, start : start + count] = True
        start += count
    return wrong


def log_odds(*counts: int) -> np.ndarray:
    """Of runs with so many wrong: the empirical logit, ln of (right + 1/2) to (wrong + 1/2)."""
    return np.array([math.log((IMAGES - count + 0.5) / (count + 0.5)) for count in counts])


def moves(old: np.ndarray, found: Difference) -> list[float]:
    """The bounds back in log odds, away from those of the old mean accuracy."""
    p = (np.sum(~old) / len(old) + 0.5) / (old.shape[1] + 1)
    return [math.log((p + by) / (1 - p - by)) - math.log(p / (1 - p)) for by in (found.low, found.high)]


def half_width(old: np.ndarray, found: Difference) -> float:
    low, high = moves(old, found)
    return (high - low) / 2


def freedom(pair: Pair, *others: np.ndarray) -> float:
    """The degrees of freedom of a difference."""
    units = [pair, *((group,) for group in others)]
    return estimate(pair, *pooled_variance([[log_odds(*group.sum(axis=1)) for group in unit] for unit in units])).dof


def test_seeds_alone_are_students_t_test_of_log_odds() -> None:
    old, new = separate([20, 60, 35]), separate([130, 160, 190], 300)
    found = differences({"adam": (old, new)})["adam"]
    expected = stats.ttest_ind(log_odds(130, 160, 190), log_odds(20, 60, 35)).confidence_interval(0.95)
    assert image_variance(old, new) == 0
    assert found.change == pytest.approx(-0.365 / 3)
    assert [*moves(old, found), freedom((old, new))] == pytest.approx([*expected, 4])


def test_images_alone_are_the_log_odds_of_matched_pairs() -> None:
    """Of 50 images, 12 are wrong in the new run alone and 2 in the old one alone; 36 are right in both.

    The difference of two marginal logits has the variance 1/(n p q) + 1/(n P Q) - 2 (p11 - p P) / (n p q P Q) (delta
    method for the multinomial; Agresti 2013, Categorical Data Analysis). The halves in the slopes are left to 2%.
    """
    old = np.array([[0] * 36 + [0] * 12 + [1] * 2], bool).repeat(40, axis=1)
    new = np.array([[0] * 36 + [1] * 12 + [0] * 2], bool).repeat(40, axis=1)
    n, before, after, both = 2000, 48 / 50, 38 / 50, 36 / 50
    one, other = before * (1 - before), after * (1 - after)
    expected = (1 / one + 1 / other - 2 * (both - before * after) / (one * other)) / n
    assert image_variance(old, new) == pytest.approx(expected, rel=0.02)


def test_variance_of_both_is_what_repeating_the_whole_experiment_shows() -> None:
    """Fresh seeds and fresh images each time: the mean of the estimates is the variance of the differences."""
    rng, changes, halves = np.random.default_rng(5), [], []
    for _ in range(600):
        hard, helped = rng.beta(0.3, 3, IMAGES), rng.normal(0.05, 0.15, IMAGES)
        sides = []
        for effect in (0 * helped, helped):
            runs = rng.normal(0, 0.015, (3, 1))
            sides.append(rng.random((3, IMAGES)) < np.clip(hard + effect + runs, 0, 1))
        found = differences({"adam": (sides[0], sides[1])})["adam"]
        old, new = (special.logit(1 - side.mean(axis=1)).mean() for side in sides)
        changes.append(new - old)
        halves.append(half_width(sides[0], found) / stats.t.ppf(0.975, freedom((sides[0], sides[1]))))
    ratio = np.mean(np.square(halves)) / np.var(changes)
    assert 0.9 < ratio < 1.2, ratio


def test_pooled_variance_and_bonferroni_by_hand() -> None:
    """Two optimizers with 2 + 2 and 2 + 3 runs, 97.5% for each."""
    quiet = (separate([90, 96]), separate([190, 200], 500))
    loud = (separate([40, 90]), separate([200, 300, 240], 200))
    found = differences({"quiet": quiet, "loud": loud})
    still = sum(log_odds(*counts).var(ddof=1) for counts in ((90, 96), (190, 200)))
    first, second = log_odds(40, 90).var(ddof=1), log_odds(200, 300, 240).var(ddof=1)
    variance = (still + first + 2 * second) / 5
    dof = (5 * variance) ** 2 / (still**2 / 4 + (first + 2 * second) ** 2 / 5) - 2
    assert 3 < dof < 3.2  # near the 3 of the loud one, which makes nearly all of the variance
    half = stats.t.ppf(1 - 0.05 / 4, dof) * math.sqrt(variance)
    assert half_width(quiet[0], found["quiet"]) == pytest.approx(half)
    own = first / 2 + second / 3  # of the loud difference, larger than what the pooled variance gives
    assert own > variance * (1 / 2 + 1 / 3)
    half = stats.t.ppf(1 - 0.05 / 4, dof) * math.sqrt(own)
    assert half_width(loud[0], found["loud"]) == pytest.approx(half)


def test_degrees_of_freedom_add_up_where_all_vary_alike() -> None:
    same = [np.array([0.1, 0.3]), np.array([0.5, 0.7])]
    assert pooled_variance([same, same, same]) == pytest.approx((0.02, 6))
    assert pooled_variance([[np.array([0.5])], [np.array([0.7])]]) == (math.inf, 0)
    assert pooled_variance([[np.array([0.5, 0.5])], [np.array([0.7])]]) == (0.0, 1)


@pytest.mark.parametrize("deviations", [(0.1,) * 5, (0.07, 0.17, 0.07, 0.16, 0.09)], ids=["alike", "recorded"])
def test_pooled_variance_of_two_seeds_each_gives_students_intervals(deviations: tuple[float, ...]) -> None:
    """Five optimizers that vary alike, or as the recorded seeds: the mean of all lies in nearly 95% of intervals.

    With Satterthwaite's own degrees of freedom, meant for groups that are not tiny, it lies in 98% or more.
    """
    draws = np.random.default_rng(4).normal(0, 1, (4000, 5, 2)) * np.array(deviations)[:, None]
    outside = 0
    for draw in draws:
        variance, dof = pooled_variance([[pair] for pair in draw])
        outside += abs(draw.mean()) > stats.t.ppf(0.975, dof) * math.sqrt(variance / 10)
    assert 0.035 < outside / len(draws) < 0.06


def test_other_groups_only_add_to_what_is_known_of_seeds() -> None:
    pair = (separate([50]), separate([80], 100))
    assert differences({"adam": pair}) == {}
    others = separate([30, 50, 80])
    carried, dof = differences({"adam": pair}, [others])["adam"], freedom(pair, others)
    variance = 2 * log_odds(30, 50, 80).var(ddof=1) + image_variance(*pair)
    assert half_width(pair[0], carried) == pytest.approx(stats.t.ppf(0.975, dof) * math.sqrt(variance))
    assert dof > 2


@pytest.mark.parametrize(("counts", "way"), [([20, 60, 35], -1), ([780, 60, 200], -1), ([930, 960, 920], 1)])
def test_smallest_difference_would_be_found_in_four_of_five_reviews(counts: list[int], way: int) -> None:
    """The loss where most was right, the gain where most was wrong, as the other one is smaller in points."""
    old = np.array([[True] * count + [False] * (IMAGES - count) for count in counts])
    new = np.roll(old, 5, axis=1)
    found = differences({"adam": (old, new)})["adam"]
    p = (np.mean([IMAGES - count for count in counts]) + 0.5) / (IMAGES + 1)
    dof = freedom((old, new))
    error = half_width(old, found) / stats.t.ppf(0.975, dof)
    there, back = (special.logit(p + sign * way * found.smallest) - special.logit(p) for sign in (1, -1))
    share = stats.nct.sf(stats.t.ppf(0.975, dof), dof, abs(there) / error)
    assert share == pytest.approx(POWER, abs=1e-6)
    assert not abs(back) < abs(there)


def test_runs_that_chance_made_equal_are_not_without_noise() -> None:
    """Each side's seeds get as many images wrong: their own variance is 0, but not that of other seeds.

    That of independent images stands in: the binomial's, each side with its own accuracy.
    """
    old, new = separate([30, 30]), separate([150, 150, 150], 400)
    found = differences({"adam": (old, new)})["adam"]
    p, other = 970.5 / 1001, 850.5 / 1001
    expected = 1 / (IMAGES * p * (1 - p)) / 2 + 1 / (IMAGES * other * (1 - other)) / 3
    assert image_variance(old, new) == 0
    assert half_width(old, found) == pytest.approx(stats.t.ppf(0.975, 3) * math.sqrt(expected))


def test_seeds_that_differ_by_many_points_at_low_accuracy_hide_no_loss_of_others() -> None:
    """The sides of two optimizers lose much, one of them to where its two seeds are 14 points apart."""
    rng = np.random.default_rng(0)
    low = rng.random((2, IMAGES)) < [[0.04], [0.041]], rng.random((2, IMAGES)) < [[0.5], [0.64]]
    high = rng.random((2, IMAGES)) < [[0.02], [0.019]], rng.random((2, IMAGES)) < [[0.11], [0.12]]
    found = differences({"sgd": low, "momentum": high})
    assert all(one.high < 0 for one in found.values())
    in_points = np.mean([np.var(group.mean(axis=1), ddof=1) for group in (*low, *high)])
    assert stats.t.ppf(1 - 0.05 / 4, 4) * math.sqrt(in_points) > 0.1  # as wide as momentum's loss, were it so pooled


def test_dead_networks_do_not_differ() -> None:
    dead = np.repeat(np.arange(IMAGES)[None] % 10 > 0, 2, axis=0)
    found = differences({"adam": (dead, dead)})["adam"]
    low, high = moves(dead, found)
    assert found.change == 0
    assert 0 < high == pytest.approx(-low)


def test_nothing_wrong_and_nothing_right_have_an_interval() -> None:
    perfect, dead = separate([0, 0]), ~separate([0, 0])
    found = differences({"adam": (perfect, dead), "sgd": (perfect, perfect)})
    assert (found["adam"].change, found["sgd"].change) == (-1, 0)
    assert -1 < found["adam"].low < found["adam"].high < 0
    assert found["sgd"].low < 0 < found["sgd"].high < 0.001


def test_interval_turns_round_with_the_sides() -> None:
    old, new = separate([20, 60, 35]), separate([30, 160], 10)
    there, back = differences({"a": (old, new)})["a"], differences({"a": (new, old)})["a"]
    low, high = moves(new, back)
    assert moves(old, there) == pytest.approx([-high, -low])
