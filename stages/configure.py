"""configure: params.yaml, checked whole, as settings of each optimizer, so that reruns stay exact."""

from pathlib import Path

from stages.lib.config import optimizers, schedules
from stages.lib.config.leftovers import remove_results, remove_stages
from stages.lib.config.params import load_params
from stages.lib.config.settings import settings_of, write_names, write_settings, write_versions
from stages.lib.files.replacing import replacing
from stages.lib.training.network_check import checked_network
from stages.lib.workers.command import command


def configure(params: Path, config: Path, network: Path, *, results: str, lock: Path) -> None:
    """Write `config`/optimizers.json, their names, and <optimizer>/{train,tune,sweep}.json for each.

    `network` gets network.py, a copy of the file that `params` names, and versions.json, of the packages that compute.

    Optimizers that are gone leave nothing: `config` is made anew; in the folders of `results`, separated by spaces,
    what is named after none of them is removed; so are their stages in `lock`, DVC's record of results.
    """
    asked = load_params(params)
    for name, optimizer in asked.optimizers.items():
        optimizers.check(optimizer.type, optimizer.arguments, f"{params}: optimizers.{name}")
        if schedule := optimizer.schedule or asked.schedule:
            key = f"optimizers.{name}.schedule" if optimizer.schedule else "schedule"
            schedules.factors(schedule.type, schedule.arguments, 100, f"{params}: {key}")
    source = checked_network(Path(asked.network), f"{params}: network")
    with replacing(config) as temporary:
        write_names(temporary / "optimizers.json", asked.optimizers)
        for name in asked.optimizers:
            for stage, settings in settings_of(name, asked).items():
                write_settings(temporary / name / f"{stage}.json", settings)
    with replacing(network) as temporary:
        temporary.mkdir()
        (temporary / "network.py").write_bytes(source)
        write_versions(temporary / "versions.json")
    remove_results(map(Path, results.split()), asked.optimizers)
    remove_stages(lock, asked.optimizers)


if __name__ == "__main__":
    command(configure)
