"""Runs that were really trained with twenty seeds each, for tests to draw from: see benchmarks/seeds.py."""

import csv
import gzip
from pathlib import Path

import numpy as np

# python -m benchmarks.seeds data/mnist.npz params.yaml --table tests/data/seeds.csv.gz
TABLE = Path(__file__).parent / "data/seeds.csv.gz"
WORSE, LIKE = "momentum_worse", "momentum"  # one optimizer at two rates, of which one costs about a point


def recorded() -> dict[str, np.ndarray]:
    """What each run got wrong, bool [seeds, images], in the same order of seeds for every optimizer."""
    found: dict[str, list[np.ndarray]] = {}
    with gzip.open(TABLE, "rt", encoding="utf-8", newline="") as file:
        for row in sorted(csv.DictReader(file), key=lambda row: int(row["seed"])):
            wrong = np.zeros(int(row["images"]), bool)
            wrong[[int(image) for image in row["mistakes"].split()]] = True
            found.setdefault(row["optimizer"], []).append(wrong)
    return {name: np.stack(wrongs) for name, wrongs in found.items()}


RUNS = recorded()
SEEDS = len(RUNS[LIKE])
OPTIMIZERS = sorted(RUNS.keys() - {WORSE})
