"""tune: as train, at the sweep's best lr; these seeds chose nothing."""

from pathlib import Path

from stages.lib.config.settings import Settings, load_settings
from stages.lib.files.lines import read_lines
from stages.lib.runs.run import Run
from stages.lib.searching.lr_result import best_lr
from stages.lib.searching.results import full_results
from stages.lib.training.side_by_side import train_side_by_side
from stages.lib.workers.command import command


def tune(dataset: Path, network: Path, settings: Path, sweep: Path, *, runs: Path, weights: Path) -> None:
    """Train a run per seed in `settings` at the best lr of the runs in `sweep`; none where no lr learns."""
    asked = load_settings(settings, Settings)
    best = best_lr(full_results(read_lines(sweep, Run)))
    wanted = [] if best is None else [asked.run(network.read_bytes(), best, seed) for seed in asked.seeds]
    train_side_by_side(dataset, wanted, record=runs, weights=weights)


if __name__ == "__main__":
    command(tune)
