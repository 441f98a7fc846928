from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from stages.lib import sweeps
from stages.lib.course import Course
from stages.lib.curves import Curve, Score
from stages.lib.errors import InputError
from stages.lib.records import read_csv, write_csv
from stages.lib.settings import Run
from stages.lib.sweeps import SweptRun, cells_by_length, full_cells, longest, read_runs, swept_runs
from stages.lib.verdict import Cell


def run(lr: float = 0.1, seed: int = 7, share: float = 1.0) -> Run:
    return Run("mine", "SGD", {}, 50, lr, 3 * share, seed)


def curve(losses: Mapping[int, float], steps: int = 200, diverged: bool = False) -> Curve:
    """Validation losses by step; the training loss of batch i is i + 0.5."""
    scores = [Score(step, 100, loss, 0.25) for step, loss in losses.items()]
    trained = steps if not diverged else max(losses) + 1
    return Curve(100, steps, [step + 0.5 for step in range(trained)], scores, diverged)


GOOD = curve({0: 2.5, 100: 0.5, 200: 0.125})
BETTER = curve({0: 2.25, 100: 0.5, 190: 0.25, 200: 0.125})
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


def read_back(path: Path, runs: Iterable[tuple[Run, Curve]]) -> list[SweptRun]:
    """As judge reads what sweep writes."""
    write_csv(path, sweeps.COLUMNS, (row for one, curve in runs for row in sweeps.rows(one, curve)))
    return swept_runs(read_csv(path))


@pytest.mark.parametrize("one", [GOOD, BETTER, DIVERGED, DIVERGED_AT_ONCE, DEAD, SHORT])
def test_a_course_is_the_same_from_the_curve_and_from_the_table(tmp_path: Path, one: Curve) -> None:
    assert read_back(tmp_path / "sweep.csv", [(run(0.3, 5), one)]) == [SweptRun(0.3, 5, one.course())]


def test_an_exploded_run_stays_diverged(tmp_path: Path) -> None:
    [found] = read_back(tmp_path / "sweep.csv", [(run(), curve({0: 2.5, 200: 6.0}))])
    assert found.course.status == "diverged"


def test_runs_of_a_table_by_rate_length_and_seed() -> None:
    lines = ["0.1,7,150,0,2.5,stuck", "0.1,7,150,150,2.3,stuck", "1e-05,18,1500,0,2.5,learning"]
    lines += ["0.1,8,1500,0,2.5,diverged", "1e-05,7,150,0,2.75,learning", "1e-05,18,1500,100,2.0,learning"]
    lines += ["1e-05,9,1500,0,2.5,diverged"]
    names = ("lr", "seed", "steps", "step", "valid_loss", "status")
    assert swept_runs(dict(zip(names, line.split(","), strict=True)) for line in lines) == [
        SweptRun(1e-5, 7, Course(150, (0,), (2.75,))),
        SweptRun(1e-5, 9, Course(1500, (0,), (2.5,), diverged=True)),
        SweptRun(1e-5, 18, Course(1500, (0, 100), (2.5, 2.0))),
        SweptRun(0.1, 7, Course(150, (0, 150), (2.5, 2.3))),
        SweptRun(0.1, 8, Course(1500, (0,), (2.5,), diverged=True)),
    ]


@pytest.mark.parametrize("lines", [(0, 2, 3), (1, 2, 3)])
def test_a_cut_run_is_refused(tmp_path: Path, lines: tuple[int, ...]) -> None:
    """Each line is good by itself."""
    path = tmp_path / "sweep.csv"
    rows = [*sweeps.rows(run(0.3, 5), SHORT), *sweeps.rows(run(0.5, 5), DIVERGED)]
    write_csv(path, sweeps.COLUMNS, rows)
    assert len(read_runs(path)) == 2
    write_csv(path, sweeps.COLUMNS, [rows[line] for line in lines])
    with pytest.raises(
        InputError, match=r"sweep\.csv: lr 0\.3, seed 5: is not whole; run 'dvc repro' to make it anew$"
    ):
        read_runs(path)


def swept(lr: float, one: Curve, seed: int = 7) -> SweptRun:
    return SweptRun(lr, seed, one.course())


def test_longest_runs_of_each_rate() -> None:
    runs = [swept(0.1, SHORT), swept(0.1, GOOD), swept(0.1, BETTER, 8), swept(0.01, SHORT)]
    assert longest(runs) == {0.01: [runs[3]], 0.1: runs[1:3]}
    assert list(longest(runs)) == [0.01, 0.1]


def test_cells_by_length_and_ascending_rate() -> None:
    """BETTER ends at the mean of its last two."""
    runs = [swept(0.3, GOOD), swept(0.3, SHORT), swept(1e-5, SHORT), swept(0.1, GOOD), swept(0.1, BETTER, 8)]
    full = {0.1: Cell("learning", (0.125, 0.1875)), 0.3: Cell("learning", (0.125,))}
    short = {1e-5: Cell("learning", (0.01,)), 0.3: Cell("learning", (0.01,))}
    assert cells_by_length(runs) == {20: short, 200: full}
    assert [list(cells) for cells in cells_by_length(iter(runs)).values()] == [[1e-5, 0.3], [0.1, 0.3]]
    assert full_cells(runs) == full


def test_a_diverged_run_counts_by_the_length_that_it_was_to_have() -> None:
    assert full_cells([swept(0.1, DIVERGED), swept(0.1, GOOD, 8), swept(0.3, SHORT)]) == {
        0.1: Cell("diverged", (0.125,))
    }


def test_cells_of_a_sweep_that_diverged_everywhere() -> None:
    gone = curve({0: 2.5}, steps=20, diverged=True)
    cells = {1e8: Cell("diverged", ()), 1e9: Cell("diverged", ())}
    assert full_cells([swept(lr, gone) for lr in (1e9, 1e8)]) == cells
