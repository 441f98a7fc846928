"""params.yaml as the settings of every stage."""

from typing import Any

from stages.lib.config.params import Params
from stages.lib.config.settings import Settings, SweepSettings, TrainSettings


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
