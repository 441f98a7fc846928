"""The table of a sweep's runs: how a run becomes rows, and rows become runs again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stages.lib import verdict
from stages.lib.course import Course
from stages.lib.curves import Curve, mean_before
from stages.lib.errors import InputError
from stages.lib.records import Value, read_csv
from stages.lib.settings import Run
from stages.lib.verdict import Cell

COLUMNS = ("optimizer", "lr", "seed", "steps", "step", "train_loss", "valid_loss", "valid_accuracy", "status")


@dataclass(frozen=True)
class SweptRun:
    """One run of a sweep."""

    lr: float
    seed: int
    course: Course


def rows(run: Run, curve: Curve) -> Iterator[tuple[Value, ...]]:
    """Rows of COLUMNS, one per validation; `steps` is the length the run was to have, `status` that of the run.

    train_loss is the mean over the window of steps before, and at step 0 the first batch's loss.
    """
    status = curve.course().status
    for score in curve.valid:
        train_loss = mean_before(curve, score.step)
        if train_loss is not None:
            yield (
                run.optimizer,
                run.lr,
                run.seed,
                curve.steps,
                score.step,
                train_loss,
                score.loss,
                score.accuracy,
                status,
            )


def read_runs(path: Path) -> list[SweptRun]:
    """The runs in a table of COLUMNS. InputError when the file is none, or empty, or a run is cut."""
    table = read_csv(path, COLUMNS)
    if not table:
        raise InputError(f"{path}: has no rows; run 'dvc repro' to make it anew")
    runs = swept_runs(table)
    for run in runs:
        if not run.course.whole:
            raise InputError(f"{path}: lr {run.lr:g}, seed {run.seed}: is not whole; run 'dvc repro' to make it anew")
    return runs


def swept_runs(table: Iterable[Mapping[str, str]]) -> list[SweptRun]:
    """The runs in a table of COLUMNS, by lr, length and seed."""
    grouped: dict[tuple[float, int, int], list[Mapping[str, str]]] = {}
    for row in table:
        grouped.setdefault((float(row["lr"]), int(row["steps"]), int(row["seed"])), []).append(row)
    return [SweptRun(lr, seed, _course(steps, of_run)) for (lr, steps, seed), of_run in sorted(grouped.items())]


def _course(steps: int, of_run: Sequence[Mapping[str, str]]) -> Course:
    at, losses = (tuple(int(row["step"]) for row in of_run), tuple(float(row["valid_loss"]) for row in of_run))
    return Course(steps, at, losses, of_run[-1]["status"] == "diverged")


def longest(runs: Sequence[SweptRun]) -> dict[float, list[SweptRun]]:
    """The longest runs at each lr, ascending: those of full length where there are any."""
    lengths = {lr: max(run.course.steps for run in runs if run.lr == lr) for lr in sorted({run.lr for run in runs})}
    return {lr: [run for run in runs if (run.lr, run.course.steps) == (lr, most)] for lr, most in lengths.items()}


def full_cells(runs: Iterable[SweptRun]) -> dict[float, Cell]:
    """The cell of every lr with full-length runs, ascending."""
    by_length = cells_by_length(runs)
    return by_length[max(by_length)]


def cells_by_length(runs: Iterable[SweptRun]) -> dict[int, dict[float, Cell]]:
    """Cells by the steps that their runs were to have, and by lr, ascending."""
    grouped: dict[int, dict[float, list[Course]]] = {}
    for run in sorted(runs, key=lambda run: run.lr):
        grouped.setdefault(run.course.steps, {}).setdefault(run.lr, []).append(run.course)
    return {steps: {lr: verdict.cell(found) for lr, found in by_lr.items()} for steps, by_lr in grouped.items()}
