"""One side of a review, read from a folder that holds a revision's params, dvc.lock, metrics and plots."""

import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import yaml
from pydantic import BaseModel, Field, ValidationError

from review.provenance import Lock, SettingsHash, load_lock
from review.revision import Lines, Revision, Runs
from stages.lib.files.errors import InputError, refusal
from stages.lib.files.tables import read_csv, read_json

WRONG = "plots/wrong_images.csv"
TABLES = (WRONG, "plots/validation_loss.csv", "plots/training_loss.csv")


class Optimizer(BaseModel):
    """One optimizer of params.yaml; blank, it takes the shared lr."""

    lr: float | None = None


class Params(BaseModel):
    """Of params.yaml only what a review needs, whatever other keys a revision has."""

    lr: float
    seeds: Annotated[list[int], Field(min_length=1)]
    optimizers: Annotated[dict[str, Optimizer], Field(min_length=1)]


def read_revision(name: str, folder: Path, settings_md5: SettingsHash) -> Revision:
    """Everything of one side. InputError where it cannot be read or is of another layout; else `problem` says why."""
    content, params = _params(name, folder)
    lock = load_lock(folder, name, settings_md5)
    if (folder / "metrics/train").is_dir():
        raise InputError(f"{name}: metrics/train/ is there: its results are of another layout and cannot be compared")
    if not (folder / WRONG).is_file():
        told = "its results are of another layout, or 'dvc repro' has not finished; they cannot be compared"
        raise InputError(f"{name}: {WRONG} is missing: {told}")
    read = cache(lambda table: read_csv(folder / table))
    runs = {optimizer: _runs(read, optimizer, params, lock) for optimizer in params.optimizers}
    known = [optimizer for optimizer in runs if not runs[optimizer].problem]
    unjudged = lock.stale("evaluate") or lock.stale("judge")
    if unjudged:
        return Revision(name, content, runs, {}, {}, unjudged)
    metrics = {optimizer: read_json(folder / f"metrics/{optimizer}.json") for optimizer in known}
    said = (folder / "plots/verdicts.md").read_text(encoding="utf-8").splitlines()
    sentences = {line.split()[1]: line.removeprefix("- ") for line in said if line.startswith("- ")}
    return Revision(name, content, runs, metrics, sentences, "")


def _params(name: str, folder: Path) -> tuple[dict[str, Any], Params]:
    """params.yaml as it is, and what a review needs of it."""
    try:
        content = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
        return content, Params.model_validate(content)
    except FileNotFoundError:
        raise InputError(f"{name}: has no params.yaml; run this in the project's folder") from None
    except ValidationError as error:
        raise InputError(f"{name}: params.yaml: {refusal(error)}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{name}: params.yaml: is not YAML: {' '.join(str(error).split())}") from None


def _runs(read: Callable[[str], Lines], optimizer: str, params: Params, lock: Lock) -> Runs:
    """What is known of one optimizer's runs; where its files cannot be trusted, a problem and no number."""
    try:
        stale = lock.stale_runs(optimizer)
        if stale:
            return Runs(problem=stale)
        wrong, validation, training = (_by_seed(read(table), optimizer) for table in TABLES)
        lr = f"{params.optimizers[optimizer].lr or params.lr:.6g}"  # of which tables keep six digits
        if any(f"{float(line['lr']):.6g}" != lr for lines in wrong.values() for line in lines):
            return Runs(problem=f"{WRONG}: its lr is not the {lr} of params.yaml; run 'dvc repro'")
        if {*wrong, *validation} - {*params.seeds}:
            return Runs(problem=f"{WRONG}: its seeds are not those of params.yaml; run 'dvc repro'")
        masks = {seed: _mask(lines[0]) for seed, lines in wrong.items()}
        losses = {seed: (validation.get(seed, []), training.get(seed, [])) for seed in params.seeds}
        return Runs(masks, tuple(seed for seed in params.seeds if seed not in masks), losses, lock.data(optimizer))
    except InputError as error:
        return Runs(problem=str(error).replace(f"{lock.folder}{os.sep}", ""))
    except (KeyError, ValueError, IndexError) as error:  # of another version
        return Runs(problem=f"the tables in plots/ are not what compare writes ({error}); run 'dvc repro'")


def _by_seed(lines: Lines, optimizer: str) -> dict[int, list[Mapping[str, str]]]:
    found: dict[int, list[Mapping[str, str]]] = {}
    for row in lines:
        if row["optimizer"] == optimizer:
            found.setdefault(int(row["seed"]), []).append(row)
    return found


def _mask(row: Mapping[str, str]) -> np.ndarray:
    """Bool [images]: which of them were wrong."""
    wrong = np.zeros(int(row["images"]), bool)
    wrong[[int(place) for place in row["wrong"].split() if place != "none"]] = True
    return wrong
