"""Arrays in one NumPy file, without pickled objects. DVC keeps it by its hash: what is checked is that it is ours."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from stages.lib.files.errors import InputError
from stages.lib.files.replacing import replacing


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write one .npz, uncompressed, so that it loads at the speed of the disk; the same arrays give the same bytes."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_arrays(path: Path, names: Sequence[str]) -> list[np.ndarray]:
    """The arrays of these names, in their order. InputError when the file is cut, or not one that holds them."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return [archive[name] for name in names]
    except (ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile):  # TypeError: of a file of one array
        reason = f"is not a whole file of the arrays {', '.join(names)}"
        raise InputError(f"{path}: {reason}; run 'dvc repro' to make it anew") from None
