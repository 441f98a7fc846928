"""configure: params.yaml, checked whole, as one settings file per optimizer, so that reruns stay exact."""

from pathlib import Path
from typing import Any

from stages.lib import optimizers
from stages.lib.command import command
from stages.lib.files import replacing
from stages.lib.params import Optimizer, Params, load_params
from stages.lib.settings import Settings, SweepSettings, TrainSettings, write_names, write_settings


def configure(params: Path, config: Path) -> None:
    """Write `config`/optimizers.json, their names, and `config`/<optimizer>/{train,tune,sweep}.json for each.

    The folder is made anew, so nothing stays of optimizers that are gone.
    """
    checked = load_params(params)
    for name, optimizer in checked.optimizers.items():
        optimizers.check(optimizer.type, optimizer.arguments, f"{params}: optimizers.{name}")
    with replacing(config) as temporary:
        write_names(temporary / "optimizers.json", checked.optimizers)
        for name, optimizer in checked.optimizers.items():
            for kind, settings in _settings(checked, name, optimizer).items():
                write_settings(temporary / name / f"{kind}.json", settings)


def _settings(params: Params, name: str, optimizer: Optimizer) -> dict[str, Settings]:
    """The settings of each stage; those of tune and sweep do not hold the lr, so a new lr does not rerun them."""
    shared: dict[str, Any] = {
        "optimizer": name,
        "type": optimizer.type,
        "arguments": dict(optimizer.arguments),
        "batch_size": params.batch_size,
        "epochs": params.epochs,
    }
    return {
        "train": TrainSettings(**shared, seeds=params.seeds, lr=optimizer.lr),
        "tune": TrainSettings(**shared, seeds=params.seeds, lr=None),
        "sweep": SweepSettings(**shared, seeds=params.sweep.seeds, lrs=params.sweep.lrs),
    }


if __name__ == "__main__":
    command(configure)
