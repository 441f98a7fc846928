"""One run as the judgement sees it: its validation losses on the way, its *status*, and the loss it ends at.

A status comes from one run alone: its loss against its own step 0 and against guessing. Pure functions, every threshold
a named constant with its reason.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Status = Literal["diverged", "stuck", "learning"]

CHANCE = math.log(10)  # the cross-entropy of guessing among ten digits
# Guessing by the digits' frequencies alone gives 2.301, and 2,000 validation images move a loss there by a few
# thousandths; a loss below 99% of CHANCE has used the images.
BETTER_THAN_CHANCE = 0.99 * CHANCE
# Networks start near CHANCE, guessing blindly; to end at twice the start takes confidence in wrong answers, that is
# exploded weights. A run that is merely dead stays under it.
EXPLODED = 2.0
LATE = 4  # validations whose median must be better than chance: the last swing of a dead network may be, by luck
# A rate too small to leave chance never lifts the loss above its start by more than noise. One that did, and now nears
# chance from above, was shaken dead.
RISEN = 1.05
# The least fall over the second half, of the loss: SGD at 1e-5 falls by 1% there and hardly learns; a dead network's
# last bias still settles by about 0.1%.
FALLING = 0.002
# ... and in standard deviations of the points around their line: pure noise falls that far in 0.5% of draws with 8
# points, which a full-length run has, and in 5% with 4.
NOISE = 4.0
# A run ends at the mean of its validations in this last part. The last one alone differs by 9% from seed to seed, the
# mean of the last tenth by 6% (17 pairs of runs of 1,500 steps): with a constant lr, every step still shakes the loss.
TAIL = 0.1


@dataclass(frozen=True)
class Course:
    """Validation losses float [k >= 1], in nats, after `at` int [k] of `steps` updates, the first before any update.

    `diverged` tells that the run stopped because a loss was not finite.
    """

    steps: int
    at: tuple[int, ...]
    losses: tuple[float, ...]
    diverged: bool = False

    @property
    def whole(self) -> bool:
        """Whether it goes from before the first update to the last one, or diverged on the way there."""
        return self.diverged or (len(self.at) > 1 and (self.at[0], self.at[-1]) == (0, self.steps))

    @property
    def status(self) -> Status:
        """See `status`."""
        return status(self.losses, self.diverged)

    @property
    def end(self) -> float:
        """The mean loss over the TAIL of the run; infinite if it diverged."""
        late = [loss for at, loss in zip(self.at, self.losses, strict=True) if at >= (1 - TAIL) * self.steps]
        return math.inf if self.status == "diverged" else float(np.mean(late or self.losses[-1:]))


def status(losses: Sequence[float], diverged: bool = False) -> Status:
    """Status of one run by its validation losses float [k >= 2], in nats, the first before any update.

    `diverged` tells that the run stopped because a loss was not finite.
    """
    if diverged or not np.isfinite(losses).all() or losses[-1] > EXPLODED * losses[0]:
        return "diverged"
    if max(losses[-1], np.median(losses[-LATE:])) < BETTER_THAN_CHANCE or _still_falls(np.asarray(losses, float)):
        return "learning"
    return "stuck"


def _still_falls(losses: np.ndarray) -> bool:
    """Whether the second half, or the last 4 of float [k >= 2], falls along a line, and by more than its noise."""
    late = losses[min(len(losses) // 2, max(len(losses) - 4, 0)) :]
    steps = np.arange(len(late))
    slope, start = np.polyfit(steps, late, 1)
    fall = -slope * steps[-1]
    noise = math.sqrt(np.sum((late - start - slope * steps) ** 2) / max(len(late) - 2, 1))
    rose = losses[-1] >= losses[0] or losses.max() > RISEN * losses[0]
    return bool(not rose and fall > FALLING * losses[-1] and fall > NOISE * noise)
