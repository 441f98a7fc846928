import numpy as np
import pytest

from stages.lib.range_test import smoothed, suggestion


def curve(steps: int, centre: float, noise: float = 0.0, blows_up_after: float = 1.0, seed: int = 0) -> np.ndarray:
    """Losses of a test from 1e-5 to 1: a fall from 2.6 to 0.2, steepest at `centre`, and 56 some decades later."""
    decades = np.log10(np.geomspace(1e-5, 1, steps)) - np.log10(centre)
    losses = 0.2 + 2.4 / (1 + np.exp(decades * 5)) + 56 / (1 + np.exp(-20 * (decades - blows_up_after)))
    return losses * np.exp(noise * np.random.default_rng(seed).normal(size=steps))


def error(losses: np.ndarray, centre: float) -> float:
    """Decades by which the suggestion misses."""
    found = suggestion(np.geomspace(1e-5, 1, len(losses)), losses)
    assert found is not None
    return float(np.log10(found / centre))


@pytest.mark.parametrize("steps", [100, 150, 500])
@pytest.mark.parametrize("centre", [1e-4, 1e-3, 1e-2, 1e-1])
def test_finds_the_steepest_point_of_a_smooth_fall(steps: int, centre: float) -> None:
    assert error(curve(steps, centre), centre) == pytest.approx(0, abs=0.15)


def test_a_symmetric_fall_is_steepest_in_its_middle() -> None:
    assert error(curve(151, 10**-2.5, blows_up_after=9), 10**-2.5) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(("noise", "miss"), [(0.03, 0.25), (0.1, 0.5)])
def test_noise_of_the_batches_moves_it_little(noise: float, miss: float) -> None:
    """Differentiated against lr instead of ln(lr), the steepest point would be the bottom of the grid."""
    rng = np.random.default_rng(1)
    misses = []
    for seed in range(200):
        centre = 10 ** rng.uniform(-4, -1)
        misses.append(error(curve(150, centre, noise, rng.uniform(0.6, 1.2), seed), centre))
    assert np.quantile(np.abs(misses), 0.95) < miss
    assert abs(np.median(misses)) < 0.12


def test_the_way_back_from_a_blow_up_is_no_suggestion() -> None:
    losses = curve(150, 1e-3)
    losses[losses > 20] = 56
    losses[130:] = 2.3
    assert error(losses, 1e-3) == pytest.approx(0, abs=0.15)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_follows_a_loss_that_is_not_finite_does_not_count(bad: float) -> None:
    losses = curve(150, 1e-3)
    losses[100] = bad
    losses[101:] = 0.0
    assert error(losses, 1e-3) == pytest.approx(0, abs=0.15)


@pytest.mark.parametrize(
    "losses",
    [
        np.full(150, 2.3),
        2.3 + 0.1 * np.random.default_rng(0).normal(size=150),
        np.linspace(2.6, 2.303, 150),
        np.linspace(2.3, 9, 150),
        np.append(np.full(75, 2.6), np.full(75, 56.0)),
        np.full(150, np.nan),
        np.array([2.6, np.nan, 0.1]),
        np.array([2.6, 1.0]),
        np.array([]),
    ],
    ids=["flat", "noise", "falls to guessing", "rises", "explodes", "never finite", "one finite", "two", "none"],
)
def test_nothing_falls(losses: np.ndarray) -> None:
    assert suggestion(np.geomspace(1e-5, 1, len(losses)), losses) is None


@pytest.mark.parametrize(("share", "found"), [(0.75, True), (0.85, False)])
def test_on_both_sides_of_the_least_fall(share: float, found: bool) -> None:
    losses = 2.6 * np.interp(np.arange(150), [0, 60, 90, 149], [1, 1, share, share])
    assert (suggestion(np.geomspace(1e-5, 1, 150), losses) is not None) == found


def test_smoothing_is_the_weighted_mean_of_the_past() -> None:
    losses = np.random.default_rng(0).uniform(size=30)
    weights = 0.9 ** np.arange(30)[::-1]  # 5% of 200 steps: a memory of 10
    assert smoothed(losses, 200)[-1] == pytest.approx(np.average(losses, weights=weights))
    assert smoothed(losses, 200)[0] == pytest.approx(losses[0]), "corrected for its start at 0"
    assert smoothed(np.full(9, 2.3), 200) == pytest.approx(np.full(9, 2.3))
