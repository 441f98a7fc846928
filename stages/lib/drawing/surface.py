"""The plane through weight space that shows most of the optimizers' paths, and the part of it to draw.

After Li et al. 2018, "Visualizing the Loss Landscape of Neural Nets", section 7: the directions are principal
components of the paths, as random ones would show next to nothing of them. Theirs is one path; here each path is first
scaled to reach 1 from the start, so that each counts alike. Unscaled, Adam's and RMSProp's paths, eight times as long
as SGD's at the same lr, would choose the plane, which would then hold 6% of SGD's (375 steps at lr 0.01), and one
huge lr would hide all the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low

import numpy as np

FAR = 8.0  # a path that reaches so many times as far as the median one would leave of the others a dot: not in the view
MARGIN = 0.12  # of the grid around the paths, on each side
ASPECT = 1.5  # the grid's width over its height: it fills a figure with the same scale on both axes


@dataclass(frozen=True)
class Plane:
    """`start` float64 [p] plus x and y times the orthonormal `directions` float64 [2, p]."""

    start: np.ndarray
    directions: np.ndarray

    def shadow(self, weights: np.ndarray) -> np.ndarray:
        """Coordinates float64 [k, 2] of the points of the plane that are nearest to weights float32 [k, p]."""
        return (weights - self.start) @ self.directions.T

    def points(self, coordinates: np.ndarray) -> np.ndarray:
        """The weights float32 [k, p] at coordinates float64 [k, 2]."""
        with np.errstate(over="ignore"):  # the view around a path that ended near float32's end
            return (self.start + coordinates @ self.directions).astype(np.float32)

    def share(self, weights: np.ndarray) -> float:
        """The part of a path's variance about the start that lies in the plane, from 0 to 1; 1 if it never moved."""
        whole = float(np.sum((weights - self.start) ** 2))
        return float(np.sum(self.shadow(weights) ** 2)) / whole if whole else 1.0


def main_plane(paths: Sequence[np.ndarray]) -> tuple[Plane, float]:
    """The plane of the two principal components of at least one path float32 [k, p], and its share of their variance.

    The paths begin with the same row. Components are taken about it, so that the plane goes through the start, where
    its loss is the real one. Both components and variance are those of the scaled paths.
    """
    start = paths[0][0].astype(np.float64)
    moved = [(path - start) / (reach(path) or 1.0) for path in paths]
    # two rows of zeros more: a single snapshot has a plane too
    _, sizes, directions = np.linalg.svd(np.concatenate([*moved, np.zeros((2, len(start)))]), full_matrices=False)
    directions = directions[:2]
    largest = directions[[0, 1], np.abs(directions).argmax(axis=1)]
    total = float(np.sum(sizes**2))
    share = float(np.sum(sizes[:2] ** 2)) / total if total else 1.0
    return Plane(start, directions * np.sign(largest)[:, None]), share  # the svd leaves the sign open


def reach(path: np.ndarray) -> float:
    """How far a path float32 [k, p] gets from its first row."""
    return float(np.linalg.norm(path - path[0].astype(np.float64), axis=1).max())


def far(paths: Mapping[str, np.ndarray]) -> set[str]:
    """The names of the paths float32 [k, p] that reach more than FAR times as far as the median of those that move."""
    reaches = {name: reach(path) for name, path in paths.items()}
    usual = median_low([distance for distance in reaches.values() if distance] or [0.0])
    return {name for name, distance in reaches.items() if distance > FAR * usual}


def grid_around(shadows: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Evenly spaced coordinates float64 [rows, columns, 2] that hold shadows float64 [k, 2] with a MARGIN."""
    points = np.concatenate(shadows)
    low, high = points.min(axis=0), points.max(axis=0)
    width, height = high - low
    half = max(width, ASPECT * height) / (2 - 4 * MARGIN) or 1.0
    (x, y), rows = (low + high) / 2, 1 + round((columns - 1) / ASPECT)
    across, up = np.linspace(x - half, x + half, columns), np.linspace(y - half / ASPECT, y + half / ASPECT, rows)
    return np.stack(np.meshgrid(across, up), axis=-1)
