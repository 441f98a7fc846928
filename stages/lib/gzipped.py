"""The text in a gzip file, within a limit: a few megabytes of gzip can hold terabytes of zeros."""

import gzip
import zlib
from pathlib import Path

from stages.lib.errors import InputError

# Of the file, and of the text in it. The 55 million numbers of MNIST take 284 MB in the tutorial's file; with the 17
# digits, sign and exponent that a float64 may need, 26 characters each, they take 1.4 GB.
LARGEST = 1_500_000_000
CHUNK = 1 << 20  # bytes


def read_gzip(path: Path) -> bytearray:
    """The text. InputError when it is not whole, or larger than LARGEST, which is seen before any of it is kept."""
    size = path.stat().st_size
    if size > LARGEST:
        raise InputError(f"{path}: has {size:,} bytes; allowed: at most {LARGEST:,}")
    try:
        text = bytearray(_size(path))
        with gzip.open(path) as file, memoryview(text) as rest:
            start = 0
            while count := file.readinto(rest[start : start + CHUNK]):
                start += count
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: is not a whole gzip file: {error}; allowed: JSON that gzip compressed") from None
    return text


def _size(path: Path) -> int:
    """Bytes of the text, counted chunk by chunk: the length in the file's last bytes may lie."""
    size = 0
    with gzip.open(path) as file:
        while chunk := file.read(CHUNK):
            size += len(chunk)
            if size > LARGEST:
                raise InputError(f"{path}: holds more than {LARGEST:,} bytes of text; allowed: at most so many")
    return size
