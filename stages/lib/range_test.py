"""The LR range test: one run whose rate grows by a constant factor a step suggests where the loss falls fastest.

Smith 2017, "Cyclical Learning Rates for Training Neural Networks"; bias-corrected smoothing, stop and steepest point
as fastai and Lightning have them, but smoothed forwards and backwards, as one pass lags. A cheap hint and no verdict:
it sees every rate for a few steps only, from whatever state the smaller rates left.
"""

import numpy as np

# Share of the test's steps that the exponential smoothing remembers. Lightning's fixed 0.98 remembers 50 steps: on a
# test of 150 steps over 5 decades the steepest point would come 1.7 decades late.
MEMORY = 0.05
BLOWN_UP = 4.0  # the test ends where the smoothed loss is this many times its least so far; fastai's and Lightning's
# The smoothed loss must fall by this share of where it begins: a network that a too large rate kills on its way falls
# too, by 11% (from 2.6 at Paddle's initial weights to ln 10 = 2.3, guessing).
FALL = 0.2


def suggestion(lrs: np.ndarray, losses: np.ndarray) -> float | None:
    """The rate at which the smoothed loss falls fastest against ln(lr); None where nothing falls.

    `lrs` float [n], increasing and positive; `losses` float [n], the training loss of each step before its update.
    """
    kept = _before_blow_up(np.asarray(losses, float))
    if len(kept) < 3:
        return None
    loss = smoothed(smoothed(kept, len(losses))[::-1], len(losses))[::-1]  # the way back undoes the first one's lag
    if loss.min() > (1 - FALL) * loss[: loss.argmin() + 1].max():
        return None
    logs = np.log(lrs[: len(kept)])
    slopes = (loss[2:] - loss[:-2]) / (logs[2:] - logs[:-2])
    return float(lrs[1 + slopes.argmin()])


def smoothed(losses: np.ndarray, steps: int) -> np.ndarray:
    """Exponential average float [n] of losses float [n] of a test of `steps` steps, corrected for its start at 0."""
    keep = 1 - 1 / max(MEMORY * steps, 1.0)
    average, averages = 0.0, np.empty(len(losses))
    for step, loss in enumerate(losses):
        average = keep * average + (1 - keep) * loss
        averages[step] = average / (1 - keep ** (step + 1))
    return averages


def _before_blow_up(losses: np.ndarray) -> np.ndarray:
    """The losses float [m <= n] before the first that is not finite, and before the loss has blown up."""
    finite = np.isfinite(losses)
    losses = losses if finite.all() else losses[: finite.argmin()]
    if not len(losses):
        return losses
    forward = smoothed(losses, len(finite))
    blown = forward > BLOWN_UP * np.minimum.accumulate(forward)
    return losses[: blown.argmax()] if blown.any() else losses
