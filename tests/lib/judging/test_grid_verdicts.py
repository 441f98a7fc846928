import pytest

from stages.lib.judging.grid_verdicts import example_lrs, reasonable_range, verdicts
from stages.lib.judging.verdict import Spread, Verdict
from stages.lib.searching.lr_result import LrResult

GRID = (0.0001, 0.001, 0.01, 0.1, 1.0, 10.0)
NAMES: dict[str, Verdict] = {"s": "too_small", "r": "reasonable", "l": "too_large", "u": "undetermined"}
AT_BEST = LrResult("learning", (0.1, 0.1))
NARROW = Spread(0.01, 10)


def results(text: str) -> dict[float, LrResult]:
    """At the rates of GRID a loss in tenths, `x` for stuck, `d` for diverged, `.` for no run."""
    kinds = {"x": LrResult("stuck", (2.499,)), "d": LrResult("diverged", ())}
    kinds |= {digit: LrResult("learning", (int(digit) / 10,)) for digit in "123456789"}
    return {lr: kinds[kind] for lr, kind in zip(GRID, text, strict=True) if kind != "."}


def letters(text: str) -> dict[float, Verdict]:
    return {lr: NAMES[letter] for lr, letter in zip(GRID, text, strict=False)}


@pytest.mark.parametrize(
    ("short", "full", "expected"),
    [
        pytest.param("999999", "..1...", "uuruuu", id="the best alone"),
        pytest.param("999999", ".313..", "ssrlll", id="beyond a rate that is worse"),
        pytest.param("99999d", ".31...", "ssruul", id="diverged in the short pass"),
        pytest.param("9999dd", ".311..", "ssrrll", id="reasonable up to it"),
        pytest.param("999ddd", "..1...", "uurlll", id="diverged next to the best"),
        pytest.param("332355", "..1...", "uuruuu", id="worse in the short pass, but not hopeless"),
        pytest.param("111195", "..1...", "uurull", id="hopeless in the short pass, and all beyond"),
        pytest.param("111911", "..1...", "uurlll", id="hopeless next to the best"),
        pytest.param("922222", "..1...", "uuruuu", id="hopeless below the best proves nothing"),
        pytest.param("d99999", ".x1...", "ssruuu", id="stuck below"),
        pytest.param("999999", "d31...", "usruuu", id="diverged below a rate that is too small"),
        pytest.param("99999d", "1113..", "rrrlll", id="reasonable down to the end"),
        pytest.param("999999", ".x1x..", "ssrlll", id="stuck on both sides"),
        pytest.param("999999", "xxxxxx", "uuuuuu", id="stuck everywhere"),
        pytest.param("dddddd", "dddddd", "uuuuuu", id="diverged everywhere"),
    ],
)
def test_verdicts_on_the_whole_grid(short: str, full: str, expected: str) -> None:
    judged = verdicts(GRID, results(full), results(short), AT_BEST, NARROW, slower={})
    assert judged == letters(expected)
    assert list(judged) == list(GRID)


@pytest.mark.parametrize(
    ("slower", "expected"),
    [
        pytest.param("......", "uurruu", id="nothing is below"),
        pytest.param("32....", "ssrruu", id="both are worse"),
        pytest.param("11....", "uurruu", id="as good as the best: that proves nothing"),
        pytest.param("21....", "surruu", id="only the smaller is worse"),
    ],
)
def test_what_smaller_rates_would_reach_tells_if_they_are_too_small(slower: str, expected: str) -> None:
    found = verdicts(GRID, results("..11.."), results("999999"), AT_BEST, NARROW, slower=results(slower))
    assert found == letters(expected)


@pytest.mark.parametrize(
    ("at_best", "expected"),
    [
        pytest.param(AT_BEST, "ssrlll", id="as the sweep"),
        pytest.param(LrResult("learning", (0.2, 0.2)), "urrruu", id="the sweep's run at the best rate was lucky"),
        pytest.param(LrResult("learning", (0.01, 0.01)), "ssulll", id="it was unlucky"),
        pytest.param(LrResult("stuck", (2.3, 0.1)), "uuuuuu", id="nothing to compare with"),
        pytest.param(None, "uuuuuu", id="no best rate"),
    ],
)
def test_the_reference_is_other_runs_at_the_best_rate(at_best: LrResult | None, expected: str) -> None:
    """Of tenths 2, 1, 2 at full length, each side the last before the end of what was trained."""
    assert verdicts(GRID, results(".212.."), results("999999"), at_best, NARROW, slower={}) == letters(expected)


def test_more_seeds_at_the_best_rate_narrow_the_interval() -> None:
    """0.2 over 0.1: beyond 1.5 by ln 2 - ln 1.5 = 0.288; t(10) is 2.228; errors 0.1 sqrt(1 + 1) and 0.1 sqrt(1.01)."""
    assert 2.228 * 0.1 * (1 + 1) ** 0.5 > 0.288 > 2.228 * 0.1 * (1 + 1 / 100) ** 0.5
    for seeds, expected in ((1, "undetermined"), (100, "too_large")):
        at_best = LrResult("learning", (0.1,) * seeds)
        found = verdicts(GRID, results(".212.."), results("999999"), at_best, Spread(0.1, 10), slower={})
        assert found[0.1] == expected


@pytest.mark.parametrize(
    ("full", "judged", "expected"),
    [
        pytest.param("33133.", "ssrlll", {0.001: "s", 0.01: "r", 0.1: "l"}, id="nearest to the best"),
        pytest.param("3.1.3.", "ssrlll", {0.0001: "s", 0.01: "r", 1.0: "l"}, id="full length before nearer short runs"),
        pytest.param("..11..", "ssrrul", {0.001: "s", 0.01: "r", 10.0: "l"}, id="short runs where none is full"),
        pytest.param("..11..", "uurruu", {0.01: "r"}, id="a side without a verdict has none"),
        pytest.param(".211..", "ruurru", {0.01: "r"}, id="the best is reasonable whatever was judged"),
    ],
)
def test_example_rates(full: str, judged: str, expected: dict[float, str]) -> None:
    """The best rate is 0.01."""
    found = example_lrs(letters(judged), 0.01, results(full))
    assert list(found.items()) == [(lr, NAMES[letter]) for lr, letter in expected.items()]


@pytest.mark.parametrize("lrs", [(0.1,), (0.001, 0.1), (0.001, 0.01, 0.1)])
def test_without_a_best_rate_the_ends_of_the_grid_are_examples(lrs: tuple[float, ...]) -> None:
    found = example_lrs(dict.fromkeys(lrs, "undetermined"), None, ())
    assert found == {lrs[0]: "undetermined", lrs[-1]: "undetermined"}


@pytest.mark.parametrize(
    ("judged", "best", "expected"),
    [
        ("srrl", 0.01, (0.001, 0.01)),
        ("surrl", 0.01, (0.01, 0.1)),
        ("rrlr", 0.001, (0.0001, 0.001)),
        ("ssr", 0.01, (0.01, 0.01)),
        ("srul", 0.001, (0.001, 0.001)),
        ("ssul", 0.01, (0.01, 0.01)),
        ("r", 0.0001, (0.0001, 0.0001)),
    ],
)
def test_range_round_the_best(judged: str, best: float, expected: tuple[float, float]) -> None:
    pairs = list(letters(judged).items())
    for order in (pairs, pairs[::-1]):
        assert reasonable_range(dict(order), best) == expected
