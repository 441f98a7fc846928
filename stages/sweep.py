"""sweep: one optimizer over the grid of learning rates, short runs everywhere and full ones where they decide."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from stages.lib.config.settings import RunSettings, SweepSettings, load_settings
from stages.lib.files.lines import write_lines
from stages.lib.runs.run import Run
from stages.lib.searching.results import by_lr
from stages.lib.searching.search import SHORT, next_lrs
from stages.lib.workers import progress
from stages.lib.workers.command import command
from stages.lib.workers.pool import cores, workers


def sweep(dataset: Path, network: Path, settings: Path, *, runs: Path) -> None:
    """Train on train, score on valid, never on eval; write every run."""
    asked = load_settings(settings, SweepSettings)
    with workers(cores(), dataset) as pool, progress.counter(f"sweep {asked.optimizer}") as counted:

        def train(wanted: Sequence[RunSettings]) -> list[Run]:
            return pool.run_all(partial(train_one, pool.dataset), wanted, counted)

        found = sorted(search(train, network.read_bytes(), asked), key=lambda run: (run.lr, run.steps, run.seed))
    write_lines(runs, found)


def search(train: Callable[[Sequence[RunSettings]], list[Run]], network: bytes, asked: SweepSettings) -> list[Run]:
    """A short run at every rate, then full-length runs with every seed at the rates that `next_lrs` asks for."""
    short = train([asked.run(network, lr, asked.seeds[0], SHORT) for lr in asked.lrs])
    full: list[Run] = []
    while wanted := next_lrs(by_lr(short), by_lr(full)):
        full += train([asked.run(network, lr, seed) for lr in wanted for seed in asked.seeds])
    return short + full


def train_one(dataset: os.PathLike[str], run: RunSettings) -> Run:
    """A run in a worker; its record does not tell which images are wrong: no seed of a sweep reports."""
    from stages.lib.training.loop import train_run  # imports paddle: a second that only the workers need to spend

    return train_run(run, dataset, progress.silent).run.model_copy(update={"wrong": ()})


if __name__ == "__main__":
    command(sweep)
