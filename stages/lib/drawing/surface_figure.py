"""The figure of the optimizers' paths over the loss surface, readable at 800 px and in greyscale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke
from scipy.interpolate import pchip_interpolate

from stages.lib.drawing.figures import style

WIDTH, HEIGHT, LEGEND_ROW = 8.0, 5.6, 0.2  # inches, at 100 dots each
LEVELS = [digit * 10.0**decade for decade in range(-7, 3) for digit in (1, 1.5, 2, 3, 5, 7)]  # of loss
GREYS = LinearSegmentedColormap.from_list("greys", ["#FFFFFF", "#808080"])  # valleys white; black lines stay visible
ENDS = "os^vDP*X"
FINER = 8  # times as many points are drawn as were computed, along each axis
CAVEAT = "a plane through {:,} dimensions: distances and valleys outside it are not shown; only the paths' shadows"


@dataclass(frozen=True)
class Trajectory:
    """One optimizer's shadow float64 [k, 2] on a plane that holds `share` of its path's variance.

    `loss` is the real one at the path's end; `far` tells that the view does not hold the path.
    """

    name: str
    shadow: np.ndarray
    share: float
    loss: float
    far: bool


@dataclass(frozen=True)
class Surface:
    """Losses float64 [rows, columns] at grid points float64 [rows, columns, 2]; what they are the losses of."""

    points: np.ndarray
    losses: np.ndarray
    images: int
    weights: int  # how many the network has


def trajectories_figure(trajectories: Sequence[Trajectory], surface: Surface, share: float) -> Figure:
    """Filled contours of the loss on a log scale under the paths; `share` is that of all paths' variance."""
    columns = 2 if any(one.far for one in trajectories) else 3
    rows = math.ceil((len(trajectories) + 1) / columns)
    figure = Figure((WIDTH, HEIGHT + LEGEND_ROW * rows), layout="constrained")
    axes = figure.add_subplot(aspect="equal")
    _contours(figure, axes, surface)
    names = [one.name for one in trajectories]
    for place, one in enumerate(sorted(trajectories, key=lambda one: one.name)):
        look = style(names, one.name) | {"marker": ENDS[place % len(ENDS)], "markevery": [len(one.shadow) - 1]}
        label = f"{one.name}: {one.share:.0%}, {one.loss:.2g}"
        label += f"; cut off, goes to {np.linalg.norm(one.shadow, axis=1).max():.2g}" if one.far else ""
        halo = [Stroke(linewidth=3.5, foreground="white"), Normal()]
        x, y = one.shadow.T
        axes.plot(x, y, label=label, linewidth=1.9, markersize=9, mec="white", path_effects=halo, zorder=3, **look)
    axes.plot(0, 0, "o", color="white", mec="black", mew=1.8, markersize=9, zorder=4, label="start of all")
    axes.set(xlim=surface.points[0, [0, -1], 0], ylim=surface.points[[0, -1], 0, 1])
    axes.set(xlabel="first main direction", ylabel="second main direction")
    figure.suptitle(f"Paths over the loss surface: a plane with {share:.0%} of their variance, each counting alike")
    axes.set_title(CAVEAT.format(surface.weights), fontsize=9)
    title = "marker: where a path ends; the part of it that the plane holds, and the real loss at its end"
    figure.legend(loc="outside lower center", ncols=columns, title=title, title_fontsize=9, fontsize=9, handlelength=4)
    return figure


def _contours(figure: Figure, axes: Axes, surface: Surface) -> None:
    x, y, losses = _finer(surface)
    least, most = float(losses.min()), float(losses.max())
    inner = [level for level in LEVELS if least < level < most]
    levels = [max([level for level in LEVELS if level <= least], default=LEVELS[0]), *inner]
    levels.append(min(level for level in [*LEVELS, np.inf] if level > levels[-1]))
    filled = axes.contourf(x, y, losses, levels=levels, cmap=GREYS, norm=LogNorm(levels[0], levels[-1]))
    axes.contour(x, y, losses, levels=levels, colors="#606060", linewidths=0.5)
    label = f"training loss in the plane (mean of {surface.images:,} images)"
    bar = axes.inset_axes((1.02, 0, 0.03, 1))  # as high as the axes, which equal scales make lower than their place
    figure.colorbar(filled, cax=bar, label=label, ticks=levels, format="%g")


def _finer(surface: Surface) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The coordinates float64 [columns] and [rows] of a FINER grid, and the losses there float64 [rows, columns].

    Cubics through the logarithms, each between its neighbours, so that no valley is drawn that was not computed. Of a
    plane of MNIST with 25 rows of 37, 9 rows of 13 gave the others with errors of up to 11%, and 4% in 19 of 20.
    """
    x, y = surface.points[0, :, 0], surface.points[:, 0, 1]
    fine_x, fine_y = (np.linspace(at[0], at[-1], 1 + FINER * (len(at) - 1)) for at in (x, y))
    logs = np.log(np.maximum(surface.losses, LEVELS[0]))
    logs = pchip_interpolate(x, pchip_interpolate(y, logs, fine_y), fine_x, axis=1)
    return fine_x, fine_y, np.exp(logs)
