"""compare: how the loss of all optimizers falls at their configured learning rates, as the tutorial asks."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from stages.lib.config.settings import load_names
from stages.lib.drawing.figures import loss_figure, save
from stages.lib.files.lines import read_lines
from stages.lib.files.tables import Value, write_csv
from stages.lib.runs.run import Run
from stages.lib.runs.tables import LOSS_COLUMNS, VALID_COLUMNS, loss_rows, smoothed, valid_rows
from stages.lib.searching.status import status
from stages.lib.workers.command import command

WRONG_COLUMNS = ("optimizer", "lr", "seed", "images", "wrong")


def compare(
    names: Path, train: Path, *, training_loss: Path, validation_loss: Path, wrong_images: Path, figure: Path
) -> None:
    """Join the runs in the folder `train` of the optimizers in `names`; those of others stay out."""
    runs = {name: read_lines(train / f"{name}.jsonl", Run) for name in load_names(names)}
    every = [run for ran in runs.values() for run in ran]
    write_csv(training_loss, LOSS_COLUMNS, loss_rows(every))
    write_csv(validation_loss, VALID_COLUMNS, valid_rows(every))
    write_csv(wrong_images, WRONG_COLUMNS, _wrong_rows(every))
    curves = {name: smoothed(ran) for name, ran in runs.items() if all(run.train_loss for run in ran)}
    diverged = {name: [run.seed for run in ran if status(run) == "diverged"] for name, ran in runs.items()}
    save(loss_figure(curves, {name: " ".join(map(str, seeds)) for name, seeds in diverged.items()}), figure)


def _wrong_rows(runs: Sequence[Run]) -> Iterator[tuple[Value, ...]]:
    """A row a run that did not diverge: a review compares runs image by image."""
    for run in runs:
        if status(run) != "diverged":
            wrong = " ".join(map(str, run.wrong)) or "none"
            yield run.optimizer, run.lr, run.seed, run.valid[-1].images, wrong


if __name__ == "__main__":
    command(compare)
