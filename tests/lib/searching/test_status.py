import math
from collections.abc import Sequence

import numpy as np
import pytest
from recorded import DEAD, EXPLODED, GONE, ending, recorded

from stages.lib.runs.run import Run
from stages.lib.searching.lr_result import Status
from stages.lib.searching.status import CHANCE, LEAST_LOSS, final_loss, status, status_of

STEPS = np.arange(16) / 15  # of a full-length run: validation every 100 of 1500 steps


def noisy(losses: np.ndarray, sd: float, seed: int = 0) -> list[float]:
    return list(losses + sd * np.random.default_rng(seed).normal(size=len(losses)))


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        pytest.param(2.6 * 0.03**STEPS, "learning", id="good run"),
        pytest.param(2.6 - 0.05 * STEPS, "learning", id="SGD at 1e-5"),
        pytest.param(2.6 - 0.05 * STEPS + 0.01 * (STEPS == 1), "learning", id="its last score on other images"),
        pytest.param(noisy(2.6 - 0.05 * STEPS, 0.001), "learning", id="SGD at 1e-5, with noise"),
        pytest.param(2.31 + 0.29 * (1 - STEPS) ** 2, "learning", id="creeps to 2.31 and still falls"),
        pytest.param(
            np.append(2.3 + 0.3 * 0.1 ** (8 * STEPS[:-2]), [2.2, 1.5]), "learning", id="leaves a plateau late"
        ),
        pytest.param(noisy(0.5 + 0 * STEPS, 0.1), "learning", id="unsteady at 0.5"),
        pytest.param([2.6, 2.5], "learning", id="two validations, falling"),
        pytest.param(0.1 + 39.9 * 0.01**STEPS, "learning", id="starts at 40: inputs of another scale"),
        pytest.param(np.full(16, CHANCE), "stuck", id="constant at chance"),
        pytest.param(np.full(16, 2.6), "stuck", id="constant at its start"),
        pytest.param([2.6, 2.6], "stuck", id="two validations, constant"),
        pytest.param(2.3 + 0.3 * 0.001 ** (8 * STEPS), "stuck", id="dead: drops to chance and stays"),
        pytest.param(2.3018 + 0.3 * (STEPS == 0) + 0.002 * 0.1**STEPS, "stuck", id="dead, its bias still settling"),
        pytest.param([2.6, 2.31, 2.303], "stuck", id="dead within three validations"),
        pytest.param(
            np.append(2.6 * 0.03 ** (2 * STEPS[:8]), np.full(8, 2.302)), "stuck", id="killed after good start"
        ),
        pytest.param(np.append(2.6 * 0.03 ** STEPS[:15], 2.302), "stuck", id="killed at the very end"),
        pytest.param(2.3 + 0.2 * (-1.0) ** np.arange(16), "stuck", id="swings round chance, ends under it"),
        pytest.param(2.3 - 0.2 * (-1.0) ** np.arange(16), "stuck", id="swings round chance, ends over it"),
        pytest.param([2.6, 56, *np.linspace(2.9, 2.31, 14)], "stuck", id="shaken dead, nearing chance from above"),
        pytest.param(2.6 + 0.5 * STEPS, "stuck", id="rises a little"),
        pytest.param([2.6, *np.linspace(2.72, 2.61, 15)], "stuck", id="falls, but not below its start"),
        pytest.param([2.6, 8, 56, 56], "diverged", id="saturated at 56"),
        pytest.param(np.append(2.6 * 0.03 ** STEPS[:15], 6.0), "diverged", id="explodes at the very end"),
        pytest.param([2.6, float("nan")], "diverged", id="not a number"),
        pytest.param([2.6, 0.1, float("inf")], "diverged", id="infinite"),
    ],
)
def test_status_by_losses(losses: Sequence[float], expected: Status) -> None:
    assert status_of(losses) == expected
    assert status_of(losses, diverged=True) == "diverged"


@pytest.mark.parametrize(("end", "expected"), [(0.98 * CHANCE, "learning"), (0.995 * CHANCE, "stuck")])
def test_status_on_both_sides_of_guessing(end: float, expected: Status) -> None:
    assert status_of([2.6, *[end] * 15]) == expected


@pytest.mark.parametrize(("factor", "expected"), [(1.95, "stuck"), (2.05, "diverged")])
def test_status_on_both_sides_of_an_explosion(factor: float, expected: Status) -> None:
    assert status_of([2.6, *[2.6 * factor] * 15]) == expected


@pytest.mark.parametrize(("fall", "expected"), [(0.0015, "stuck"), (0.0025, "learning")])
def test_status_on_both_sides_of_the_least_fall(fall: float, expected: Status) -> None:
    """`fall` is over the second half, of the loss."""
    assert status_of(list(2.6 - 2.6 * fall * 15 / 7 * STEPS)) == expected


@pytest.mark.parametrize(("points", "share"), [(6, 0.06), (16, 0.01)])
@pytest.mark.parametrize("sd", [0.001, 0.01, 0.1])
def test_noise_above_chance_is_seldom_taken_for_learning(points: int, share: float, sd: float) -> None:
    """A network that ignores its images cannot come under the entropy of the labels, 2.301."""
    dead = [status_of([2.6, *(2.301 + abs(np.array(noisy(np.zeros(points), sd, seed))))]) for seed in range(500)]
    assert dead.count("learning") <= share * 500


def test_status_of_a_run() -> None:
    """One that was not finite from the start has no loss at all."""
    runs = [ending(0.1), ending(DEAD), ending(GONE), ending(EXPLODED), recorded({}, diverged=True)]
    assert [status(run) for run in runs] == ["learning", "stuck", "diverged", "diverged", "diverged"]


def every_100(*losses: float) -> Run:
    return recorded({100 * place: loss for place, loss in enumerate(losses)})


@pytest.mark.parametrize(
    ("run", "loss"),
    [
        pytest.param(recorded({0: 2.6, 1400: 9.0, 1500: 0.4}, tail=(0.1, 0.2, 0.5)), 0.3, id="the tail, and the end"),
        pytest.param(ending(0.5, steps=20), 0.5, id="a short run has no tail"),
        pytest.param(every_100(2.6, *[2.3] * 13, 2.31, 2.33), 2.33, id="stuck"),
        pytest.param(ending(0.0), LEAST_LOSS, id="0 has no logarithm"),
        pytest.param(recorded({0: 2.6, 100: 0.1}, steps=1500, diverged=True), math.inf, id="not finite on the way"),
        pytest.param(recorded({}, diverged=True), math.inf, id="not finite from the start"),
        pytest.param(every_100(2.6, *[0.1] * 14, 6.0), math.inf, id="exploded"),
    ],
)
def test_final_loss_is_the_mean_of_the_last_tenth(run: Run, loss: float) -> None:
    assert final_loss(run) == pytest.approx(loss, rel=1e-9, abs=0)


def test_the_last_tenth_shakes_less_than_the_last_validation() -> None:
    """Of independent errors, the mean of nine varies by a third of what one does."""
    rng = np.random.default_rng(4)
    losses = rng.normal(0.1, 0.01, (2000, 9)).tolist()
    runs = [recorded({0: 2.6, 1500: last}, tail=tuple(tail)) for *tail, last in losses]
    shaken = np.std([final_loss(run) for run in runs]) / np.std([run.valid[-1].loss for run in runs])
    assert shaken == pytest.approx(1 / 3, rel=0.06)
