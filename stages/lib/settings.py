"""What one optimizer is trained with, resolved from params.yaml and kept as JSON, so that reruns stay exact."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from stages.lib import checks
from stages.lib.checks import RefusedError
from stages.lib.errors import InputError
from stages.lib.files import replacing
from stages.lib.json_text import read_strict


@dataclass(frozen=True)
class Run:
    """One training: its loss curve depends on these values and on the data, and on nothing else."""

    optimizer: str  # the user's name for it, for progress lines
    type: str  # a class of paddle.optimizer
    arguments: Mapping[str, Any]
    batch_size: int
    lr: float
    epochs: float  # part of an epoch is allowed: a run's first steps are those of a longer one
    seed: int

    def __str__(self) -> str:
        return f"{self.optimizer}, lr {self.lr:g}, seed {self.seed}, {self.epochs:g} epochs"


@dataclass(frozen=True)
class Settings:
    """What the runs of one optimizer share."""

    optimizer: str
    type: str
    arguments: Mapping[str, Any]
    batch_size: int
    epochs: int
    seeds: tuple[int, ...]

    def run(self, lr: float, seed: int, share: float = 1.0) -> Run:
        """The run of one learning rate and seed, over a share of the epochs."""
        return Run(self.optimizer, self.type, self.arguments, self.batch_size, lr, self.epochs * share, seed)


@dataclass(frozen=True)
class TrainSettings(Settings):
    """The runs of `train`: one per seed at one learning rate, which is None where the sweep is to choose it."""

    lr: float | None


@dataclass(frozen=True)
class SweepSettings(Settings):
    """The runs of `sweep`: over a grid of learning rates, in ascending order, with seeds that nothing else uses."""

    lrs: tuple[float, ...]


def write_names(path: Path, names: Iterable[str]) -> None:
    """Write the optimizers' names, sorted, as JSON."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(sorted(names)) + "\n", encoding="utf-8")


def load_names(path: Path) -> list[str]:
    """Read what `write_names` wrote: results of other optimizers are left from earlier params. InputError if not."""
    try:
        names = read_strict(path)
        if not isinstance(names, list) or not names:
            raise RefusedError("the file", names, "a list of names")
        return [checks.optimizer_name(name, "the file") for name in names]
    except (ValueError, RefusedError) as error:
        raise InputError(f"{path}: holds no names ({error}); run 'dvc repro configure' to make it anew") from None


Kind = TypeVar("Kind", bound=Settings)


def write_settings(path: Path, settings: Settings) -> None:
    """Write settings as JSON; the same settings give the same bytes."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(asdict(settings), indent=2) + "\n", encoding="utf-8")


def load_settings(path: Path, kind: type[Kind]) -> Kind:
    """Read the settings of one kind that `write_settings` wrote. InputError for anything else."""
    try:
        content = checks.mapping(read_strict(path), "", {field.name for field in fields(kind)})
        return kind(**{key: CHECKS[key](value, key) for key, value in content.items()})
    except (ValueError, RefusedError) as error:
        reason = f"holds no {kind.__name__} ({error})"
        raise InputError(f"{path}: {reason}; run 'dvc repro configure' to make it anew") from None


def _arguments(value: object, key: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RefusedError(key, value, "a mapping")
    return {name: checks.argument(given, f"{key}.{name}") for name, given in value.items()}


def _type(value: object, key: str) -> str:
    if not isinstance(value, str):
        raise RefusedError(key, value, "a class of paddle.optimizer")
    return value


def _lrs(value: object, key: str) -> tuple[float, ...]:
    if not isinstance(value, list) or not value:
        raise RefusedError(key, value, "a list of learning rates")
    return tuple(checks.positive(lr, key) for lr in value)


CHECKS: Mapping[str, Callable[[object, str], Any]] = {
    "optimizer": checks.optimizer_name,
    "type": _type,
    "arguments": _arguments,
    "batch_size": partial(checks.whole, least=1),
    "epochs": partial(checks.whole, least=1),
    "seeds": checks.seeds,
    "lr": lambda value, key: None if value is None else checks.positive(value, key),
    "lrs": _lrs,
}
