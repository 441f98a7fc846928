"""Arrays in one NumPy file: without pickled objects, and asking for no more memory than the file has bytes."""

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stages.lib.files import replacing

Shape = tuple[int, ...]

# what zipfile and NumPy raise at bytes that they did not write
BROKEN = (
    *(ValueError, TypeError, LookupError, EOFError, OverflowError, MemoryError, SyntaxError, RuntimeError, OSError),
    *(struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)


class BrokenError(Exception):
    """A file does not hold the arrays; the message is the reason, and the caller tells what to do."""


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write one .npz, uncompressed, so that it loads at the speed of the disk; the same arrays give the same bytes."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_arrays(path: Path, expected: Mapping[str, tuple[type[Any], Shape]]) -> list[np.ndarray]:
    """The arrays of `expected`, in its order; it gives the dtype and the shape, where -1 is any length above 0.

    BrokenError when they are not those that `save_arrays` wrote. Each array has a checksum in the file.
    """
    with path.open("rb") as file:  # a file that cannot be opened names itself
        try:
            with zipfile.ZipFile(file) as archive:
                return [_array(archive, name, *expected[name]) for name in expected]
        except BROKEN as error:
            raise BrokenError(" ".join(str(error).split())[:120]) from None


def _array(archive: zipfile.ZipFile, name: str, dtype: type[Any], shape: Shape) -> np.ndarray:
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type != zipfile.ZIP_STORED:  # compressed zeros could fill the memory
        raise ValueError(f"array {name} is compressed")
    with archive.open(info) as member:
        array = np.lib.format.read_array(member, allow_pickle=False)
        if member.read(1):  # or else the end, where the checksum is compared, is not reached
            raise ValueError(f"array {name} has more bytes than its shape")
    fits = len(array.shape) == len(shape) and all(
        size == wanted or (wanted == -1 and size > 0) for size, wanted in zip(array.shape, shape, strict=True)
    )
    if array.dtype != dtype or not fits:
        raise ValueError(f"array {name} is {array.dtype} {list(array.shape)}, not {np.dtype(dtype)} {list(shape)}")
    return array
