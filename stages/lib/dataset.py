"""The three splits as arrays, in one NumPy file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from stages.lib.arrays import BrokenError, load_arrays, save_arrays
from stages.lib.errors import InputError

SPLITS = ("train", "valid", "eval")
PIXELS = 784  # 28 x 28, row by row
CLASSES = 10


@dataclass(frozen=True)
class Split:
    """Images float32 [n, 784] and their labels int64 [n]."""

    images: np.ndarray
    labels: np.ndarray


def save_splits(path: Path, splits: Mapping[str, Split]) -> None:
    """Write all splits to one .npz."""
    arrays = {}
    for name, split in splits.items():
        arrays[f"{name}_images"] = split.images
        arrays[f"{name}_labels"] = split.labels
    save_arrays(path, arrays)


def load_split(path: os.PathLike[str], name: str) -> Split:
    """Read one of SPLITS. InputError when the file is not one that `save_splits` wrote."""
    return _load(os.fspath(path), str(path), name)


@lru_cache(maxsize=len(SPLITS))  # a worker trains many runs on the same split; a cluster's lives on to the next data
def _load(path: str, shown: str, name: str) -> Split:
    expected = {f"{name}_images": (np.float32, (-1, PIXELS)), f"{name}_labels": (np.int64, (-1,))}
    try:
        images, labels = load_arrays(Path(path), expected)
        if len(images) != len(labels) or not 0 <= labels.min() <= labels.max() < CLASSES:
            raise BrokenError(f"its labels are not {len(images)} digits")
    except BrokenError as error:
        raise InputError(
            f"{shown}: holds no split '{name}' ({error}); run 'dvc repro prepare' to make it anew"
        ) from None
    return Split(images, labels)
