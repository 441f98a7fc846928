"""Figures of what a learning rate does, readable at 800 px and in greyscale."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter

from stages.lib.drawing.figures import CHANCE, SIZE, mark_chance, style

TOP = 10.0  # losses above it, and diverged runs, stand at the upper edge: there, more tells nothing more
BAND = "#D0D0D0"
MARKERS = {"learning": "o", "stuck": "s", "diverged": "X"}
LOOKS: dict[str, dict[str, Any]] = {  # colour and dashes that differ in greyscale too
    "too_small": {"color": "#E69F00", "linestyle": "--"},
    "reasonable": {"color": "#000000", "linestyle": "-"},
    "too_large": {"color": "#0072B2", "linestyle": "-."},
    "undetermined": {"color": "#777777", "linestyle": ":"},
}
Row = Mapping[str, Any]
Range = tuple[float, float]


@dataclass(frozen=True)
class Example:
    """Runs at a rate that stands for a verdict, each as validated steps, losses and status.

    `short_steps` is their length if it is not the full one.
    """

    lr: float
    verdict: str
    short_steps: int | None
    runs: Sequence[tuple[Sequence[int], Sequence[float], str]]

    def __str__(self) -> str:
        statuses = sorted({status for _, _, status in self.runs} - {"learning"})
        told = f", {' and '.join(statuses)}" if statuses else ""
        length = f" (short runs of {self.short_steps:,} steps)" if self.short_steps else ""
        return f"lr {_verdict(self.lr, self.verdict)}{told}{length}"


def sensitivity_figure(rows: Sequence[Row], bands: Mapping[str, Range | None], schedules: Mapping[str, str]) -> Figure:
    """Final validation loss against lr, both on log scales, a panel per optimizer with the same axes.

    A row is a run: optimizer, lr, runs ('configured' where it is of the configured lr, 'short' where it has not the
    full length), loss, status and the verdict on its lr. `bands` holds each optimizer's reasonable range, if any;
    `schedules` those that make an lr the peak.
    """
    columns = min(len(bands), 3 if len(bands) <= 6 else 4)
    lines = math.ceil(len(bands) / columns)
    figure = Figure((8.0, 1.2 + max(2.1 * lines, 3.0)), layout="constrained")
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).flatten()
    for place, (axes, name) in enumerate(itertools.zip_longest(grid, sorted(bands))):
        lowest = place + columns >= len(bands)
        axes.tick_params(labelsize=8, labelbottom=lowest)
        axes.set_xlabel("learning rate" if lowest else "", fontsize=8)
        axes.set_visible(name is not None)
        if name is not None:
            mine = [row for row in rows if row["optimizer"] == name]
            title = f"{name}\npeak of {schedules[name]}" if name in schedules else name
            _draw_panel(axes, title, mine, bands[name], str(style(list(bands), name)["color"]))
    grid[0].set(xscale="log", yscale="log", ylim=(min([1.0, *map(_shown_loss, rows)]) / 1.5, TOP * 1.3))
    grid[0].xaxis.set_major_locator(LogLocator(numticks=12))
    grid[0].yaxis.set_major_formatter("{x:g}")
    figure.suptitle("Final validation loss against the learning rate, and the verdict on the configured one")
    figure.supylabel("final validation loss", fontsize=10)
    figure.legend(handles=_legend(), loc="outside lower center", ncols=4, fontsize=8)
    return figure


def _draw_panel(axes: Axes, title: str, rows: Sequence[Row], band: Range | None, colour: str) -> None:
    """The longest runs of each lr; those of full length joined by a thick line, with the seeds' band."""
    full = sorted({row["lr"] for row in rows if row["runs"] != "short"})
    shown = [row for row in rows if row["runs"] != "short" or row["lr"] not in full]
    losses = {lr: [_shown_loss(row) for row in shown if row["lr"] == lr] for lr in sorted({row["lr"] for row in shown})}
    means = {lr: math.exp(np.log(ends).mean()) for lr, ends in losses.items()}
    axes.axhline(CHANCE, color="grey", linewidth=0.8)
    if band:
        axes.axvspan(*band, color=BAND, linewidth=5, zorder=0)  # its edge shows a range of one rate
    axes.plot(list(means), list(means.values()), color=colour, linewidth=0.7, linestyle=":")
    axes.plot(full, [means[lr] for lr in full], color=colour, linewidth=1.8)
    low, high = ([limit(losses[lr]) for lr in full] for limit in (min, max))
    axes.fill_between(full, low, high, color=colour, alpha=0.3, linewidth=0)
    for row in shown:
        face, size = colour if row["lr"] in full else "white", 7 if row["status"] == "diverged" else 5
        marker = MARKERS[row["status"]]
        axes.plot(row["lr"], _shown_loss(row), marker, color=colour, markerfacecolor=face, markersize=size)
    for row in [row for row in rows if row["runs"] == "configured"]:
        axes.axvline(row["lr"], color="black", linewidth=1.3, linestyle="--", zorder=1)
    configured = {_verdict(row["lr"], row["verdict"]) for row in rows if row["runs"] == "configured"}
    axes.set_title("\n".join([title, *configured]), fontsize=9)
    axes.grid(alpha=0.25)


def _shown_loss(row: Row) -> float:
    return TOP if row["status"] == "diverged" else min(row["loss"], TOP)


def _verdict(lr: float, verdict: str) -> str:
    return f"{lr:g}: {verdict.replace('_', ' ')}"


def _legend() -> list[Line2D | Patch]:
    """Column by column."""
    line = partial(Line2D, [], [], markersize=6)
    return [
        line(color="black", linewidth=1.8, marker="o", label="full-length runs, a dot per seed"),
        line(color="black", linewidth=0.7, marker="o", linestyle=":", markerfacecolor="white", label="only short runs"),
        line(color="black", linewidth=0, marker=MARKERS["stuck"], label="stuck"),
        line(color="black", linewidth=0, marker=MARKERS["diverged"], label="diverged (at the top)"),
        line(color="black", linewidth=1.3, linestyle="--", label="configured lr"),
        line(color="grey", linewidth=0.8, label="chance: ln 10"),
        Patch(color=BAND, label="reasonable range"),
    ]


def curves_figure(
    optimizer: str, examples: Sequence[Example], schedule: tuple[Sequence[int], Sequence[float]]
) -> Figure:
    """Validation loss against steps on a log scale: a line per run, the rates told apart by colour and dashes.

    `schedule` are steps and the lr at each as a share of the peak, drawn faintly behind; none where it is constant.
    """
    figure = Figure(SIZE, layout="constrained")
    axes = figure.add_subplot(yscale="log", xlabel="step", ylabel="validation loss (mean cross-entropy)")
    for example in examples:
        look = LOOKS[example.verdict]
        for place, (steps, losses, status) in enumerate(example.runs):
            shown, label = np.minimum(losses, TOP), None if place else str(example)
            axes.plot(steps, shown, label=label, linewidth=2, marker="o", markersize=3, **look)
            if status == "diverged":
                axes.plot(steps[-1], shown[-1], "X", color=look["color"], markersize=12)
    mark_chance(axes)
    if schedule[0]:
        behind = axes.twinx()
        behind.fill_between(*schedule, color=BAND, alpha=0.5, linewidth=0)
        behind.set(ylim=(0, 1), ylabel="grey: learning rate, share of its peak")
        axes.set(zorder=1, facecolor="none")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3)
    axes.legend()
    axes.set_title(f"{optimizer}: what a wrong learning rate looks like (a line per seed, X: diverged)")
    return figure
