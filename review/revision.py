"""One side of a review: what the files of a revision tell of each optimizer's runs, or why they tell nothing."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field

from review.provenance import Files, Lock, load_lock
from stages.lib.config.params import of_yaml
from stages.lib.files.errors import InputError

WRONG = "plots/wrong_images.csv"
Curve = Sequence[tuple[int, float]]  # steps and training losses


@dataclass(frozen=True)
class Runs:
    """One optimizer's runs at its configured lr, by seed. `problem` says why none can be trusted; then there are none.

    `wrong` is which validation images a run got wrong after its last step, bool [images].
    """

    wrong: Mapping[int, np.ndarray] = field(default_factory=dict)
    diverged: tuple[int, ...] = ()
    curves: Mapping[int, Curve] = field(default_factory=dict)  # of all
    data: str = ""  # the MD5 of the images and labels
    problem: str = ""
    eval_accuracy: float | None = None  # None, and no verdict, if unknown or older than the runs
    verdict: str = ""
    reason: str = ""

    @property
    def seeds(self) -> set[int]:
        """All of them, those of runs that diverged too."""
        return {*self.wrong, *self.diverged}

    @property
    def accuracy(self) -> float | None:
        """The mean validation accuracy; None where a run diverged or there is none."""
        if self.diverged or not self.wrong:
            return None
        return 1 - float(np.mean([wrong.mean() for wrong in self.wrong.values()]))


@dataclass(frozen=True)
class Revision:
    """One side. `unjudged` says why there are no verdicts and eval accuracies that belong to its runs."""

    name: str  # as the user gave it
    files: Files
    params: Mapping[str, Any]
    runs: Mapping[str, Runs]  # by optimizer
    unjudged: str


class Asked(BaseModel):
    """Of params.yaml only what a review needs, whatever other keys a revision has."""

    seeds: Annotated[list[int], Field(min_length=1)]
    optimizers: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]


def read_revision(name: str, files: Files) -> Revision:
    """Everything of one side. InputError where it cannot be read or is of another layout; else `problem` says why."""
    if "params.yaml" not in files:
        raise InputError(f"{name}: has no params.yaml: it is from before the pipeline, or this is not its folder")
    params, asked = of_yaml(files["params.yaml"], Asked, f"{name}: params.yaml")
    if WRONG not in files:
        told = "its results are of another layout, or 'dvc repro' has not finished; they cannot be compared"
        raise InputError(f"{name}: {WRONG} is missing: {told}")
    lock = load_lock(name, files)
    unjudged = lock.stale("evaluate", "judge")
    runs = {optimizer: _runs(optimizer, asked.seeds, files, lock, not unjudged) for optimizer in asked.optimizers}
    return Revision(name, files, params, runs, unjudged)


def _runs(optimizer: str, seeds: list[int], files: Files, lock: Lock, judged: bool) -> Runs:
    """One optimizer's runs, with eval accuracy and verdict if they are `judged`; a problem where they are stale."""
    train = f"train@{optimizer}"
    if stale := lock.stale("configure", train, "compare"):
        return Runs(problem=stale)
    curves: dict[int, list[tuple[int, float]]] = {seed: [] for seed in seeds}
    try:
        for line in _lines(files["plots/training_loss.csv"], optimizer):
            curves[int(line["seed"])].append((int(line["step"]), float(line["loss"])))
        wrong = {}
        for line in _lines(files[WRONG], optimizer):
            places = [int(place) for place in line["wrong"].split() if place != "none"]
            wrong[int(line["seed"])] = np.isin(np.arange(int(line["images"])), places)
    except (KeyError, ValueError, TypeError, csv.Error) as error:  # of another version
        return Runs(problem=f"the tables in plots/ are not what compare writes ({error}); run 'dvc repro'")
    diverged = tuple(seed for seed in seeds if seed not in wrong)
    metrics = json.loads(files[f"metrics/{optimizer}.json"]) if judged else {}
    said = files["plots/verdicts.md"].decode().splitlines() if judged else []
    reason = next((line.removeprefix("- ") for line in said if line.startswith(f"- {optimizer} ")), "")
    judgement = metrics.get("accuracy"), metrics.get("verdict") or "", reason
    return Runs(wrong, diverged, curves, lock.deps[train].get("data/mnist.npz", ""), "", *judgement)


def _lines(table: bytes, optimizer: str) -> list[dict[str, str]]:
    return [line for line in csv.DictReader(table.decode().splitlines()) if line["optimizer"] == optimizer]
