"""sweep: one optimizer over the grid of learning rates, short runs everywhere and full ones where they decide."""

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from stages.lib import progress, sweeps
from stages.lib.command import command
from stages.lib.curves import Curve, Result
from stages.lib.pool import Pool, cores, workers
from stages.lib.records import Value, write_csv, write_json
from stages.lib.search import next_lrs
from stages.lib.settings import Run, SweepSettings, load_settings
from stages.lib.sweeps import SHORT, cell
from stages.lib.verdict import Cell, best_lr

Runs = list[tuple[Run, Result]]


def sweep(dataset: Path, settings: Path, *, curves: Path, metrics: Path, timing: Path) -> None:
    """Train on train, score on valid, never on eval; write every run's curve and the best lr among the full runs."""
    plan = load_settings(settings, SweepSettings)
    with workers(cores(), dataset) as pool:
        short, full = _search(pool, plan)
    write_csv(curves, sweeps.COLUMNS, _rows(short + full))
    write_json(metrics, _metrics(plan, _cells(full)))
    write_json(timing, {"seconds": sum(result.seconds for _, result in short + full), "runs": len(short + full)})


def _search(pool: Pool, plan: SweepSettings) -> tuple[Runs, Runs]:
    """A short run at every rate, then full-length runs wherever `next_lrs` asks for one more."""
    counted = progress.counter(f"sweep {plan.optimizer}")
    work = partial(_train_one, pool.dataset)
    runs = [plan.run(lr, plan.seeds[0], SHORT) for lr in plan.lrs]
    short = list(zip(runs, pool.run_all(work, runs, counted), strict=True))
    full: Runs = []
    while wanted := next_lrs(_cells(short), _cells(full), len(plan.seeds)):
        used = [run.lr for run, _ in full]
        runs = [plan.run(lr, plan.seeds[used.count(lr)]) for lr in wanted]
        full += zip(runs, pool.run_all(work, runs, counted), strict=True)
    return short, full


def _train_one(dataset: os.PathLike[str], run: Run) -> Result:
    from stages.lib.training import train_run  # imports paddle: a second that only the workers need to spend

    return train_run(run, dataset, progress.silent)


def _cells(runs: Runs) -> dict[float, Cell]:
    """The cell of every lr, by runs that are all of one length."""
    grouped: dict[float, list[Curve]] = {}
    for run, result in runs:
        grouped.setdefault(run.lr, []).append(result.curve)
    return {lr: cell(curves) for lr, curves in sorted(grouped.items())}


def _rows(runs: Runs) -> Iterator[tuple[Value, ...]]:
    for run, result in sorted(runs, key=lambda item: (item[0].lr, item[0].epochs, item[0].seed)):
        yield from sweeps.rows(run, result.curve)


def _metrics(plan: SweepSettings, full: Mapping[float, Cell]) -> dict[str, Value]:
    best = best_lr(full)
    return {
        "best_lr": best,
        "valid_loss": full[best].loss if best else None,
        "grid": "too narrow" if best in {plan.lrs[0], plan.lrs[-1]} else "wide enough",
        "full_runs": sum(len(cell.losses) for cell in full.values()),
    }


if __name__ == "__main__":
    command(sweep)
