"""The figures of a review, readable at 800 px and in greyscale."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from review.judgement import BETTER, WORSE, Row
from review.revision import Lines, Runs
from stages.lib.drawing.figures import COLOURS
from stages.lib.runs.tables import smooth

OLD: dict[str, Any] = {"color": "#000000", "linestyle": "--", "linewidth": 1.2}
NEW: dict[str, Any] = {"color": COLOURS[6], "linestyle": "-", "linewidth": 1.8}
MARKS = {BETTER: "^", WORSE: "v"}  # what is beyond noise is full, and its triangle says which way
CHANCE = math.log(10)
Curves = tuple[np.ndarray, np.ndarray]  # steps [k], losses [seeds, k]


def figures(rows: Sequence[Row], old: Mapping[str, Runs], new: Mapping[str, Runs]) -> dict[str, Figure]:
    """The figures 'differences' and 'loss'; one for which there is nothing to draw is left out."""
    drawn = {}
    if any(map(_has_interval, rows)):
        drawn["differences"] = differences_figure(rows)
    before, after = _curves(old), _curves(new)
    if before or after:
        drawn["loss"] = loss_figure(before, after)
    return drawn


def _curves(side: Mapping[str, Runs]) -> dict[str, Curves]:
    lines = {name: [line for _, of_run in runs.losses.values() for line in of_run] for name, runs in side.items()}
    return {name: _smoothed(of_runs) for name, of_runs in lines.items() if of_runs}


def _smoothed(lines: Lines) -> Curves:
    """Of one optimizer's training. Where a seed diverged, k is how far the shortest curve goes."""
    by_seed: dict[str, list[tuple[int, float]]] = {}
    for line in lines:
        by_seed.setdefault(line["seed"], []).append((int(line["step"]), float(line["loss"])))
    shortest = min(map(len, by_seed.values()))
    steps, losses = np.array([points[:shortest] for points in by_seed.values()]).transpose(2, 0, 1)
    return steps[0], smooth(losses)


def differences_figure(rows: Sequence[Row]) -> Figure:
    """New minus old validation accuracy in points with its interval, a line per optimizer, the first on top.

    At least one row has an interval; of the others, only the judgement is written.
    """
    figure = Figure((8.0, 1.6 + 0.5 * len(rows)), layout="constrained")
    axes = figure.add_subplot(xlabel="new minus old validation accuracy, percentage points")
    for height, row in enumerate(reversed(rows)):
        found = row.difference
        axes.annotate(f" {row.judgement}", (1.0, height), xycoords=("axes fraction", "data"), va="center")
        if not _has_interval(row) or found is None:
            continue
        beyond = row.judgement in MARKS
        axes.plot(
            [100 * found.low, 100 * found.high], [height] * 2, color="#56B4E9", linewidth=9, solid_capstyle="butt"
        )
        face = "black" if beyond else "white"
        axes.plot(
            100 * found.change, height, MARKS.get(row.judgement, "o"), color="black", markerfacecolor=face, markersize=9
        )
    axes.axvline(0, color="black", linewidth=0.9)
    axes.set_yticks(range(len(rows)), [row.optimizer for row in reversed(rows)])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.grid(alpha=0.3, axis="x")
    axes.set_title("What the change did (bar: 95% interval for all together)")
    return figure


def loss_figure(old: Mapping[str, Curves], new: Mapping[str, Curves]) -> Figure:
    """Training loss against steps on a log scale, a panel per optimizer: the mean over seeds, and a band over all."""
    names = [*new, *(name for name in old if name not in new)]
    columns = min(len(names), 3)
    lines = math.ceil(len(names) / columns)
    figure = Figure((8.0, 1.2 + 2.3 * lines), layout="constrained")
    grid = figure.subplots(lines, columns, sharey=True, squeeze=False).flatten()
    for axes, name in zip(grid, names, strict=False):
        for side, look in ((new, NEW), (old, OLD)):  # the dashes on top, or equal curves would hide them
            if name in side:
                _curve(axes, side[name], look)
        axes.axhline(CHANCE, color="grey", linewidth=0.8)
        both = name in old and name in new
        axes.set_title(name if both else f"{name} (only {'old' if name in old else 'new'})", fontsize=9)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.25)
    for axes in grid[len(names) :]:
        axes.set_visible(False)
    grid[0].set(yscale="log")
    grid[0].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    grid[0].yaxis.set_major_formatter("{x:g}")
    grid[0].yaxis.set_minor_formatter(NullFormatter())
    figure.suptitle(
        "Training loss: old dashed, new solid (mean; band: all seeds; grey line: chance, ln 10)", fontsize=11
    )
    figure.supxlabel("step", fontsize=9)
    return figure


def _curve(axes: Axes, curves: Curves, look: Mapping[str, Any]) -> None:
    steps, losses = curves
    axes.plot(steps, losses.mean(axis=0), **look)
    axes.fill_between(steps, losses.min(axis=0), losses.max(axis=0), color=look["color"], alpha=0.2, linewidth=0)


def _has_interval(row: Row) -> bool:
    return row.difference is not None and math.isfinite(row.difference.smallest)
