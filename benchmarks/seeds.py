"""How much do seeds alone move a result? Many short trainings, for the tests of the review to draw from.

`python -m benchmarks.seeds data/mnist.npz params.yaml --table tests/data/seeds.csv.gz` trains each optimizer of
params.yaml for one epoch with 20 seeds, and momentum also with a rate that costs about a point of validation accuracy.
A row is one run: its seed, and which validation images it got wrong. Ten minutes on two cores that do nothing else;
when it is stopped, it goes on where it was.
"""

import csv
import gzip
import io
import os
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from stages.lib.config.params import load_params
from stages.lib.config.settings import RunSettings, settings_of
from stages.lib.files.errors import InputError
from stages.lib.files.replacing import replacing
from stages.lib.workers import progress
from stages.lib.workers.command import command
from stages.lib.workers.pool import cores, workers

SEEDS = range(1000, 1020)
EPOCHS = 1
# the name of the worse one, whose settings it has, and the rate that costs a point, found with two other seeds
WORSE, LIKE, WORSE_LR = "momentum_worse", "momentum", 0.004
COLUMNS = ("optimizer", "lr", "seed", "images", "mistakes")
Row = dict[str, str]


def record(dataset: Path, params: Path, *, table: Path) -> None:
    """Write COLUMNS of every run as gzipped CSV; `mistakes` are indices in the valid split, separated by spaces.

    Rows of runs that `table` holds already are kept as they are.
    """
    done = {_key(row): row for row in read_runs(table)} if table.exists() else {}
    with workers(cores(), dataset) as pool, progress.counter("seeds") as told:
        for seed in SEEDS:
            runs = [run for run in _runs(params, seed) if _key(_row(run)) not in done]
            for run, found in zip(runs, pool.run_all(partial(_train_one, pool.dataset), runs, told), strict=True):
                done[_key(_row(run))] = _row(run, *found)
            _write(table, done.values())


def read_runs(table: Path) -> list[Row]:
    """The rows of a table that `record` wrote, as strings."""
    with gzip.open(table, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _key(row: Mapping[str, str]) -> tuple[str, ...]:
    return row["optimizer"], row["lr"], row["seed"]


def _row(run: RunSettings, images: int = 0, mistakes: Iterable[int] = ()) -> Row:
    values = (run.optimizer, run.lr, run.seed, images, " ".join(map(str, mistakes)))
    return {column: str(value) for column, value in zip(COLUMNS, values, strict=True)}


def _write(table: Path, rows: Iterable[Row]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=_key))
    with replacing(table) as temporary:
        temporary.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))  # without the time: the same bytes


def _runs(path: Path, seed: int) -> list[RunSettings]:
    params = load_params(path)
    if LIKE not in params.optimizers:
        raise InputError(f"{path}: optimizers: {LIKE} must be there, to train it worse too")
    runs = []
    for name, kind in params.optimizers.items():
        run = settings_of(name, params)["train"].run(Path(params.network).read_bytes(), kind.lr or params.lr, seed)
        runs.append(run.model_copy(update={"epochs": EPOCHS}))
    worse = next(run for run in runs if run.optimizer == LIKE)
    return [*runs, worse.model_copy(update={"optimizer": WORSE, "lr": WORSE_LR})]


def _train_one(dataset: os.PathLike[str], settings: RunSettings) -> tuple[int, tuple[int, ...]]:
    """How many validation images there are, and which of them the trained network gets wrong."""
    from stages.lib.training.loop import train_run  # imports paddle: a second that only the workers need to spend

    run = train_run(settings, dataset, progress.silent).run
    if run.diverged:
        raise InputError(f"{settings}: diverged; only runs that finish tell how much seeds move a result")
    return run.valid[-1].images, run.wrong


if __name__ == "__main__":
    command(record)
