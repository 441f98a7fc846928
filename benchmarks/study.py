"""Which optimizer is best on this task, with seeds enough to tell: many full-length trainings, kept in git.

`make study` trains every optimizer at its configured lr and at the best one of its sweep with SEEDS that nothing else
uses, and writes the runs, a table and a picture. Twenty minutes on two cores; stopped, it goes on where it was.
"""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from stages.lib.config.settings import RunSettings, TrainSettings, load_names, load_settings
from stages.lib.drawing import figures
from stages.lib.files.lines import read_lines, write_lines
from stages.lib.files.replacing import replacing
from stages.lib.judging.ranking import Ranked, rank
from stages.lib.runs.run import Run, wrong_images
from stages.lib.searching.lr_result import best_lr
from stages.lib.searching.results import full_results
from stages.lib.searching.status import status
from stages.lib.workers import progress
from stages.lib.workers.command import command
from stages.lib.workers.pool import cores, workers

SEEDS = range(2000, 2010)
COLUMNS = ("optimizer", "lr", "accuracy", "95% interval", "points behind", "group", "seeds to tell")
Arm = dict[str, tuple[float, list[Run]]]  # by optimizer


def study(dataset: Path, network: Path, config: Path, sweep: Path, *, runs: Path, report: Path, figure: Path) -> None:
    """Write a line for each run to `runs`, without its training loss; those that it holds already are kept.

    `report` (Markdown) and `figure` (PNG) rank the optimizers by all of them.
    """
    found = read_lines(runs, Run) if runs.exists() else list[Run]()
    done = set(map(_key, found))
    with workers(cores(), dataset) as pool, progress.counter("study") as counted:
        for seed in SEEDS:  # a study that is stopped has as many seeds of every optimizer
            wanted = [run for run in _wanted(network.read_bytes(), config, sweep, seed) if _key(run) not in done]
            found += pool.run_all(partial(_train_one, pool.dataset), wanted, counted)
            found.sort(key=_key)
            write_lines(runs, found)
    arms = {at: _arm(config, sweep, found, at) for at in figures.RATES}
    ranked = {at: rank({name: wrong_images(ran) for name, (_, ran) in arm.items()}) for at, arm in arms.items()}
    with replacing(report) as temporary:
        temporary.write_text(_report(arms, ranked), encoding="utf-8", newline="\n")
    rows = [_row(at, name, one, arms[at][name][0]) for at, found in ranked.items() for name, one in found.items()]
    figures.save(figures.ranking_figure(rows, []), figure)


def _key(run: Run | RunSettings) -> tuple[str, float, int]:
    return run.optimizer, run.lr, run.seed


def _wanted(network: bytes, config: Path, sweep: Path, seed: int) -> Iterator[RunSettings]:
    for name in load_names(config / "optimizers.json"):
        lrs = {_lr(config, sweep, name, at) for at in figures.RATES}
        asked = load_settings(config / name / "train.json", TrainSettings)
        yield from (asked.run(network, lr, seed) for lr in sorted(lrs))


def _lr(config: Path, sweep: Path, name: str, at: str) -> float:
    """The configured one where no lr of the sweep learns."""
    configured = load_settings(config / name / "train.json", TrainSettings).lr
    best = best_lr(full_results(read_lines(sweep / f"{name}.jsonl", Run)))
    return configured if at == "configured lr" or best is None else best


def _arm(config: Path, sweep: Path, runs: Sequence[Run], at: str) -> Arm:
    """The runs of every optimizer of which no seed diverged."""
    arm: Arm = {}
    for name in load_names(config / "optimizers.json"):
        lr = _lr(config, sweep, name, at)
        mine = [run for run in runs if (run.optimizer, run.lr) == (name, lr)]
        if all(status(run) != "diverged" for run in mine):
            arm[name] = lr, mine
    return arm


def _train_one(dataset: os.PathLike[str], run: RunSettings) -> Run:
    from stages.lib.training.loop import train_run  # imports paddle: a second that only the workers need to spend

    return train_run(run, dataset, progress.silent).run.model_copy(update={"train_loss": ()})


def _report(arms: dict[str, Arm], ranked: dict[str, dict[str, Ranked]]) -> str:
    lines = ["# Which optimizer is best: a study with seeds enough to tell", ""]
    lines += [f"{len(SEEDS)} seeds of every optimizer, at full length, ranked by the whole validation split."]
    for at, title in figures.RATES.items():
        lines += ["", f"## {title}", "", f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
        for name, one in ranked[at].items():
            interval = f"{one.valid_low:.2%} to {one.valid_high:.2%}"
            lr = f"{arms[at][name][0]:g}"
            cells = (name, lr, f"{one.valid_accuracy:.2%}", interval, f"{100 * one.behind:.2f}", str(one.group))
            lines.append(f"| {' | '.join((*cells, str(one.seeds_to_tell or '-')))} |")
    return "\n".join([*lines, "", "![the same as a picture](study.png)", ""])


def _row(at: str, name: str, one: Ranked, lr: float) -> dict[str, object]:
    """As `ranking_figure` takes it."""
    return {"at": at, "optimizer": name, "lr": lr, **vars(one), "seeds_to_tell": one.seeds_to_tell or "-"}


if __name__ == "__main__":
    command(study)
