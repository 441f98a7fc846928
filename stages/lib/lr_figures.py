"""Figures of what a learning rate does, readable at 800 px and in greyscale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter

from stages.lib.course import CHANCE
from stages.lib.figures import SIZE, style
from stages.lib.grid_verdicts import Example
from stages.lib.sweeps import SweptRun, longest

TOP = 10.0  # losses above it, and diverged runs, stand at the upper edge: there, more tells nothing more
BAND = "#D0D0D0"
MARKERS = {"learning": "o", "stuck": "s", "diverged": "X"}
LOOKS: dict[str, dict[str, Any]] = {  # colour and dashes that differ in greyscale too
    "too_small": {"color": "#E69F00", "linestyle": "--"},
    "reasonable": {"color": "#000000", "linestyle": "-"},
    "too_large": {"color": "#0072B2", "linestyle": "-."},
    "undetermined": {"color": "#777777", "linestyle": ":"},
}


@dataclass(frozen=True)
class Panel:
    """One optimizer's runs, its configured lr with the verdict on it, and the reasonable range from and to, if any."""

    name: str
    runs: Sequence[SweptRun]
    lr: float
    verdict: str
    band: tuple[float, float] | None


def sensitivity_figure(panels: Sequence[Panel]) -> Figure:
    """Final validation loss against lr, both on log scales, a panel per optimizer with the same axes."""
    columns = min(len(panels), 3 if len(panels) <= 6 else 4)
    rows = math.ceil(len(panels) / columns)
    figure = Figure((8.0, 1.2 + max(2.1 * rows, 3.0)), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flatten()
    names = [panel.name for panel in panels]
    for axes, panel in zip(grid, panels, strict=False):
        _panel(axes, panel, str(style(names, panel.name)["color"]))
    for place, axes in enumerate(grid):
        axes.tick_params(labelsize=8, labelbottom=place + columns >= len(panels))
        axes.set_visible(place < len(panels))
        axes.set_xlabel("learning rate" if place + columns >= len(panels) else "", fontsize=8)
    lowest = min(_height(run) for panel in panels for run in panel.runs)
    grid[0].set(xscale="log", yscale="log", ylim=(min(lowest, 1.0) / 1.5, TOP * 1.3))
    grid[0].xaxis.set_major_locator(LogLocator(numticks=12))
    grid[0].yaxis.set_major_formatter("{x:g}")
    figure.suptitle("Final validation loss against the learning rate, and the verdict on the configured one")
    figure.supylabel("final validation loss", fontsize=10)
    figure.legend(handles=_key(), loc="outside lower center", ncols=4, fontsize=8)
    return figure


def _panel(axes: Axes, panel: Panel, colour: str) -> None:
    """The runs of each lr that are longest; those of full length joined by a thick line, with the seeds' band."""
    tried, full = longest(panel.runs), max(run.course.steps for run in panel.runs)
    axes.axhline(CHANCE, color="grey", linewidth=0.8)
    if panel.band:
        axes.axvspan(*panel.band, color=BAND, linewidth=5, zorder=0)  # its edge shows a range of one rate
    axes.axvline(panel.lr, color="black", linewidth=1.3, linestyle="--", zorder=1)
    means = {lr: math.exp(np.log([_height(run) for run in ran]).mean()) for lr, ran in tried.items()}
    axes.plot(list(means), list(means.values()), color=colour, linewidth=0.7, linestyle=":")
    whole = {lr: ran for lr, ran in tried.items() if ran[0].course.steps == full}
    axes.plot(list(whole), [means[lr] for lr in whole], color=colour, linewidth=1.8)
    ends = [[_height(run) for run in ran] for ran in whole.values()]
    low, high = [min(end) for end in ends], [max(end) for end in ends]
    axes.fill_between(list(whole), low, high, color=colour, alpha=0.3, linewidth=0)
    for lr, ran in tried.items():
        for run in ran:
            face = colour if lr in whole else "white"
            status = run.course.status
            size = 7 if status == "diverged" else 5
            axes.plot(lr, _height(run), MARKERS[status], color=colour, markerfacecolor=face, markersize=size)
    axes.set_title(f"{panel.name}\n{panel.lr:g}: {panel.verdict.replace('_', ' ')}", fontsize=9)
    axes.grid(alpha=0.25)


def _height(run: SweptRun) -> float:
    return min(run.course.end, TOP)


def _key() -> list[Line2D | Patch]:
    """What the legend explains, column by column."""

    def line(label: str, width: float, color: str = "black", **look: Any) -> Line2D:
        return Line2D([], [], color=color, linewidth=width, markersize=6, label=label, **look)

    return [
        line("full-length runs, a dot per seed", 1.8, marker="o"),
        line("only short runs", 0.7, marker="o", linestyle=":", markerfacecolor="white"),
        line("stuck", 0, marker=MARKERS["stuck"]),
        line("diverged (at the top)", 0, marker=MARKERS["diverged"]),
        line("configured lr", 1.3, linestyle="--"),
        line("chance: ln 10", 0.8, color="grey"),
        Patch(color=BAND, label="reasonable range"),
    ]


def curves_figure(optimizer: str, examples: Sequence[Example]) -> Figure:
    """Validation loss against steps on a log scale: a line per run, the rates told apart by colour and dashes."""
    figure = Figure(SIZE, layout="constrained")
    axes = figure.add_subplot(yscale="log", xlabel="step", ylabel="validation loss (mean cross-entropy)")
    for example in examples:
        label: str | None = _label(example)
        for run in example.runs:
            at, losses = run.course.at, np.minimum(run.course.losses, TOP)
            axes.plot(at, losses, label=label, linewidth=2, marker="o", markersize=3, **LOOKS[example.verdict])
            if run.course.status == "diverged":
                axes.plot(at[-1], losses[-1], "X", color=LOOKS[example.verdict]["color"], markersize=12)
            label = None
    axes.axhline(CHANCE, color="grey", linewidth=0.8)
    axes.annotate("chance: ln 10", (0.99, CHANCE), xycoords=("axes fraction", "data"), ha="right", va="bottom")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3)
    axes.legend()
    axes.set_title(f"{optimizer}: what a wrong learning rate looks like (a line per seed, X: diverged)")
    return figure


def _label(example: Example) -> str:
    words = f"lr {example.lr:g}: {example.verdict.replace('_', ' ')}"
    statuses = sorted({run.course.status for run in example.runs} - {"learning"})
    words += f", {' and '.join(statuses)}" if statuses else ""
    return words + (f" (short runs of {example.runs[0].course.steps:,} steps)" if example.short else "")
