"""What one optimizer is trained with, resolved from params.yaml and kept as JSON, so that reruns stay exact."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from stages.lib.errors import InputError
from stages.lib.files import replacing


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
        return [str(name) for name in json.loads(path.read_text(encoding="utf-8"))]
    except (ValueError, TypeError):
        raise InputError(f"{path}: holds no names; run 'dvc repro configure' to make it anew") from None


Kind = TypeVar("Kind", bound=Settings)


def write_settings(path: Path, settings: Settings) -> None:
    """Write settings as JSON; the same settings give the same bytes."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(asdict(settings), indent=2) + "\n", encoding="utf-8")


def load_settings(path: Path, kind: type[Kind]) -> Kind:
    """Read the settings of one kind that `write_settings` wrote. InputError for anything else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
        return kind(**values)
    except (ValueError, TypeError, AttributeError):
        raise InputError(f"{path}: holds no {kind.__name__}; run 'dvc repro configure' to make it anew") from None
