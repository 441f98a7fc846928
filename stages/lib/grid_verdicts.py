"""What a sweep says of every learning rate of its grid, also of those that were not trained at full length."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stages.lib import sweeps, verdict
from stages.lib.sweeps import SweptRun
from stages.lib.verdict import Cell, Spread, Verdict


@dataclass(frozen=True)
class Example:
    """A rate that stands for a verdict, and its longest runs; `short` tells that they have not the full length."""

    verdict: Verdict
    lr: float
    runs: list[SweptRun]
    short: bool


@dataclass(frozen=True)
class Band:
    """The reasonable rates from `start` to `end`, both tried; it may reach further on a side that is open.

    A side is open where the next rate tried is not definitely worse, or where no further rate was tried.
    """

    start: float
    end: float
    open_below: bool
    open_above: bool

    @property
    def decades(self) -> float:
        """Its width, a lower bound: the true edges lie between the last reasonable rate and the first worse one."""
        return math.log10(self.end / self.start)


def verdicts(
    runs: Sequence[SweptRun], lrs: Sequence[float], at_best: Cell | None, spread: Spread
) -> dict[float, Verdict]:
    """The verdict on every rate of the grid `lrs`, ascending, against the cell `at_best` of the sweep's best rate.

    A rate that was not trained at full length is judged by its neighbours, as loss against rate is U-shaped: it is
    as bad as one between it and the best rate; or too large, if the short runs prove that.
    """
    by_length = sweeps.cells_by_length(runs)
    full, short = by_length[max(by_length)], by_length[min(by_length)]
    best = verdict.best_lr(full)
    if best is None or at_best is None:
        return dict.fromkeys(lrs, "undetermined")
    known: dict[float, Verdict] = {}
    for lr, cell in full.items():
        known[lr] = verdict.verdict(cell.status, verdict.ratio(cell, at_best, spread), lr, best)
    smallest = max((lr for lr, one in known.items() if one == "too_small"), default=0.0)
    largest = min((lr for lr, one in known.items() if one == "too_large"), default=math.inf)
    largest = min(largest, verdict.too_large_from(short, best))
    inferred: dict[float, Verdict] = {lr: "too_small" for lr in lrs if lr < smallest}
    inferred |= {lr: "too_large" for lr in lrs if lr >= largest}
    return {lr: known.get(lr) or inferred.get(lr, "undetermined") for lr in lrs}


def reasonable_range(verdicts: Mapping[float, Verdict], best_lr: float) -> Band:
    """The band of neighbouring reasonable rates around `best_lr`, which counts as one, among the rates judged."""
    lrs = sorted(verdicts)
    first = last = lrs.index(best_lr)
    while first > 0 and verdicts[lrs[first - 1]] == "reasonable":
        first -= 1
    while last < len(lrs) - 1 and verdicts[lrs[last + 1]] == "reasonable":
        last += 1
    beyond = (verdicts[lr] for lr in lrs[last + 1 : last + 2])
    below = (verdicts[lr] for lr in lrs[max(first - 1, 0) : first])
    return Band(lrs[first], lrs[last], "too_small" not in below, "too_large" not in beyond)


def examples(runs: Sequence[SweptRun], lrs: Sequence[float], judged: dict[float, Verdict]) -> list[Example]:
    """The nearest too small rate, the best one, and the nearest too large one, so far as they exist.

    Full-length runs stand for them before short ones. Where no rate is best, the first and the last of the grid.
    """
    tried, full = sweeps.longest(runs), max(run.course.steps for run in runs)
    best = verdict.best_lr(sweeps.full_cells(runs))

    def example(kind: Verdict, lr: float) -> Example:
        return Example(kind, lr, tried[lr], tried[lr][0].course.steps < full)

    if best is None:
        return [example("undetermined", lr) for lr in sorted({lrs[0], lrs[-1]})]
    chosen = [example("reasonable", best)]  # the verdict on it, by definition
    for side in ("too_small", "too_large"):
        found = [example(side, lr) for lr in lrs if judged[lr] == side]
        found.sort(key=lambda one: (one.short, abs(math.log(one.lr / best))))
        chosen += found[:1]
    return sorted(chosen, key=lambda one: one.lr)
