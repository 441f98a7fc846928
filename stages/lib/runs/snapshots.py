"""A run's weights on its way."""

from dataclasses import dataclass
from functools import cache

import numpy as np

MOST = 24  # of one run: 2 MB for the tutorial's network, and enough for a smooth path


@dataclass(frozen=True)
class Snapshots:
    """All weights float32 [k, p], one row after each of `steps` int64 [k] updates; they begin before the first."""

    steps: np.ndarray
    weights: np.ndarray


@cache  # asked after every step
def snapshot_steps(steps: int) -> frozenset[int]:
    """At most MOST of the steps 0 to `steps`, both included, by a constant factor where whole numbers allow it.

    A path turns most in its first steps, and hardly at all within its last tenth.
    """
    return frozenset({0, *np.rint(np.geomspace(1, steps, MOST - 1)).astype(int).tolist()})
