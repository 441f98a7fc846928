"""train: one optimizer at its configured lr, one run per seed, side by side."""

from pathlib import Path

from stages.lib.config.settings import TrainSettings, load_settings
from stages.lib.training.side_by_side import train_side_by_side
from stages.lib.workers.command import command


def train(dataset: Path, network: Path, settings: Path, *, runs: Path, weights: Path, snapshots: Path) -> None:
    """Train the runs in `settings` of the network in that file; see `train_side_by_side` for what they leave."""
    asked = load_settings(settings, TrainSettings)
    wanted = [asked.run(network.read_bytes(), asked.lr, seed) for seed in asked.seeds]
    train_side_by_side(dataset, wanted, record=runs, weights=weights, snapshots=snapshots)


if __name__ == "__main__":
    command(train)
