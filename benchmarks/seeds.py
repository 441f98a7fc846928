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
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from stages.lib import progress
from stages.lib.command import command
from stages.lib.errors import InputError
from stages.lib.files import replacing
from stages.lib.params import load_params
from stages.lib.pool import cores, workers
from stages.lib.settings import Run

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
    told = progress.counter("seeds")
    with workers(cores(), dataset) as pool:
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


def _row(run: Run, images: int = 0, mistakes: Iterable[int] = ()) -> Row:
    values = (run.optimizer, run.lr, run.seed, images, " ".join(map(str, mistakes)))
    return {column: str(value) for column, value in zip(COLUMNS, values, strict=True)}


def _write(table: Path, rows: Iterable[Row]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=_key))
    with replacing(table) as temporary:
        temporary.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))  # without the time: the same bytes


def _runs(path: Path, seed: int) -> list[Run]:
    params = load_params(path)
    if LIKE not in params.optimizers:
        raise InputError(f"{path}: optimizers: {LIKE} must be there, to train it worse too")
    kinds = dict(params.optimizers) | {WORSE: replace(params.optimizers[LIKE], lr=WORSE_LR)}
    return [
        Run(name, kind.type, dict(kind.arguments), params.batch_size, kind.lr, EPOCHS, seed)
        for name, kind in kinds.items()
    ]


def _train_one(dataset: os.PathLike[str], run: Run) -> tuple[int, list[int]]:
    """How many validation images there are, and which of them the trained network gets wrong."""
    import paddle  # a second that only the workers need to spend

    from stages.lib.dataset import load_split
    from stages.lib.engines import fastest
    from stages.lib.model import Model
    from stages.lib.training import train_run

    weights = train_run(run, dataset, progress.silent).weights
    if weights is None:
        raise InputError(f"{run}: diverged; only runs that finish tell how much seeds move a result")
    model, valid = Model(), load_split(dataset, "valid")
    model.set_state_dict(paddle.load(io.BytesIO(weights)))
    wrong = fastest(model).logits(valid.images).argmax(axis=1) != valid.labels
    return len(valid.labels), np.flatnonzero(wrong).tolist()


if __name__ == "__main__":
    command(record)
