"""The runs of one optimizer at one lr, a run per seed, side by side; what they leave in files."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from safetensors import numpy as safetensors

from stages.lib.config.settings import RunSettings
from stages.lib.files.lines import write_lines
from stages.lib.files.replacing import replacing
from stages.lib.training.trained import Trained
from stages.lib.workers import progress
from stages.lib.workers.pool import workers


def train_side_by_side(
    dataset: Path, runs: Sequence[RunSettings], *, record: Path, weights: Path, snapshots: Path | None = None
) -> None:
    """Write a line for each run to `record`, and to `weights` those of each seed that did not diverge.

    `weights` gets <seed>.safetensors. `snapshots` gets the weights on the way of the first seed, whose initial weights
    all optimizers share.
    """
    with workers(len(runs), dataset) as pool:
        work = partial(_train_one, pool.dataset, snapshots is not None)
        trained: list[Trained] = pool.run_all(work, list(enumerate(runs)))
    with replacing(weights) as temporary:
        temporary.mkdir()
        for one in trained:
            if one.weights is not None:
                (temporary / f"{one.run.seed}.safetensors").write_bytes(safetensors.save(one.weights))
    write_lines(record, [one.run for one in trained])
    if snapshots and trained[0].snapshots:
        with replacing(snapshots) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **vars(trained[0].snapshots))


def _train_one(dataset: os.PathLike[str], snapshots: bool, item: tuple[int, RunSettings]) -> Trained:
    from stages.lib.training.loop import train_run  # imports paddle: a second that only the workers need to spend

    position, run = item
    with progress.reporter(str(run), position) as report:
        return train_run(run, dataset, report, snapshots=snapshots and position == 0)
