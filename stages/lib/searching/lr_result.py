"""What runs say of an lr, and which is the best of several."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

Status = Literal["diverged", "stuck", "learning"]  # of a run: see status.py; of an lr: the worst of its runs

# A practical tolerance: half as much loss again is what a user would notice and several times what seeds do (2 to
# 20%), while a rate that is wrong by a decade costs far more. More seeds then sharpen a verdict; were the question
# whether a rate is *any* worse than the best, they would shrink the reasonable range to one point.
TOLERANCE = 1.5
# A rate above the best whose short run is this many times worse than that of a smaller rate is too large: longer runs
# favour smaller rates, so its ratio only grows with the length. Not always where a schedule ends low: of 110 rates with
# a cosine or with steps, three had ratios of 3.6 to 6.1 after 100 steps and of 1.4 after 1,500; all others were below 3
# or above 9.
HOPELESS = 8.0


@dataclass(frozen=True)
class LrResult:
    """The runs at one lr, one per seed: their worst status, and the final validation losses of those not diverged."""

    status: Status
    losses: tuple[float, ...]

    @property
    def loss(self) -> float:
        """Geometric mean; infinite if a run diverged."""
        return math.inf if self.status == "diverged" else math.exp(float(np.log(self.losses).mean()))


def best_lr(results: Mapping[float, LrResult]) -> float | None:
    """The lr with the lowest loss among those where every run learns; the smaller of equals; None if none learns."""
    learning = [lr for lr in sorted(results) if results[lr].status == "learning"]
    return min(learning, key=lambda lr: results[lr].loss, default=None)


def too_large_from(short: Mapping[float, LrResult], best: float) -> float:
    """The smallest lr above `best` whose short run proves it too large, HOPELESS or diverged; infinite if none."""
    for lr in sorted(lr for lr in short if lr > best):
        lowest = min(short[smaller].loss for smaller in short if smaller < lr)
        if short[lr].loss > HOPELESS * lowest:
            return lr
    return math.inf
