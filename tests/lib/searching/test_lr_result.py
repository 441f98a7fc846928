import math

import pytest
from scipy import stats

from stages.lib.searching.lr_result import HOPELESS, LrResult, best_lr, too_large_from

DIVERGED = LrResult("diverged", ())


def learned(*losses: float) -> LrResult:
    return LrResult("learning", losses)


def test_loss_is_the_geometric_mean() -> None:
    assert LrResult("stuck", (0.1, 0.2, 0.4)).loss == pytest.approx(stats.gmean([0.1, 0.2, 0.4]))
    assert LrResult("diverged", (0.1,)).loss == math.inf


def test_best_lr_learns_with_every_seed() -> None:
    results = {0.3: LrResult("diverged", (0.01,)), 0.1: learned(0.2, 0.05), 0.01: LrResult("stuck", (0.05,))}
    assert best_lr(results | {0.03: learned(0.1)}) == 0.03, "equal geometric means: the smaller"
    assert best_lr(results | {0.03: learned(0.11)}) == 0.1
    assert best_lr({0.1: DIVERGED}) is best_lr({}) is None


@pytest.mark.parametrize(
    ("short", "best", "first"),
    [
        ([1.0, 1.0, 1.0, 1.0], 1, math.inf),
        ([1.0, 0.5, 3.9, 4.1], 10, 1000),
        ([1.0, 0.5, 4.1, 0.6], 10, 100),
        ([1.0, 0.5, 3.99, 3.99], 10, math.inf),
        ([0.5, 1.0, 4.1, 1.0], 10, 100),
        ([19.0, 19.0, 8.1, 1.0], 1, math.inf),
        ([19.0, 19.0, 1.0, 8.1], 1, 1000),
        ([0.1, 9.0, 9.0, 9.0], 10, 100),
        ([0.1, 9.0, 0.1, 9.0], 100, 1000),
        ([2.5, 2.4, math.inf, 2.3], 10, 100),
        ([math.inf, 1.0, 1.0, 1.0], 10, math.inf),
        ([math.inf, math.inf, 1.0, math.inf], 100, 1000),
        ([1.0, 1.0, 1.0, math.inf], 1000, math.inf),
    ],
)
def test_rates_whose_short_run_proves_them_too_large(short: list[float], best: float, first: float) -> None:
    """Rates 1, 10, 100, 1000; worse by more than 8 times than a smaller rate's, be that below or above the best."""
    pairs = [(10.0**i, learned(loss) if loss < math.inf else DIVERGED) for i, loss in enumerate(short)]
    for order in (pairs, pairs[::-1]):
        assert too_large_from(dict(order), best) == first
    assert HOPELESS == 8


@pytest.mark.parametrize(("loss", "first"), [(9.0, 10.0), (2.5, math.inf)])
def test_a_stuck_short_run_is_judged_by_its_loss(loss: float, first: float) -> None:
    assert too_large_from({1.0: learned(1.0), 10.0: LrResult("stuck", (loss,))}, 1.0) == first
