import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from stages.lib.judging.verdict import CONFIDENCE, Ratio, Spread, Verdict, pooled_spread, ratio, verdict
from stages.lib.searching.lr_result import TOLERANCE, LrResult, Status

DIVERGED = LrResult("diverged", ())


def learned(*losses: float) -> LrResult:
    return LrResult("learning", losses)


def test_spread_by_hand() -> None:
    """Logs 0 and 2 have squares of 2, logs 0, 3, 6 of 18, each from its own mean: (2 + 18) / (1 + 2)."""
    scale = 1e-3
    spread = pooled_spread(learned(*(scale * np.exp(logs))) for logs in ([0, 2], [0, 3, 6]))
    assert spread.sd == pytest.approx(math.sqrt(20 / 3))
    assert spread.dof == 3


def test_spread_leaves_out_what_tells_nothing_of_it() -> None:
    known = [learned(0.1, 0.2)]
    others = [
        learned(0.1),
        LrResult("stuck", (0.1, 2.3)),
        LrResult("diverged", (0.1, 0.9)),
        DIVERGED,
        learned(2.50, 2.51),
    ]
    assert pooled_spread(known + others) == pooled_spread(known)
    assert pooled_spread(others) == Spread(math.inf, 0)


def test_interval_is_that_of_the_t_test() -> None:
    """With the two alone pooled, it is scipy's two-sample interval with equal variances."""
    rng = np.random.default_rng(3)
    first, second = rng.lognormal(-2.0, 0.2, 4), rng.lognormal(-3.0, 0.2, 3)
    result = ratio(learned(*first), learned(*second), pooled_spread([learned(*first), learned(*second)]))
    expected = stats.ttest_ind(np.log(first), np.log(second)).confidence_interval(CONFIDENCE)
    assert result is not None
    assert result.value == pytest.approx(stats.gmean(first) / stats.gmean(second))
    assert (result.low, result.high) == pytest.approx((math.exp(expected.low), math.exp(expected.high)))


def test_fewer_degrees_of_freedom_widen_the_interval() -> None:
    widths = []
    for dof in (100, 10, 2, 1):
        result = ratio(learned(0.2), learned(0.1, 0.1), Spread(0.1, dof))
        assert result is not None
        widths.append(math.log(result.high / result.low) / 2)
        assert widths[-1] == pytest.approx(stats.t.ppf(0.975, dof) * 0.1 * math.sqrt(1.5))
    assert widths == sorted(widths)
    for unknown in (Spread(math.inf, 0), Spread(90.0, 1)):
        result = ratio(learned(0.2), learned(0.1), unknown)
        assert result is not None
        assert result == Ratio(result.value, 0, math.inf)
        assert result.value == pytest.approx(2)


@pytest.mark.parametrize("bad", [DIVERGED, LrResult("diverged", (0.1,)), LrResult("stuck", (2.3, 0.1))])
def test_no_ratio_unless_all_runs_learn(bad: LrResult) -> None:
    assert ratio(bad, learned(0.1), Spread(0.1, 5)) is None
    assert ratio(learned(0.1), bad, Spread(0.1, 5)) is None


@pytest.mark.parametrize(
    ("state", "interval", "below", "at", "above"),
    [
        ("learning", (0.8, 1.49), "reasonable", "reasonable", "reasonable"),
        ("learning", (1.2, 1.51), "borderline", "undetermined", "borderline"),
        ("learning", (1.01, 2.24), "borderline", "undetermined", "borderline"),
        ("learning", (0.99, 1.8), "undetermined", "undetermined", "undetermined"),
        ("learning", (1.3, 2.26), "undetermined", "undetermined", "undetermined"),
        ("learning", (1.49, 9.0), "undetermined", "undetermined", "undetermined"),
        ("learning", (1.51, 9.0), "too_small", "undetermined", "too_large"),
        ("learning", (0.0, math.inf), "undetermined", "undetermined", "undetermined"),
        ("stuck", None, "too_small", "undetermined", "too_large"),
        ("diverged", None, "undetermined", "undetermined", "too_large"),
    ],
)
def test_verdicts(state: Status, interval: tuple[float, float] | None, below: str, at: str, above: str) -> None:
    quotient = Ratio(1.3, *interval) if interval else None
    assert [verdict(state, quotient, lr, 0.01) for lr in (0.003, 0.01, 0.03)] == [below, at, above]
    assert verdict(state, quotient, 0.01, None) == "undetermined"


def test_what_does_not_learn_is_never_reasonable() -> None:
    assert verdict("stuck", Ratio(1.0, 0.9, 1.1), 0.01, 0.01) == "undetermined"
    assert verdict("diverged", Ratio(1.0, 0.9, 1.1), 0.003, 0.01) == "undetermined"


@pytest.mark.parametrize("noise", [0.02, 0.2])
@pytest.mark.parametrize(("true", "right"), [(TOLERANCE, None), (TOLERANCE / 1.1, "reasonable"), (1.65, "too_large")])
def test_near_the_tolerance_errors_stay_at_their_level(noise: float, true: float, right: Verdict | None) -> None:
    """A rate exactly at the tolerance is called either way in 5% of cases; one beside it is called wrong in 2.5%."""
    rng, draws = np.random.default_rng(11), 4000
    called: Counter[Verdict] = Counter()
    for _ in range(draws):
        others = [learned(*rng.lognormal(-3, noise, 2)) for _ in range(4)]
        user, best = (learned(*np.exp(math.log(loss) + noise * rng.normal(size=2))) for loss in (0.05 * true, 0.05))
        spread = pooled_spread([best, *others])
        called[verdict("learning", ratio(user, best, spread), 0.1, 0.01)] += 1
    if right is None:
        assert called["reasonable"] + called["too_large"] == pytest.approx(0.05 * draws, abs=0.012 * draws)
        return
    wrong: Verdict = "reasonable" if right == "too_large" else "too_large"
    assert called[wrong] <= 0.025 * draws
    assert called[right] > (0.75 if noise == 0.02 else 0.02) * draws


@pytest.mark.parametrize(
    ("true", "noise", "expected"),
    [(1.5, 0.05, "borderline"), (1.05, 0.05, "reasonable"), (2.2, 0.05, "too_small"), (1.5, 0.4, "undetermined")],
)
def test_borderline_is_what_lies_at_the_tolerance_and_is_known_well(
    true: float, noise: float, expected: Verdict
) -> None:
    """Where seeds shake the loss by 40%, the same rate is undetermined."""
    rng, draws = np.random.default_rng(12), 500
    called: Counter[Verdict] = Counter()
    for _ in range(draws):
        user, *others = (learned(*loss * rng.lognormal(0, noise, 2)) for loss in (0.05 * true, *[0.05] * 5))
        called[verdict("learning", ratio(user, others[0], pooled_spread(others)), 0.001, 0.01)] += 1
    assert called[expected] > 0.85 * draws, called
