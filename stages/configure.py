"""configure: params.yaml, checked whole, as one settings file per optimizer, so that reruns stay exact."""

from pathlib import Path

from stages.lib import optimizers
from stages.lib.command import command
from stages.lib.files import replacing
from stages.lib.params import load_params
from stages.lib.settings import TrainSettings, write_settings


def configure(params: Path, config: Path) -> None:
    """Write `config`/<optimizer>/train.json for every optimizer, and nothing for the ones that are gone."""
    checked = load_params(params)
    for name, optimizer in checked.optimizers.items():
        optimizers.check(optimizer.type, optimizer.arguments, f"{params}: optimizers.{name}")
    with replacing(config) as temporary:
        for name, optimizer in checked.optimizers.items():
            settings = TrainSettings(
                optimizer=name,
                type=optimizer.type,
                arguments=dict(optimizer.arguments),
                lr=optimizer.lr,
                batch_size=checked.batch_size,
                epochs=checked.epochs,
                seeds=checked.seeds,
            )
            write_settings(temporary / name / "train.json", settings)


if __name__ == "__main__":
    command(configure)
