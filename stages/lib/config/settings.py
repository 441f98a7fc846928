"""What one optimizer is trained with, resolved from params.yaml and kept as JSON, so that reruns stay exact."""

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, PositiveFloat, RootModel, ValidationError

from stages.lib.config.params import Params
from stages.lib.config.values import Argument, Count, Name, OfPaddle, Rate, Rates, Section, Seed, Seeds, listed
from stages.lib.files.errors import InputError, refusal
from stages.lib.files.replacing import write
from stages.lib.files.tables import write_json

COMPUTING = ("numpy", "paddlepaddle", "scipy")  # the packages that a result depends on


class _Shared(Section):
    optimizer: Name  # the user's name for it, in every record and file
    type: str  # a class of paddle.optimizer
    arguments: dict[str, Argument]
    schedule: OfPaddle | None = None
    batch_size: Count


class RunSettings(_Shared):
    """One training: its loss curve depends on these values and on the data, and on nothing else."""

    network: bytes  # the source of its file
    lr: PositiveFloat
    epochs: PositiveFloat  # part of an epoch is allowed: without a schedule they begin as those of a longer run
    seed: Seed

    def __str__(self) -> str:
        return f"{self.optimizer}, lr {self.lr:g}, seed {self.seed}, {self.epochs:g} epochs"


class Settings(_Shared):
    """What the runs of one optimizer share; all that `tune` is told, which takes the learning rate from the sweep."""

    epochs: Count
    seeds: Seeds

    def run(self, network: bytes, lr: float, seed: int, share: float = 1.0) -> RunSettings:
        """The run of a network's source with one learning rate and seed, over a share of the epochs."""
        shared = self.model_dump(include=set(_Shared.model_fields))
        return RunSettings(**shared, network=network, lr=lr, epochs=self.epochs * share, seed=seed)


class TrainSettings(Settings):
    """The runs of `train`: one per seed at one learning rate."""

    lr: Rate


class SweepSettings(Settings):
    """The runs of `sweep`: over a grid of learning rates, in ascending order, with seeds that nothing else uses."""

    lrs: Rates


def settings_of(name: str, params: Params) -> dict[str, Settings]:
    """What each stage trains an optimizer with; those of tune and sweep hold no lr, so a new one reruns neither."""
    optimizer = params.optimizers[name]
    shared: dict[str, Any] = {
        "optimizer": name,
        "type": optimizer.type,
        "arguments": optimizer.arguments,
        "schedule": optimizer.schedule or params.schedule,
        "batch_size": params.batch_size,
        "epochs": params.epochs,
    }
    lr = params.lr if optimizer.lr is None else optimizer.lr
    return {
        "train": TrainSettings(**shared, seeds=params.seeds, lr=lr),
        "tune": Settings(**shared, seeds=params.seeds),
        "sweep": SweepSettings(**shared, seeds=params.sweep.seeds, lrs=params.sweep.lrs),
    }


_Names = RootModel[Annotated[tuple[Name, ...], listed(1, "name")]]
Kind = TypeVar("Kind", bound=BaseModel)


def write_settings(path: Path, settings: BaseModel) -> None:
    """Write settings as JSON; the same settings give the same bytes."""
    write(path, f"{settings.model_dump_json(indent=2, exclude_none=True)}\n".encode())


def load_settings(path: Path, kind: type[Kind]) -> Kind:
    """Read the settings of one kind that `write_settings` wrote. InputError for anything else."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(f"{path}: {refusal(error)}; run 'dvc repro configure' to make it anew") from None


def write_names(path: Path, names: Iterable[str]) -> None:
    """Write the optimizers' names, sorted, as JSON."""
    write_settings(path, _Names(tuple(sorted(names))))


def load_names(path: Path) -> list[str]:
    """Read what `write_names` wrote: results of other optimizers are left from earlier params. InputError if not."""
    return list(load_settings(path, _Names).root)


def write_versions(path: Path) -> None:
    """Write the versions of COMPUTING as JSON: a stage that depends on it reruns for no other package."""
    write_json(path, {name: version(name) for name in COMPUTING})
