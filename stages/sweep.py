"""sweep: one optimizer over the grid of learning rates, short runs everywhere and full ones where they decide."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from stages.lib import progress, sweeps, verdict
from stages.lib.command import command
from stages.lib.course import Course
from stages.lib.curves import Result
from stages.lib.kept_runs import kept_runs
from stages.lib.pool import cores, workers
from stages.lib.records import Value, write_csv, write_json
from stages.lib.search import SHORT, next_lrs
from stages.lib.settings import Run, SweepSettings, load_settings
from stages.lib.verdict import Cell, best_lr

Runs = list[tuple[Run, Result]]


def sweep(dataset: Path, settings: Path, *, curves: Path, metrics: Path, timing: Path, kept: Path) -> None:
    """Train on train, score on valid, never on eval; write every run's curve and the best lr among the full runs.

    Finished runs are kept in the folder `kept` until all is written, so that a sweep that was killed goes on.
    """
    plan = load_settings(settings, SweepSettings)
    counted, keeping = progress.counter(f"sweep {plan.optimizer}"), kept_runs(kept, dataset)
    with workers(cores(), dataset) as pool:

        def train(runs: Sequence[Run]) -> Runs:
            return list(zip(runs, keeping.run_all(pool, partial(_train_one, pool.dataset), runs, counted), strict=True))

        short, full = _search(train, plan)
    write_csv(curves, sweeps.COLUMNS, _rows(short + full))
    write_json(metrics, _metrics(plan, _cells(full)))
    write_json(timing, {"seconds": sum(result.seconds for _, result in short + full), "runs": len(short + full)})
    keeping.forget([run for run, _ in short + full])


def _search(train: Callable[[Sequence[Run]], Runs], plan: SweepSettings) -> tuple[Runs, Runs]:
    """A short run at every rate, then full-length runs with every seed at the rates that `next_lrs` asks for."""
    short = train([plan.run(lr, plan.seeds[0], SHORT) for lr in plan.lrs])
    full: Runs = []
    while wanted := next_lrs(_cells(short), _cells(full)):
        full += train([plan.run(lr, seed) for lr in wanted for seed in plan.seeds])
    return short, full


def _train_one(dataset: os.PathLike[str], run: Run) -> Result:
    from stages.lib.training import train_run  # imports paddle: a second that only the workers need to spend

    return train_run(run, dataset, progress.silent)


def _cells(runs: Runs) -> dict[float, Cell]:
    """The cell of every lr, by runs that are all of one length."""
    grouped: dict[float, list[Course]] = {}
    for run, result in runs:
        grouped.setdefault(run.lr, []).append(result.curve.course())
    return {lr: verdict.cell(courses) for lr, courses in sorted(grouped.items())}


def _rows(runs: Runs) -> Iterator[tuple[Value, ...]]:
    for run, result in sorted(runs, key=lambda item: (item[0].lr, item[0].epochs, item[0].seed)):
        yield from sweeps.rows(run, result.curve)


def _metrics(plan: SweepSettings, full: Mapping[float, Cell]) -> dict[str, Value]:
    best = best_lr(full)
    return {
        "best_lr": best,
        "valid_loss": full[best].loss if best else None,
        "grid": _grid(plan, best),
        "full_runs": sum(len(cell.losses) for cell in full.values()),
    }


def _grid(plan: SweepSettings, best: float | None) -> str:
    if best is None:
        return "nothing learns"
    return "too narrow" if best in {plan.lrs[0], plan.lrs[-1]} else "wide enough"


if __name__ == "__main__":
    command(sweep)
