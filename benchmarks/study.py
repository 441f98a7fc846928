"""Which optimizer is best on this task, with seeds enough to tell: many full-length trainings, kept in git.

`make study` trains every optimizer at its configured lr and at the best one of its sweep with SEEDS that nothing else
uses, and writes the runs and what they say. Twenty minutes on two cores; when it is stopped, it goes on where it was.
"""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from stages.lib.config.settings import RunSettings, TrainSettings, load_names, load_settings
from stages.lib.files.lines import read_lines, write_lines
from stages.lib.runs.run import Run
from stages.lib.searching.lr_result import best_lr
from stages.lib.searching.results import full_results
from stages.lib.workers import progress
from stages.lib.workers.command import command
from stages.lib.workers.pool import cores, workers

SEEDS = range(2000, 2010)


def study(dataset: Path, config: Path, sweep: Path, *, runs: Path) -> None:
    """Write a line for each run to `runs`, without its training loss; those that it holds already are kept."""
    found = read_lines(runs, Run) if runs.exists() else list[Run]()
    done = {(run.optimizer, run.lr, run.seed) for run in found}
    with workers(cores(), dataset) as pool, progress.counter("study") as counted:
        for seed in SEEDS:  # a study that is stopped has as many seeds of every optimizer
            wanted = [run for run in _wanted(config, sweep, seed) if (run.optimizer, run.lr, run.seed) not in done]
            found += pool.run_all(partial(_train_one, pool.dataset), wanted, counted)
            found.sort(key=lambda run: (run.optimizer, run.lr, run.seed))
            write_lines(runs, found)


def _wanted(config: Path, sweep: Path, seed: int) -> Iterator[RunSettings]:
    for name in load_names(config / "optimizers.json"):
        asked = load_settings(config / name / "train.json", TrainSettings)
        best = best_lr(full_results(read_lines(sweep / f"{name}.jsonl", Run)))
        for lr in sorted({asked.lr, best or asked.lr}):
            yield asked.run(lr, seed)


def _train_one(dataset: os.PathLike[str], run: RunSettings) -> Run:
    from stages.lib.training.loop import train_run  # imports paddle: a second that only the workers need to spend

    return train_run(run, dataset, progress.silent).run.model_copy(update={"train_loss": ()})


if __name__ == "__main__":
    command(study)
