"""The runs that `train` and `tune` made of one optimizer, as a cell of the judgement, and what seeds do to them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from stages.lib import verdict
from stages.lib.course import Course
from stages.lib.curves import VALID_COLUMNS
from stages.lib.errors import InputError
from stages.lib.records import read_csv, read_json
from stages.lib.sweeps import SweptRun, full_cells
from stages.lib.verdict import Cell, Spread


def trained_cell(valid: Path, metrics: Path) -> Cell:
    """The cell of one rate with a run per seed, from its validation table and its metrics."""
    record, rows = read_json(metrics, {"diverged_seeds"}), read_csv(valid, VALID_COLUMNS)
    if not rows:
        raise InputError(f"{valid}: has no rows; run 'dvc repro' to make it anew")
    diverged = str(record["diverged_seeds"]).split()
    by_seed: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        by_seed.setdefault(row["seed"], []).append(row)
    return verdict.cell(_course(run, seed in diverged) for seed, run in by_seed.items())


def _course(rows: Sequence[Mapping[str, str]], diverged: bool) -> Course:
    at, losses = (tuple(int(row["step"]) for row in rows), tuple(float(row["loss"]) for row in rows))
    return Course(at[-1], at, losses, diverged)


def pooled_spread(tuned: Iterable[Cell], swept: Iterable[Sequence[SweptRun]]) -> Spread:
    """The spread between seeds over all optimizers: of the runs at their best rates, and of their sweeps."""
    return verdict.pooled_spread([*tuned, *(cell for runs in swept for cell in full_cells(runs).values())])
