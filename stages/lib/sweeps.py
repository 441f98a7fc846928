"""The table of a sweep's runs, and what it says of each learning rate."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from stages.lib import verdict
from stages.lib.curves import Curve, mean_before
from stages.lib.errors import InputError
from stages.lib.records import Value, read_csv
from stages.lib.settings import Run
from stages.lib.verdict import Cell, Spread, Verdict

SHORT = 0.1  # of the full length: enough to see what diverges and where to begin
COLUMNS = ("optimizer", "lr", "seed", "steps", "step", "train_loss", "valid_loss", "valid_accuracy", "status")


def rows(run: Run, curve: Curve) -> Iterator[tuple[Value, ...]]:
    """Rows of COLUMNS, one per validation; `steps` is the length the run was to have, `status` that of the run.

    train_loss is the mean over the window of steps before, and at step 0 the first batch's loss.
    """
    status = verdict.status([score.loss for score in curve.valid], curve.diverged)
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


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a table of COLUMNS. InputError when it is none, or empty."""
    table = read_csv(path, COLUMNS)
    if not table:
        raise InputError(f"{path}: has no rows; run 'dvc repro' to make it anew")
    return table


def cell(curves: Iterable[Curve]) -> Cell:
    """The runs of one optimizer at one rate."""
    return verdict.cell(([score.loss for score in curve.valid], curve.diverged) for curve in curves)


def cells(table: Iterable[Mapping[str, str]]) -> dict[float, Cell]:
    """The cell of every lr, ascending, by the full-length runs in a table of COLUMNS."""
    by_length = _by_length(table)
    return by_length[max(by_length)]


def verdicts(table: Sequence[Mapping[str, str]], lrs: Sequence[float], spread: Spread) -> dict[float, Verdict]:
    """The verdict on every rate of the grid `lrs`, ascending, from a sweep's table alone.

    A rate that was not trained at full length is judged by its neighbours, as loss against rate is U-shaped: it is
    as bad as one between it and the best rate; or too large, if its short run diverged beyond the best rate.
    """
    by_length = _by_length(table)
    full, short = by_length[max(by_length)], by_length[min(by_length)]
    best = verdict.best_lr(full)
    if best is None:
        return dict.fromkeys(lrs, "undetermined")
    known: dict[float, Verdict] = {}
    for lr, cell in full.items():
        known[lr] = verdict.verdict(cell.status, verdict.ratio(cell, full[best], spread), lr, best)
    smallest = max((lr for lr, one in known.items() if one == "too_small"), default=0.0)
    largest = min((lr for lr, one in known.items() if one == "too_large"), default=math.inf)
    diverged = (lr for lr, cell in short.items() if cell.status == "diverged" and lr > best)
    largest = min(largest, *diverged, math.inf)
    inferred: dict[float, Verdict] = {lr: "too_small" for lr in lrs if lr < smallest}
    inferred |= {lr: "too_large" for lr in lrs if lr >= largest}
    return {lr: known.get(lr) or inferred.get(lr, "undetermined") for lr in lrs}


def _by_length(table: Iterable[Mapping[str, str]]) -> dict[int, dict[float, Cell]]:
    """Cells by the steps that their runs were to have, and by lr."""
    by_run: dict[tuple[float, str, int], list[Mapping[str, str]]] = {}
    for row in table:
        by_run.setdefault((float(row["lr"]), row["seed"], int(row["steps"])), []).append(row)
    grouped: dict[int, dict[float, list[tuple[list[float], bool]]]] = {}
    for (lr, _, steps), run in sorted(by_run.items()):
        losses = [float(row["valid_loss"]) for row in run]
        grouped.setdefault(steps, {}).setdefault(lr, []).append((losses, run[-1]["status"] == "diverged"))
    return {steps: {lr: verdict.cell(runs) for lr, runs in by_lr.items()} for steps, by_lr in grouped.items()}
