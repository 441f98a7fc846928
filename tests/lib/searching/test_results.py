import numpy as np
import pytest
from recorded import DEAD, EXPLODED, GONE, ending, recorded

from stages.lib.runs.run import Run
from stages.lib.searching.lr_result import LrResult
from stages.lib.searching.results import by_lr, full_results, lr_result, short_results, slower_results


@pytest.mark.parametrize(
    ("lasts", "expected"),
    [
        ([0.15, 0.2], LrResult("learning", (0.15, 0.2))),
        ([0.15, DEAD], LrResult("stuck", (0.15, 2.303))),
        ([DEAD, GONE, 0.15], LrResult("diverged", (2.303, 0.15))),
        ([0.15, EXPLODED], LrResult("diverged", (0.15,))),
        ([GONE], LrResult("diverged", ())),
    ],
)
def test_a_result_has_the_worst_status_and_the_losses_of_runs_that_did_not_diverge(
    lasts: list[float], expected: LrResult
) -> None:
    assert lr_result(ending(last) for last in lasts) == expected


def test_a_runs_loss_is_that_of_its_last_tenth() -> None:
    assert lr_result([recorded({0: 2.5, 1400: 0.75, 1500: 0.25}, tail=(0.125,))]).losses == (0.1875,)


def test_runs_by_ascending_lr() -> None:
    runs = [ending(0.2, lr=0.3), ending(0.4, lr=1e-5), ending(0.1, lr=0.3, seed=1)]
    expected = {1e-5: LrResult("learning", (0.4,)), 0.3: LrResult("learning", (0.2, 0.1))}
    assert by_lr(iter(runs)) == expected
    assert list(by_lr(runs)) == [1e-5, 0.3]


def test_short_and_full_runs_do_not_mix() -> None:
    """A diverged run counts by the length that it was to have."""
    full = [ending(0.2, lr=0.1), ending(GONE, lr=0.1, seed=1), ending(0.3, lr=0.3)]
    short = [ending(2.0, lr=0.1, steps=100), ending(GONE, lr=1.0, steps=100)]
    assert full_results(short + full) == {0.1: LrResult("diverged", (0.2,)), 0.3: LrResult("learning", (0.3,))}
    assert short_results(short + full) == {0.1: LrResult("learning", (2.0,)), 1.0: LrResult("diverged", ())}


def test_where_every_short_run_diverged_none_is_longer() -> None:
    runs = [ending(GONE, lr=lr, steps=100) for lr in (1e9, 1e8)]
    assert full_results(runs) == {1e8: LrResult("diverged", ()), 1e9: LrResult("diverged", ())}


def test_a_smaller_lr_is_where_the_smallest_trained_one_was_earlier() -> None:
    """After 0.003 / 0.01 = 30% of 1,500 steps, or the validation that follows; none where that one does not learn."""
    curves = {0: 2.5, 100: 1.5, 400: 0.9, 500: 0.8, 1500: 0.3}, {0: 2.5, 100: 1.4, 450: 0.7, 1500: 0.2}
    runs = [recorded(losses, lr=0.01, seed=seed) for seed, losses in enumerate(curves)]
    others = [ending(2.4, lr=lr, steps=100) for lr in (0.0001, 0.003, 0.01, 0.1)] + [ending(0.1, lr=0.1)]
    lower = {0.0001: LrResult("learning", (1.5, 1.4)), 0.003: LrResult("learning", (0.8, 0.7))}
    assert slower_results(runs + others, (0.0001, 0.003, 0.01, 0.1)) == lower
    assert slower_results([*runs, *others, ending(DEAD, lr=0.01)], (0.0001, 0.003)) == {}


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_on_a_bowl_the_smaller_lr_does_not_beat_it(momentum: float) -> None:
    """Gradient descent on curvatures 0.01 to 1, at an lr far below the largest stable one, and at half and a third."""
    curvatures = np.logspace(-2, 0, 20)

    def curve(lr: float) -> Run:
        place, speed, losses = np.ones(20), np.zeros(20), {}
        for step in range(301):
            losses[step] = 0.1 + float(np.sum(curvatures * place**2) / 4)
            speed = momentum * speed + curvatures * place
            place = place - lr * speed
        return recorded(losses, lr=lr)

    lr = 0.1 * (1 - momentum)
    found = slower_results([curve(lr)], (lr / 3, lr / 2))
    for smaller, bound in found.items():
        assert bound.loss == pytest.approx(curve(smaller).valid[-1].loss, rel=0.03)
