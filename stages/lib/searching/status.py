"""One run as the judgement sees it: its *status*, and the loss that it ends at.

A status comes from one run alone: its loss against its own step 0 and against guessing. Pure functions, every threshold
a named constant with its reason.
"""

import math
from collections.abc import Sequence
from statistics import fmean

import numpy as np

from stages.lib.runs.run import Run
from stages.lib.searching.lr_result import Status

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
# A few easy images may leave a loss of exactly 0, of which there is no logarithm.
LEAST_LOSS = 1e-12


def status(run: Run) -> Status:
    """What became of one run, by its validation losses on the way: see `status_of`."""
    return status_of([score.loss for score in run.valid], run.diverged)


def final_loss(run: Run) -> float:
    """The mean validation loss over the tail of the run, in nats, at least LEAST_LOSS; infinite if it diverged.

    From seed to seed it differs by 7%, the last loss alone by 14% (ten rates, six seeds each, of 1,500 steps).
    """
    return math.inf if status(run) == "diverged" else max(fmean((*run.tail, run.valid[-1].loss)), LEAST_LOSS)


def status_of(losses: Sequence[float], diverged: bool = False) -> Status:
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
