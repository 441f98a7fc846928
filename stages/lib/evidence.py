"""What verdicts rest on: the runs of sweep, tune and train, as cells of the judgement, and what seeds do to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stages.lib import verdict
from stages.lib.course import Course
from stages.lib.curves import VALID_COLUMNS
from stages.lib.errors import InputError
from stages.lib.records import read_csv, read_json
from stages.lib.sweeps import SweptRun, full_cells, read_runs
from stages.lib.verdict import Cell, Spread


@dataclass(frozen=True)
class Evidence:
    """By optimizer: the runs of its sweep, and the cell of all runs at its best rate; the spread between seeds."""

    runs: Mapping[str, list[SweptRun]]
    at_best: Mapping[str, Cell]
    spread: Spread


def trained_cell(valid: Path, metrics: Path) -> Cell:
    """The cell of one rate with a run per seed, from its validation table and its metrics.

    InputError when a file is none of these, or the table is empty, or a run in it is cut.
    """
    record, rows = read_json(metrics, {"diverged_seeds", "steps"}), read_csv(valid, VALID_COLUMNS)
    if not rows:
        raise InputError(f"{valid}: has no rows; run 'dvc repro' to make it anew")
    steps = record["steps"]
    if not isinstance(steps, int):
        raise InputError(f"{metrics}: not what train writes; run 'dvc repro' to make it anew")
    diverged = str(record["diverged_seeds"]).split()
    by_seed: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        by_seed.setdefault(row["seed"], []).append(row)
    courses = {seed: _course(steps, run, seed in diverged) for seed, run in by_seed.items()}
    for seed, course in courses.items():
        if not course.whole:
            raise InputError(f"{valid}: seed {seed}: is not whole; run 'dvc repro' to make it anew")
    return verdict.cell(courses.values())


def _course(steps: int, rows: Sequence[Mapping[str, str]], diverged: bool) -> Course:
    at, losses = (tuple(int(row["step"]) for row in rows), tuple(float(row["loss"]) for row in rows))
    return Course(steps, at, losses, diverged)


def at_best_lr(runs: Sequence[SweptRun], tuned: Cell) -> Cell:
    """All runs at the sweep's best rate: its own full-length one, which chose the rate, and those of tune."""
    cells = full_cells(runs)
    best = verdict.best_lr(cells)
    return tuned if best is None else Cell(tuned.status, cells[best].losses + tuned.losses)


def load_evidence(names: Iterable[str], curves: Path, tuned_valid: Path, tuned: Path) -> Evidence:
    """The sweeps in `curves` and the runs of tune, of the optimizers in `names`.

    The spread is pooled over the best rates of all optimizers, as each has few seeds, and over all other rates of the
    sweeps that have two seeds. It does not depend on the configured rate.
    """
    runs = {name: read_runs(curves / f"{name}.csv") for name in names}
    at_best, cells = {}, []
    for name, found in runs.items():
        at_best[name] = at_best_lr(found, trained_cell(tuned_valid / f"{name}.csv", tuned / f"{name}.json"))
        full = full_cells(found)
        cells += [at_best[name], *(full[lr] for lr in full if lr != verdict.best_lr(full))]
    return Evidence(runs, at_best, verdict.pooled_spread(cells))
