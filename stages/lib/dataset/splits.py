"""The three splits as arrays, in one NumPy file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from stages.lib.files.replacing import replacing

SPLITS = ("train", "valid", "eval")
SIDE = 28
PIXELS = SIDE * SIDE  # row by row
CLASSES = 10


@dataclass(frozen=True)
class Split:
    """Images float32 [n, 784] and their labels int64 [n]."""

    images: np.ndarray
    labels: np.ndarray


def save_splits(path: Path, splits: Mapping[str, Split]) -> None:
    """Write all splits to one .npz, uncompressed, so that it loads at the speed of the disk."""
    arrays = {f"{name}_{part}": array for name, split in splits.items() for part, array in vars(split).items()}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_split(path: os.PathLike[str], name: str) -> Split:
    """Read one of SPLITS of a file that `save_splits` wrote."""
    return _load(os.fspath(path), name)


@lru_cache(maxsize=len(SPLITS))  # a worker trains many runs on the same split; a cluster's lives on to the next data
def _load(path: str, name: str) -> Split:
    with np.load(path) as arrays:
        return Split(arrays[f"{name}_images"], arrays[f"{name}_labels"])
