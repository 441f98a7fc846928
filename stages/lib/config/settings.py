"""What one optimizer is trained with, resolved from params.yaml and kept as JSON, so that reruns stay exact."""

import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, PositiveFloat, TypeAdapter, ValidationError

from stages.lib.config.values import Argument, Count, Name, Rate, Rates, Section, Seed, Seeds, listed
from stages.lib.files.errors import InputError, refusal
from stages.lib.files.replacing import replacing

COMPUTING = ("numpy", "paddlepaddle", "scipy")  # the packages that a result depends on
NAMES: TypeAdapter[tuple[str, ...]] = TypeAdapter(Annotated[tuple[Name, ...], listed(1, "name")])


class _Shared(Section):
    optimizer: Name  # the user's name for it, for progress lines
    type: str  # a class of paddle.optimizer
    arguments: dict[str, Argument]
    batch_size: Count


class RunSettings(_Shared):
    """One training: its loss curve depends on these values and on the data, and on nothing else."""

    lr: PositiveFloat
    epochs: PositiveFloat  # part of an epoch is allowed: a run's first steps are those of a longer one
    seed: Seed

    def __str__(self) -> str:
        return f"{self.optimizer}, lr {self.lr:g}, seed {self.seed}, {self.epochs:g} epochs"


class Settings(_Shared):
    """What the runs of one optimizer share."""

    epochs: Count
    seeds: Seeds

    def run(self, lr: float, seed: int, share: float = 1.0) -> RunSettings:
        """The run of one learning rate and seed, over a share of the epochs."""
        shared = self.model_dump(include=set(_Shared.model_fields))
        return RunSettings(**shared, lr=lr, epochs=self.epochs * share, seed=seed)


class TrainSettings(Settings):
    """The runs of `train`: one per seed at one learning rate."""

    lr: Rate


class TuneSettings(Settings):
    """The runs of `tune`: one per seed at the learning rate that the sweep finds."""


class SweepSettings(Settings):
    """The runs of `sweep`: over a grid of learning rates, in ascending order, with seeds that nothing else uses."""

    lrs: Rates


Kind = TypeVar("Kind", bound=BaseModel)


def write_settings(path: Path, settings: BaseModel) -> None:
    """Write settings as JSON; the same settings give the same bytes."""
    _write(path, settings.model_dump_json(indent=2))


def load_settings(path: Path, kind: type[Kind]) -> Kind:
    """Read the settings of one kind that `write_settings` wrote. InputError for anything else."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(f"{path}: {refusal(error)}; run 'dvc repro configure' to make it anew") from None


def write_names(path: Path, names: Iterable[str]) -> None:
    """Write the optimizers' names, sorted, as JSON."""
    _write(path, json.dumps(sorted(names)))


def load_names(path: Path) -> list[str]:
    """Read what `write_names` wrote: results of other optimizers are left from earlier params. InputError if not."""
    try:
        return list(NAMES.validate_json(path.read_bytes(), strict=True))
    except ValidationError as error:
        raise InputError(f"{path}: {refusal(error)}; run 'dvc repro configure' to make it anew") from None


def write_versions(path: Path) -> None:
    """Write the versions of COMPUTING as JSON: a stage that depends on it reruns for no other package."""
    _write(path, json.dumps({name: version(name) for name in COMPUTING}, indent=2))


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8", newline="\n")
