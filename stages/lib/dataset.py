"""The three splits as arrays, in one NumPy file without pickled objects."""

import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from stages.lib.errors import InputError
from stages.lib.files import replacing

SPLITS = ("train", "valid", "eval")
PIXELS = 784  # 28 x 28, row by row
CLASSES = 10


@dataclass(frozen=True)
class Split:
    """Images float32 [n, 784] and their labels int64 [n]."""

    images: np.ndarray
    labels: np.ndarray


def save_splits(path: Path, splits: Mapping[str, Split]) -> None:
    """Write all splits to one .npz, uncompressed, so that a split loads at the speed of the disk."""
    arrays = {}
    for name, split in splits.items():
        arrays[f"{name}_images"] = split.images
        arrays[f"{name}_labels"] = split.labels
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_split(path: os.PathLike[str], name: str) -> Split:
    """Read one of SPLITS. InputError when the file is not one that `save_splits` wrote."""
    return _load(os.fspath(path), str(path), name)


@lru_cache(maxsize=len(SPLITS))  # a worker trains many runs on the same split; a cluster's lives on to the next data
def _load(path: str, shown: str, name: str) -> Split:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return Split(arrays[f"{name}_images"], arrays[f"{name}_labels"])
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        raise InputError(f"{shown}: holds no split '{name}'; run 'dvc repro prepare' to make it anew") from None
