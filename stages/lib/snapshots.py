"""A run's weights on its way, as one NumPy file."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from stages.lib.arrays import BrokenError, load_arrays, save_arrays
from stages.lib.errors import InputError

MOST = 24  # of one run: 2 MB for the tutorial's network, and enough for a smooth path


@dataclass(frozen=True)
class Snapshots:
    """All weights float32 [k, p], one row after each of `steps` int64 [k] updates; they begin before the first."""

    steps: np.ndarray
    weights: np.ndarray


@cache  # asked after every step
def schedule(steps: int) -> frozenset[int]:
    """At most MOST of the steps 0 to `steps`, both included, by a constant factor where whole numbers allow it.

    A path turns most in its first steps, and hardly at all within its last tenth.
    """
    return frozenset({0, *np.rint(np.geomspace(1, steps, MOST - 1)).astype(int).tolist()})


def save_snapshots(path: Path, snapshots: Snapshots) -> None:
    """Write them to one .npz; the same snapshots give the same bytes."""
    save_arrays(path, {"steps": snapshots.steps, "weights": snapshots.weights})


def load_snapshots(path: Path) -> Snapshots:
    """Read what `save_snapshots` wrote. InputError when the file is none of those."""
    try:
        steps, weights = load_arrays(path, {"steps": (np.int64, (-1,)), "weights": (np.float32, (-1, -1))})
        if len(steps) != len(weights):
            raise BrokenError(f"its weights are not {len(steps)} rows")
    except BrokenError as error:
        raise InputError(f"{path}: holds no snapshots ({error}); run 'dvc repro train' to make it anew") from None
    return Snapshots(steps, weights)
