"""The loss curves of runs as rows of tables, and smoothed for figures."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from stages.lib.files.tables import Value
from stages.lib.runs.run import Run

LOSS_COLUMNS = ("optimizer", "seed", "step", "epoch", "lr", "loss", "loss_std")
VALID_COLUMNS = ("optimizer", "seed", "step", "epoch", "lr", "images", "loss", "accuracy")
REACH = 2  # windows on each side of the one that is smoothed


def loss_rows(runs: Iterable[Run]) -> Iterator[tuple[Value, ...]]:
    """Rows of LOSS_COLUMNS, one per window of training steps."""
    for run in runs:
        for (step, loss, std), lr in zip(run.train_loss, run.schedule, strict=True):
            yield run.optimizer, run.seed, step, step / run.steps_per_epoch, lr, loss, std


def valid_rows(runs: Iterable[Run]) -> Iterator[tuple[Value, ...]]:
    """Rows of VALID_COLUMNS, one per validation; its lr is that of the next step, or of the last one."""
    for run in runs:
        ends = [window.step for window in run.train_loss]
        for step, images, loss, accuracy in run.valid:
            lr = run.schedule[min(bisect_left(ends, step), len(ends) - 1)] if ends else run.lr
            yield run.optimizer, run.seed, step, step / run.steps_per_epoch, lr, images, loss, accuracy


def smoothed(runs: Sequence[Run]) -> tuple[np.ndarray, np.ndarray]:
    """Steps int64 [k] and, per run, the mean training loss float64 [runs, k] of up to 2 REACH + 1 windows around.

    Near the ends the mean is over fewer windows, as many on each side. Where a run diverged, k is how far the shortest
    curve goes.
    """
    shortest = min(len(run.train_loss) for run in runs)
    losses = np.array([[window.loss for window in run.train_loss[:shortest]] for run in runs])
    return np.array([window.step for window in runs[0].train_loss[:shortest]]), smooth(losses)


def smooth(losses: np.ndarray) -> np.ndarray:
    """The mean float64 [runs, k] of losses float64 [runs, k] over up to REACH points on each side."""
    count = losses.shape[1]
    reach = [min(place, count - 1 - place, REACH) for place in range(count)]
    return np.array([losses[:, at - r : at + r + 1].mean(axis=1) for at, r in enumerate(reach)]).T
