"""The figures of a review, readable at 800 px and in greyscale."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from review.outcome import BETTER, WORSE, Row
from review.revision import Runs
from stages.lib.drawing.figures import BESIDE, CHANCE, COLOURS
from stages.lib.runs.tables import smooth

MARKS = {BETTER: "^", WORSE: "v"}  # what is beyond noise is full, and its triangle says which way


def figures(rows: Sequence[Row]) -> dict[str, Figure]:
    """The figures 'differences' and 'loss'; one for which there is nothing to draw is left out."""
    drawn = {"differences": differences_figure(rows)} if any(row.difference for row in rows) else {}
    trained = [row for row in rows if any([*row.old.curves.values(), *row.new.curves.values()])]
    return drawn | ({"loss": loss_figure(trained)} if trained else {})


def differences_figure(rows: Sequence[Row]) -> Figure:
    """New minus old validation accuracy in points with its interval, a line per optimizer, the first on top.

    Of rows without an interval only the judgement is written.
    """
    figure = Figure((8.0, 1.6 + 0.5 * len(rows)), layout="constrained")
    axes = figure.add_subplot(xlabel="new minus old validation accuracy, percentage points")
    for height, row in enumerate(reversed(rows)):
        axes.annotate(f" {row.judgement}", (1.0, height), xycoords=BESIDE, va="center")
        if found := row.difference:
            mark, face = MARKS.get(row.judgement, "o"), "black" if row.judgement in MARKS else "white"
            bounds = [100 * found.low, 100 * found.high]
            axes.plot(bounds, [height] * 2, color=COLOURS[6], linewidth=9, solid_capstyle="butt")
            axes.plot(100 * found.change, height, mark, color="black", markerfacecolor=face, markersize=9)
    axes.axvline(0, color="black", linewidth=0.9)
    axes.set_yticks(range(len(rows)), [row.optimizer for row in reversed(rows)])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.grid(alpha=0.3, axis="x")
    axes.set_title("What the change did (bar: 95% interval for all together)")
    return figure


def loss_figure(rows: Sequence[Row]) -> Figure:
    """Training loss against steps on a log scale, a panel per optimizer: the mean over seeds, and a band over all."""
    columns = min(len(rows), 3)
    lines = math.ceil(len(rows) / columns)
    figure = Figure((8.0, 1.2 + 2.3 * lines), layout="constrained")
    grid = figure.subplots(lines, columns, sharey=True, squeeze=False).flatten()
    for axes, row in zip(grid, rows, strict=False):
        new = _draw(axes, row.new, COLOURS[6], "-", 1.8)
        old = _draw(axes, row.old, COLOURS[0], "--", 1.2)  # on top, or equal curves would hide it
        axes.axhline(CHANCE, color="grey", linewidth=0.8)
        axes.set_title(row.optimizer + ("" if old and new else " (only old)" if old else " (only new)"), fontsize=9)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.25)
    for axes in grid[len(rows) :]:
        axes.set_visible(False)
    grid[0].set(yscale="log")
    grid[0].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    grid[0].yaxis.set_major_formatter("{x:g}")
    grid[0].yaxis.set_minor_formatter(NullFormatter())
    figure.suptitle("Training loss: old dashed, new solid (mean; band: all seeds; grey: chance, ln 10)", fontsize=11)
    figure.supxlabel("step", fontsize=9)
    return figure


def _draw(axes: Axes, runs: Runs, colour: str, dashes: str, width: float) -> bool:
    """Whether there is a curve; where a seed diverged, all end with the shortest."""
    curves = [curve for curve in runs.curves.values() if curve]
    if curves:
        steps, losses = np.array([curve[: min(map(len, curves))] for curve in curves]).transpose(2, 0, 1)
        losses = smooth(losses)
        axes.plot(steps[0], losses.mean(axis=0), dashes, color=colour, linewidth=width)
        axes.fill_between(steps[0], losses.min(axis=0), losses.max(axis=0), color=colour, alpha=0.2, linewidth=0)
    return bool(curves)
