"""What one optimizer is trained with, resolved from params.yaml and kept as JSON, so that reruns stay exact."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stages.lib.errors import InputError
from stages.lib.files import replacing


@dataclass(frozen=True)
class Run:
    """One training: its loss curve depends on these values and on the data, and on nothing else."""

    optimizer: str  # the user's name for it, for progress lines
    type: str  # a class of paddle.optimizer
    arguments: Mapping[str, Any]
    lr: float
    batch_size: int
    epochs: int
    seed: int


@dataclass(frozen=True)
class TrainSettings:
    """The runs of one optimizer: the same settings once per seed."""

    optimizer: str
    type: str
    arguments: Mapping[str, Any]
    lr: float
    batch_size: int
    epochs: int
    seeds: tuple[int, ...]

    def run(self, seed: int) -> Run:
        """The run of one seed."""
        shared = {name: value for name, value in vars(self).items() if name != "seeds"}
        return Run(**shared, seed=seed)


def write_settings(path: Path, settings: TrainSettings) -> None:
    """Write settings as JSON; the same settings give the same bytes."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(asdict(settings), indent=2) + "\n", encoding="utf-8")


def load_settings(path: Path) -> TrainSettings:
    """Read what `write_settings` wrote. InputError for anything else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return TrainSettings(**(content | {"seeds": tuple(content["seeds"])}))
    except (ValueError, TypeError, KeyError):
        raise InputError(f"{path}: holds no settings; run 'dvc repro configure' to make it anew") from None
