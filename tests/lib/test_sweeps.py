from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from stages.lib import sweeps
from stages.lib.curves import Curve, Score
from stages.lib.records import read_csv, write_csv
from stages.lib.settings import Run
from stages.lib.verdict import Cell, Spread, Verdict


def run(lr: float = 0.1, seed: int = 7, share: float = 1.0) -> Run:
    return Run("mine", "SGD", {}, 50, lr, 3 * share, seed)


def curve(losses: Mapping[int, float], steps: int = 200, diverged: bool = False) -> Curve:
    """Validation losses by step; the training loss of batch i is i + 0.5."""
    scores = [Score(step, 100, loss, 0.25) for step, loss in losses.items()]
    trained = steps if not diverged else max(losses) + 1
    return Curve(100, steps, [step + 0.5 for step in range(trained)], scores, diverged)


GOOD = curve({0: 2.5, 100: 0.5, 200: 0.125})
BETTER = curve({0: 2.25, 100: 0.5, 200: 0.0625})
DIVERGED = curve({0: 2.5, 100: 40.0}, diverged=True)
DIVERGED_AT_ONCE = curve({0: 2.5}, diverged=True)
DEAD = curve({0: 2.5, 100: 2.303, 150: 2.303, 175: 2.303, 200: 2.303})
SHORT = curve({0: 2.5, 20: 0.01}, steps=20)


def test_rows_by_hand() -> None:
    """The batches before step 100 are 80 to 99, whose losses have a mean of 90."""
    assert list(sweeps.rows(run(0.25, 3), GOOD)) == [
        ("mine", 0.25, 3, 200, 0, 0.5, 2.5, 0.25, "learning"),
        ("mine", 0.25, 3, 200, 100, 90.0, 0.5, 0.25, "learning"),
        ("mine", 0.25, 3, 200, 200, 190.0, 0.125, 0.25, "learning"),
    ]
    assert len(sweeps.COLUMNS) == 9


@pytest.mark.parametrize(
    ("one", "rows", "status"),
    [(DIVERGED, 2, "diverged"), (DIVERGED_AT_ONCE, 1, "diverged"), (DEAD, 5, "stuck"), (SHORT, 2, "learning")],
)
def test_every_row_of_a_run_tells_its_status(one: Curve, rows: int, status: str) -> None:
    found = list(sweeps.rows(run(), one))
    assert [row[-1] for row in found] == [status] * rows
    assert {row[3] for row in found} == {one.steps}, "the steps that it was to have"


def table(path: Path, runs: Iterable[tuple[Run, Curve]]) -> list[dict[str, str]]:
    """As judge reads what sweep writes."""
    write_csv(path, sweeps.COLUMNS, (row for one, curve in runs for row in sweeps.rows(one, curve)))
    return read_csv(path)


@pytest.mark.parametrize(
    ("curves", "cell"),
    [
        ([GOOD], Cell("learning", (0.125,))),
        ([GOOD, BETTER], Cell("learning", (0.125, 0.0625))),
        ([GOOD, DIVERGED], Cell("diverged", (0.125,))),
        ([DIVERGED_AT_ONCE, BETTER], Cell("diverged", (0.0625,))),
        ([DIVERGED, DIVERGED_AT_ONCE], Cell("diverged", ())),
        ([GOOD, DEAD], Cell("stuck", (0.125, 2.303))),
        ([curve({0: 2.5, 200: 6.0})], Cell("diverged", ())),
    ],
)
def test_cell_is_the_same_from_the_curves_and_from_the_table(tmp_path: Path, curves: list[Curve], cell: Cell) -> None:
    assert sweeps.cell(curves) == cell
    rows = table(tmp_path / "sweep.csv", [(run(seed=seed), curve) for seed, curve in enumerate(curves)])
    assert sweeps.cells(rows) == {0.1: cell}


def test_cells_come_from_full_length_runs_by_ascending_rate(tmp_path: Path) -> None:
    short = [(run(lr, share=0.1), SHORT) for lr in (1e-5, 0.1, 0.3)]
    full = [(run(0.3), GOOD), (run(0.1, 8), GOOD), (run(0.1, 7), BETTER)]
    found = sweeps.cells(table(tmp_path / "sweep.csv", full + short))
    assert list(found) == [0.1, 0.3]
    assert found == {0.1: Cell("learning", (0.0625, 0.125)), 0.3: Cell("learning", (0.125,))}


def test_cells_of_a_sweep_that_diverged_everywhere(tmp_path: Path) -> None:
    gone = curve({0: 2.5}, steps=20, diverged=True)
    found = sweeps.cells(table(tmp_path / "sweep.csv", [(run(lr, share=0.1), gone) for lr in (1e9, 1e8)]))
    assert found == {1e8: Cell("diverged", ()), 1e9: Cell("diverged", ())}


GRID = (0.0001, 0.001, 0.01, 0.1, 1.0, 10.0)


@pytest.mark.parametrize(
    ("short", "full", "expected"),
    [
        ("999999", "..1...", "uuruuu"),
        ("999999", ".313..", "ssrlll"),
        ("99999d", ".31...", "ssruul"),
        ("9999dd", ".311..", "ssrrll"),
        ("999ddd", "..1...", "uurlll"),
        ("d99999", ".x1...", "ssruuu"),
        ("999999", "d31...", "usruuu"),
        ("99999d", "1113..", "rrrlll"),
        ("999999", ".x1x..", "ssrlll"),
        ("999999", "xxxxxx", "uuuuuu"),
        ("dddddd", "......", "uuuuuu"),
    ],
)
def test_verdicts_on_the_whole_grid(tmp_path: Path, short: str, full: str, expected: str) -> None:
    """A digit is the loss in tenths, `x` stuck, `d` diverged, `.` not run; expected are verdicts by their letters."""
    names: dict[str, Verdict] = {"s": "too_small", "r": "reasonable", "l": "too_large", "u": "undetermined"}

    def shown(kind: str, steps: int) -> Curve:
        if kind == "d":
            return curve({0: 2.5}, steps, diverged=True)
        return curve({0: 2.5, steps: 2.499 if kind == "x" else int(kind) / 10}, steps)

    runs = [(run(lr, share=0.1), shown(kind, 20)) for lr, kind in zip(GRID, short, strict=True)]
    runs += [(run(lr), shown(kind, 200)) for lr, kind in zip(GRID, full, strict=True) if kind != "."]
    found = sweeps.verdicts(table(tmp_path / "sweep.csv", runs), GRID, Spread(0.01, 10))
    assert found == {lr: names[letter] for lr, letter in zip(GRID, expected, strict=True)}
