"""evaluate: all trained weights on the eval split, which no other stage reads."""

import os
from functools import partial
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from stages.lib.config.settings import load_names
from stages.lib.dataset.splits import CLASSES, load_split
from stages.lib.files.lines import write_lines
from stages.lib.runs.evaluation import At, Evaluation
from stages.lib.workers.command import command
from stages.lib.workers.pool import cores, workers

Weights = tuple[str, At, int, Path, dict[str, np.ndarray]]


def evaluate(dataset: Path, network: Path, names: Path, trained: Path, tuned: Path, *, evaluations: Path) -> None:
    """Write a line for each weights file in the folders `trained` and `tuned` of the optimizers in `names`."""
    folders: dict[At, Path] = {"configured lr": trained, "best lr": tuned}
    saved: list[Weights] = [
        (name, at, int(file.stem), file, load_file(file))
        for name in load_names(names)
        for at, folder in folders.items()
        for file in sorted((folder / name).glob("*.safetensors"), key=lambda file: int(file.stem))
    ]
    with workers(cores(), dataset) as pool:
        found = pool.run_all(partial(_evaluate_one, pool.dataset, network.read_bytes()), saved)
    write_lines(evaluations, found)


def _evaluate_one(dataset: os.PathLike[str], network: bytes, saved: Weights) -> Evaluation:
    from stages.lib.training.engines import engine_of  # imports paddle: a second that only the workers need to spend
    from stages.lib.training.network import network_with

    name, at, seed, file, weights = saved
    split = load_split(dataset, "eval")
    outputs = engine_of(network_with(network, weights, str(file))).logits(split.images)
    confusion = np.zeros((CLASSES, CLASSES), np.int64)
    np.add.at(confusion, (split.labels, outputs.argmax(axis=1)), 1)
    return Evaluation(optimizer=name, at=at, seed=seed, confusion=tuple(map(tuple, confusion.tolist())))


if __name__ == "__main__":
    command(evaluate)
