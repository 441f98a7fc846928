"""Records of runs with a loss curve of a given shape, as train, sweep and tune leave them."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.lib.config.settings import SweepSettings, write_names, write_settings
from stages.lib.files.lines import write_lines
from stages.lib.judging.optimizer_runs import OptimizerRuns
from stages.lib.runs.evaluation import At, Evaluation
from stages.lib.runs.run import WINDOW, Run, Validation, Window
from stages.lib.searching.lr_result import best_lr
from stages.lib.searching.results import full_results

STEPS, SHORT = 1500, 100
IMAGES = 1000  # of the validation and the eval split; on the way a fifth of them scores
GRID = (0.0001, 0.001, 0.01, 0.1, 1.0)
START = 2.5  # the loss before any update
DEAD, GONE, EXPLODED = -1.0, math.inf, 6.0  # in place of a last loss; EXPLODED is finite, and far above START
TARGET = 0.97  # accuracy that the steps of a standing count to
RUN = {"optimizer": "sgd", "lr": 0.01, "seed": 0, "steps_per_epoch": 500, "cpu": "a CPU"}


def recorded(losses: Mapping[int, float], accuracy: float = 0.9, train: Sequence[float] = (), **others: Any) -> Run:
    """A run with these validation `losses` by step; `train` is the training loss of each window.

    It has `accuracy` from its first update on. `others` are keys of Run that differ from RUN.
    """
    end = max(losses, default=STEPS)
    valid = [
        Validation(step, IMAGES if step == end else IMAGES // 5, loss, accuracy if step else 0.1)
        for step, loss in losses.items()
    ]
    windows = [Window(WINDOW * place, loss, 0.5) for place, loss in enumerate(train)]
    wrong = tuple(range(round((1 - accuracy) * IMAGES)))
    curves = {"train_loss": tuple(windows), "valid": tuple(valid), "wrong": wrong}
    return Run.model_validate({**RUN, "steps": end, "diverged": False, **curves, **others})


def ending(last: float, steps: int = STEPS, **others: Any) -> Run:
    """A run that goes straight to its `last` loss; DEAD is stuck at guessing, GONE not finite after its first step."""
    if last == GONE:
        return recorded({0: START}, steps=steps, diverged=True, **others)
    if last == DEAD:
        return recorded({0: START} | dict.fromkeys((steps * part // 5 for part in (2, 3, 4, 5)), 2.303), **others)
    return recorded({0: START, steps: last}, **others)


def optimizer_runs(
    lr: float,
    ends: Sequence[float],
    full: Mapping[float, Sequence[float]],
    tuned: Sequence[float] = (0.1, 0.104),
    gone: Sequence[float] = (),
    **others: Any,
) -> OptimizerRuns:
    """Runs of train at `lr`, of sweep by lr, and of tune at the best of these, which end at such losses, one per seed.

    The sweep has a good short run at every lr of GRID, but at those that are `gone`.
    """
    swept = [ending(GONE if rate in gone else 0.001, SHORT, lr=rate, seed=100, **others) for rate in GRID]
    for rate, lasts in full.items():
        swept += [ending(last, lr=rate, seed=seed, **others) for seed, last in enumerate(lasts, 100)]
    best = best_lr(full_results(swept))
    return OptimizerRuns(
        GRID,
        [ending(last, lr=lr, seed=seed, **others) for seed, last in enumerate(ends)],
        sorted(swept, key=lambda run: (run.lr, run.steps, run.seed)),
        [ending(last, lr=best, seed=seed, **others) for seed, last in enumerate(tuned) if best is not None],
    )


def evaluations(runs: Mapping[str, OptimizerRuns], accuracy: float = 0.9) -> list[Evaluation]:
    """What evaluate finds in the weights of all runs that have any: all are right in that share of IMAGES."""
    right = round(accuracy * IMAGES)
    at: dict[At, str] = {"configured lr": "trained", "best lr": "tuned"}
    return [
        Evaluation(optimizer=name, at=place, seed=run.seed, confusion=((right, IMAGES - right), (0, 0)))
        for name, one in runs.items()
        for place, kind in at.items()
        for run in getattr(one, kind)
        if not run.diverged
    ]


def write_recorded(folder: Path, runs: Mapping[str, OptimizerRuns]) -> list[Path]:
    """Write what configure, train, sweep, tune and evaluate leave; give the paths in the order of judge's arguments."""
    write_names(folder / "config/optimizers.json", runs)
    shared: dict[str, Any] = {"type": "SGD", "arguments": {}, "batch_size": 100, "epochs": 3, "seeds": (100,)}
    for name, one in runs.items():
        write_settings(folder / "config" / name / "sweep.json", SweepSettings(optimizer=name, lrs=one.lrs, **shared))
        for kind, ran in (("train", one.trained), ("sweep", one.swept), ("tune", one.tuned)):
            write_lines(folder / kind / f"{name}.jsonl", ran)
    write_lines(folder / "evaluations.jsonl", evaluations(runs))
    return [folder / name for name in ("config", "train", "sweep", "tune", "evaluations.jsonl")]
