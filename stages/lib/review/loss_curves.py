"""Training-loss curves of a revision, to be laid over those of another."""

from pathlib import Path

import numpy as np

from stages.lib.errors import InputError
from stages.lib.records import read_csv

Curves = tuple[np.ndarray, np.ndarray]
REACH = 2  # windows on each side that a point is the mean of


def loss_curves(path: Path) -> Curves | None:
    """Steps int64 [k] and smoothed losses float64 [seeds, k] of a plots/train_loss file; None where it holds none.

    Where a seed diverged, k is how far the shortest curve goes. Near the ends the mean is over fewer windows.
    """
    by_seed: dict[str, list[tuple[int, float]]] = {}
    try:
        for row in read_csv(path):
            by_seed.setdefault(row["seed"], []).append((int(row["step"]), float(row["loss"])))
    except (InputError, OSError, KeyError, ValueError):
        return None
    shortest = min((len(points) for points in by_seed.values()), default=0)
    if not shortest:
        return None
    steps = np.array([step for step, _ in next(iter(by_seed.values()))[:shortest]])
    losses = np.array([[loss for _, loss in points[:shortest]] for points in by_seed.values()])
    if not np.isfinite(losses).all():
        return None
    reach = [min(place, shortest - 1 - place, REACH) for place in range(shortest)]
    return steps, np.array([losses[:, at - r : at + r + 1].mean(axis=1) for at, r in enumerate(reach)]).T
