import math

import pytest

from stages.lib.course import Course
from stages.lib.grid_verdicts import Band, Example, examples, reasonable_range, verdicts
from stages.lib.sweeps import SweptRun
from stages.lib.verdict import Cell, Spread, Verdict

GRID = (0.0001, 0.001, 0.01, 0.1, 1.0, 10.0)
NAMES: dict[str, Verdict] = {"s": "too_small", "r": "reasonable", "l": "too_large", "u": "undetermined"}
NARROW = Spread(0.01, 10)


def run(lr: float, kind: str, steps: int = 1500, seed: int = 100) -> SweptRun:
    """A run that ends at `kind` tenths, is stuck (`x`) or diverged (`d`)."""
    if kind == "d":
        return SweptRun(lr, seed, Course(steps, (0,), (2.5,), diverged=True))
    end = 2.499 if kind == "x" else int(kind) / 10
    return SweptRun(lr, seed, Course(steps, (0, steps), (2.5, end)))


def swept(short: str, full: str) -> list[SweptRun]:
    """Runs at the rates of GRID by `run`'s letters, `.` for none."""
    runs = [run(lr, kind, 100) for lr, kind in zip(GRID, short, strict=True)]
    return runs + [run(lr, kind) for lr, kind in zip(GRID, full, strict=True) if kind != "."]


def letters(text: str) -> dict[float, Verdict]:
    return {lr: NAMES[letter] for lr, letter in zip(GRID, text, strict=True)}


@pytest.mark.parametrize(
    ("short", "full", "expected"),
    [
        pytest.param("999999", "..1...", "uuruuu", id="the best alone"),
        pytest.param("999999", ".313..", "ssrlll", id="beyond a rate that is worse"),
        pytest.param("99999d", ".31...", "ssruul", id="diverged in the short pass"),
        pytest.param("9999dd", ".311..", "ssrrll", id="reasonable up to it"),
        pytest.param("999ddd", "..1...", "uurlll", id="diverged next to the best"),
        pytest.param("332355", "..1...", "uuruuu", id="worse in the short pass, but not hopeless"),
        pytest.param("332375", "..1...", "uurull", id="hopeless in the short pass, and all beyond"),
        pytest.param("222921", "..1...", "uurlll", id="hopeless next to the best"),
        pytest.param("922222", "..1...", "uuruuu", id="hopeless below the best proves nothing"),
        pytest.param("d99999", ".x1...", "ssruuu", id="stuck below"),
        pytest.param("999999", "d31...", "usruuu", id="diverged below a rate that is too small"),
        pytest.param("99999d", "1113..", "rrrlll", id="reasonable down to the end"),
        pytest.param("999999", ".x1x..", "ssrlll", id="stuck on both sides"),
        pytest.param("999999", "xxxxxx", "uuuuuu", id="stuck everywhere"),
        pytest.param("dddddd", "......", "uuuuuu", id="diverged everywhere"),
    ],
)
def test_verdicts_on_the_whole_grid(short: str, full: str, expected: str) -> None:
    """A tuned cell that confirms the sweep's 0.1 at its best rate."""
    judged = verdicts(swept(short, full), GRID, Cell("learning", (0.1, 0.1)), NARROW)
    assert judged == letters(expected)
    assert list(judged) == list(GRID)


@pytest.mark.parametrize(
    ("tuned", "expected"),
    [
        pytest.param(Cell("learning", (0.1, 0.1)), "ssrlll", id="as the sweep"),
        pytest.param(Cell("learning", (0.2, 0.2)), "urrruu", id="the sweep's run at the best rate was lucky"),
        pytest.param(Cell("learning", (0.01, 0.01)), "ssulll", id="it was unlucky"),
        pytest.param(Cell("stuck", (2.3, 0.1)), "uuuuuu", id="nothing to compare with"),
        pytest.param(None, "uuuuuu", id="not trained"),
    ],
)
def test_the_reference_is_the_tuned_cell(tuned: Cell | None, expected: str) -> None:
    """Of tenths 2, 1, 2 at full length, each side the last before the end of what was trained."""
    assert verdicts(swept("999999", ".212.."), GRID, tuned, NARROW) == letters(expected)


def test_more_seeds_of_the_tuned_cell_narrow_the_interval() -> None:
    """0.2 over 0.1: beyond 1.5 by ln 2 - ln 1.5 = 0.288; t(10) is 2.228; errors 0.1 sqrt(1 + 1) and 0.1 sqrt(1.01)."""
    runs = swept("999999", ".212..")
    assert 2.228 * 0.1 * (1 + 1) ** 0.5 > 0.288 > 2.228 * 0.1 * (1 + 1 / 100) ** 0.5
    assert verdicts(runs, GRID, Cell("learning", (0.1,)), Spread(0.1, 10))[0.1] == "undetermined"
    assert verdicts(runs, GRID, Cell("learning", (0.1,) * 100), Spread(0.1, 10))[0.1] == "too_large"


def chosen(short: str, full: str, judged: str) -> list[tuple[Verdict, float, bool]]:
    found = examples(swept(short, full), GRID, letters(judged))
    return [(example.verdict, example.lr, example.short) for example in found]


def test_full_length_rates_nearest_to_the_best() -> None:
    assert chosen("999999", "33133.", "ssrlll") == [
        ("too_small", 0.001, False),
        ("reasonable", 0.01, False),
        ("too_large", 0.1, False),
    ]


def test_full_length_runs_stand_before_nearer_short_ones() -> None:
    assert chosen("99999d", "3.1.3.", "ssrlll") == [
        ("too_small", 0.0001, False),
        ("reasonable", 0.01, False),
        ("too_large", 1.0, False),
    ]


def test_short_runs_stand_in_where_there_is_no_full_one() -> None:
    assert chosen("99999d", "..11..", "ssrrul") == [
        ("too_small", 0.001, True),
        ("reasonable", 0.01, False),
        ("too_large", 10.0, True),
    ]


def test_a_side_without_a_verdict_has_no_example() -> None:
    assert chosen("999999", "..11..", "uurruu") == [("reasonable", 0.01, False)]


def test_the_best_rate_is_the_reasonable_one_whatever_was_judged() -> None:
    assert chosen("999999", ".211..", "ruurru") == [("reasonable", 0.01, False)]


def test_all_seeds_of_a_rate_are_shown_and_no_short_run() -> None:
    runs = swept("999999", "..13..")
    second = run(0.1, "4", seed=101)
    found = examples([*runs, second], GRID, letters("uurlll"))
    assert found[-1] == Example("too_large", 0.1, [runs[-1], second], short=False)


@pytest.mark.parametrize("lrs", [(0.1,), (0.001, 0.1), (0.001, 0.01, 0.1)])
def test_without_a_best_rate_the_ends_of_the_grid(lrs: tuple[float, ...]) -> None:
    """Its runs are short, but none is longer."""
    runs = [run(lr, "d", 100) for lr in lrs]
    found = examples(runs, lrs, dict.fromkeys(lrs, "undetermined"))
    assert [(one.verdict, one.lr, one.short) for one in found] == [
        ("undetermined", lr, False) for lr in sorted({lrs[0], lrs[-1]})
    ]


@pytest.mark.parametrize(
    ("judged", "best", "band"),
    [
        ("s r r l", 0.01, Band(0.001, 0.01, False, False)),
        ("s u r r l", 0.01, Band(0.01, 0.1, True, False)),
        ("r r l r", 0.001, Band(0.0001, 0.001, True, False)),
        ("s s r", 0.01, Band(0.01, 0.01, False, True)),
        ("s r u l", 0.001, Band(0.001, 0.001, False, True)),
        ("r", 0.0001, Band(0.0001, 0.0001, True, True)),
    ],
)
def test_range_round_the_best(judged: str, best: float, band: Band) -> None:
    names: dict[str, Verdict] = {"s": "too_small", "r": "reasonable", "l": "too_large", "u": "undetermined"}
    pairs = list(zip((0.0001, 0.001, 0.01, 0.1, 1.0), judged.split(), strict=False))
    for order in (pairs, pairs[::-1]):
        assert reasonable_range({lr: names[name] for lr, name in order}, best) == band
    assert band.decades == pytest.approx(math.log10(band.end) - math.log10(band.start))
