"""Loading the data: the tutorial's gzip and json, and ours, the npz that the stage prepare writes once."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import protocol


def tutorial(path: Path) -> Any:
    """All three sets of the tutorial's mnist.json.gz as lists."""
    with gzip.open(path) as file:
        return json.load(file)


def ours(path: Path) -> Any:
    """All three sets as arrays."""
    with np.load(path) as arrays:
        splits = ("train", "valid", "eval")
        return [[arrays[f"{split}_images"], arrays[f"{split}_labels"]] for split in splits]


def main() -> None:
    """Load once, against the clock; the number returned for comparison is the mean label."""
    settings = protocol.settings()
    load = {"tutorial": tutorial, "ours": ours}[settings.variant]
    loaded: list[Any] = []

    def work() -> float:
        loaded.extend(load(settings.data))  # kept, so that freeing it is not timed
        return float(np.mean(loaded[0][1]))

    protocol.time_work(lambda: 0.0, work, images=70_000)


if __name__ == "__main__":
    main()
