"""The figures, readable at 800 px and in greyscale, the same bytes every time."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from stages.lib.files.replacing import replacing

SIZE = (8.0, 5.0)  # inches, at 100 dots each
CHANCE = math.log(10)  # the cross-entropy of guessing among ten digits
BESIDE = ("axes fraction", "data")  # where text stands: along the width of the axes, at a value on the y axis
RATES = {"configured lr": "At the configured lr", "best lr": "Each at its own best lr"}
# Okabe and Ito's colours from dark to light, so that greyscale tells them apart; dashes do it again
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 3)))


def style(names: Sequence[str], name: str) -> dict[str, Any]:
    """Colour and dashes of an optimizer; they depend on the set of names, not on its order."""
    place = sorted(names).index(name)
    return {"color": COLOURS[place % len(COLOURS)], "linestyle": DASHES[(place + place // len(COLOURS)) % len(DASHES)]}


def save(figure: Figure, path: Path) -> None:
    """Write a PNG without a version or date in it."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100, metadata={"Software": None})


def mark_chance(axes: Axes) -> None:
    """A line at the loss of guessing."""
    axes.axhline(CHANCE, color="grey", linewidth=0.8)
    axes.annotate("chance: ln 10", (0.99, CHANCE), xycoords=BESIDE, ha="right", va="bottom")


def loss_figure(curves: Mapping[str, tuple[np.ndarray, np.ndarray]], diverged: Mapping[str, str]) -> Figure:
    """Training loss against steps on a log scale, the mean over seeds and a band over all of them.

    `curves` holds, per optimizer, steps int [k] and losses float [seeds, k]; `diverged` names the seeds that did.
    """
    figure = Figure(SIZE, layout="constrained")
    axes = figure.add_subplot(yscale="log", xlabel="step", ylabel="training loss (mean cross-entropy)")
    for name in sorted(curves, key=lambda name: float(curves[name][1][:, -1].mean())):
        steps, losses = curves[name]
        look = style(list(curves), name)
        label = f"{name} (diverged: seed {diverged[name]})" if diverged[name] else name
        axes.plot(steps, losses.mean(axis=0), label=label, linewidth=1.7, **look)
        axes.fill_between(steps, losses.min(axis=0), losses.max(axis=0), color=look["color"], alpha=0.15, linewidth=0)
    mark_chance(axes)
    axes.grid(alpha=0.3, which="both")
    if curves:
        axes.legend(title="lowest final loss first")
    axes.set_title("How the training loss falls (mean over 100 steps; band: all seeds)")
    return figure


def ranking_figure(rows: Sequence[Mapping[str, Any]], diverged: Sequence[tuple[str, str, float]]) -> Figure:
    """Validation accuracy at the configured and at the best lr, best first, with intervals and groups.

    A row holds at, optimizer, lr, accuracy (on the eval split; may be left out), valid_accuracy, valid_low, valid_high,
    group and seeds_to_tell ('-': none); `diverged` names those that have no numbers, as (at, optimizer, lr).
    """
    figure = Figure((8.0, 6.0), layout="constrained")
    for axes, (at, title) in zip(figure.subplots(2), RATES.items(), strict=True):
        mine = [row for row in rows if row["at"] == at]
        ranked = sorted(mine, key=lambda row: (row["group"], -row["valid_accuracy"]))[::-1]  # the best is drawn on top
        lost = [(name, lr) for place, name, lr in diverged if place == at]
        for height, row in enumerate(ranked, len(lost)):
            interval = [row["valid_low"], row["valid_high"]]
            axes.plot(interval, [height] * 2, color="#56B4E9", linewidth=10, solid_capstyle="butt")
            axes.plot(row["valid_accuracy"], height, "o", color="black")
            if "accuracy" in row:
                axes.plot(row["accuracy"], height, "|", color="black", markersize=16)
            told = "" if row["seeds_to_tell"] == "-" else f" (about {row['seeds_to_tell']} seeds would tell)"
            axes.annotate(f" group {row['group']}{told}", (1.0, height), xycoords=BESIDE, va="center", fontsize=8)
        for height in range(len(lost)):
            axes.annotate("diverged", (0.02, height), xycoords=BESIDE, va="center")
        labels = [f"{name} (lr {lr:g})" for name, lr in lost + [(row["optimizer"], row["lr"]) for row in ranked]]
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(-0.6, len(labels) - 0.4)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.tick_params(axis="x", labelsize=8)
        axes.grid(alpha=0.3, axis="x")
        axes.set_title(title)
    on_eval = ", | = eval, only reported" if any("accuracy" in row for row in rows) else ""
    axes.set_xlabel(f"accuracy: dot = validation with 95% interval (bar){on_eval}")
    return figure
