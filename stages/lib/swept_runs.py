"""The single runs in the table of a sweep, and the three whose rates are too small, reasonable and too large."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stages.lib import verdict
from stages.lib.verdict import Cell, Spread, Verdict


@dataclass(frozen=True)
class SweptRun:
    """One run: validation losses float64 [k] after `at` int64 [k] of the `steps` that it was to have."""

    lr: float
    seed: int
    steps: int
    status: str
    at: np.ndarray
    losses: np.ndarray


@dataclass(frozen=True)
class Example:
    """A rate that stands for a verdict, and its longest runs; `short` tells that they have not the full length."""

    verdict: Verdict
    lr: float
    runs: list[SweptRun]
    short: bool


def swept_runs(table: Iterable[Mapping[str, str]]) -> list[SweptRun]:
    """The runs in a table of `sweeps.COLUMNS`, by lr, length and seed."""
    grouped: dict[tuple[float, int, int], list[Mapping[str, str]]] = {}
    for row in table:
        grouped.setdefault((float(row["lr"]), int(row["steps"]), int(row["seed"])), []).append(row)
    return [
        SweptRun(
            *(lr, seed, steps, rows[-1]["status"]),
            np.array([int(row["step"]) for row in rows]),
            np.array([float(row["valid_loss"]) for row in rows]),
        )
        for (lr, steps, seed), rows in sorted(grouped.items())
    ]


def longest(runs: Sequence[SweptRun]) -> dict[float, list[SweptRun]]:
    """The longest runs at each lr, ascending: those of full length where there are any."""
    most = {lr: max(run.steps for run in runs if run.lr == lr) for lr in sorted({run.lr for run in runs})}
    return {lr: [run for run in runs if run.lr == lr and run.steps == steps] for lr, steps in most.items()}


def examples(runs: Sequence[SweptRun], best: float | None, spread: Spread) -> list[Example]:
    """The largest too small rate, the best one, and the smallest too large one, so far as they exist.

    Full-length runs stand for them, judged as `judge` does; where none is on a side, the nearest rate that had a short
    run only, judged against the best rate's short run. Where no rate is best, the first and the last of the grid.
    """
    tried, full = longest(runs), max(run.steps for run in runs)
    if best is None:
        ends = sorted({min(tried), max(tried)})
        return [Example("undetermined", lr, tried[lr], tried[lr][0].steps < full) for lr in ends]
    cells = {steps: _cells(runs, steps) for steps in {run.steps for run in runs}}
    judged = {lr: _verdict(lr, best, cells[ran[0].steps], spread) for lr, ran in tried.items()}
    chosen: list[tuple[Verdict, float]] = [("reasonable", best)]  # the verdict on it, by definition
    for side in ("too_small", "too_large"):
        lrs = [lr for lr in tried if judged[lr] == side]
        # full-length runs first, then the nearest to the best rate
        nearest = sorted(lrs, key=lambda lr: (-tried[lr][0].steps, abs(np.log(lr / best))))
        chosen += [(judged[lr], lr) for lr in nearest[:1]]
    chosen.sort(key=lambda item: item[1])
    return [Example(kind, lr, tried[lr], tried[lr][0].steps < full) for kind, lr in chosen]


def _cells(runs: Sequence[SweptRun], steps: int) -> dict[float, Cell]:
    grouped: dict[float, list[tuple[list[float], bool]]] = {}
    for run in runs:
        if run.steps == steps:
            grouped.setdefault(run.lr, []).append((run.losses.tolist(), run.status == "diverged"))
    return {lr: verdict.cell(of_lr) for lr, of_lr in grouped.items()}


def _verdict(lr: float, best: float, cells: Mapping[float, Cell], spread: Spread) -> Verdict:
    ratio = verdict.ratio(cells[lr], cells[best], spread) if best in cells else None
    return verdict.verdict(cells[lr].status, ratio, lr, best)
