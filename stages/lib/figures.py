"""The figures, readable at 800 px and in greyscale, the same bytes every time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from stages.lib.files import replacing

SIZE = (8.0, 5.0)  # inches, at 100 dots each
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
    axes.axhline(np.log(10), color="grey", linewidth=0.8)
    axes.annotate("chance: ln 10", (0.99, np.log(10)), xycoords=("axes fraction", "data"), ha="right", va="bottom")
    axes.grid(alpha=0.3, which="both")
    if curves:
        axes.legend(title="lowest final loss first")
    axes.set_title("How the training loss falls (mean over 100 steps; band: all seeds)")
    return figure


def accuracy_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Eval accuracy per optimizer, best first; an optimizer without an accuracy is shown as diverged.

    A row holds optimizer, accuracy, accuracy_min, accuracy_max, low and high.
    """
    figure = Figure(SIZE, layout="constrained")
    axes = figure.add_subplot(xlabel="accuracy on the eval split")
    ordered = sorted(rows, key=lambda row: (row["accuracy"] or 0, str(row["optimizer"])))
    for place, row in enumerate(ordered):
        if row["accuracy"] is None:
            axes.annotate("diverged", (0.02, place), xycoords=("axes fraction", "data"), va="center")
            continue
        axes.plot([row["low"], row["high"]], [place, place], color="#9BD3F5", linewidth=12, solid_capstyle="butt")
        axes.plot([row["accuracy_min"], row["accuracy_max"]], [place] * 2, color="black", marker="|", markersize=12)
        axes.plot(row["accuracy"], place, color="black", marker="o")
    axes.set_yticks(range(len(ordered)), [str(row["optimizer"]) for row in ordered])
    axes.set_ylim(-0.6, len(ordered) - 0.4)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
    axes.grid(alpha=0.3, axis="x")
    axes.set_title("Eval accuracy: dot = mean, thin line = all seeds, wide bar = 95% sampling interval")
    return figure


def ranking_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Validation accuracy of both arms, best first, with intervals; the number is the tie group.

    A row holds optimizer, arm, lr, valid_accuracy, low, high, tie_group and eval_accuracy, the last four as the word
    'diverged' where a seed did.
    """
    figure = Figure((8.0, 6.0), layout="constrained")
    for place, arm in enumerate(("shared", "tuned")):
        mine = [row for row in rows if row["arm"] == arm][::-1]
        axes = figure.add_subplot(2, 1, place + 1)
        for height, row in enumerate(mine):
            if row["tie_group"] == "diverged":
                axes.annotate("diverged", (0.02, height), xycoords=("axes fraction", "data"), va="center")
                continue
            axes.plot([row["low"], row["high"]], [height] * 2, color="#56B4E9", linewidth=10, solid_capstyle="butt")
            axes.plot(row["valid_accuracy"], height, "o", color="black", label="validation" if height == 0 else None)
            axes.plot(row["eval_accuracy"], height, "|", color="black", markersize=16)
            axes.annotate(f" group {row['tie_group']}", (1.0, height), xycoords=("axes fraction", "data"), va="center")
        axes.set_yticks(range(len(mine)), [f"{row['optimizer']} (lr {row['lr']:g})" for row in mine])
        axes.set_ylim(-0.6, len(mine) - 0.4)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
        axes.grid(alpha=0.3, axis="x")
        axes.set_title({"shared": "At the configured lr", "tuned": "Each at its own best lr"}[arm])
    axes.set_xlabel("accuracy: dot = validation with 95% interval (bar), | = eval, only reported")
    return figure
