"""The tutorial's file layout: gzipped JSON `[[images, labels], [images, labels], [images, labels]]`.

The three pairs are train, valid and eval. An image is a list of 784 numbers, row by row, or of 28 lists of 28; a label
is a whole number 0 to 9, and may be written 5.0. simdjson reads the 55 million numbers of MNIST in a third of the time
and half the memory that others take, but does not tell where a text is wrong: that is asked of orjson.
"""

import gzip
import itertools
import re
import sys
import zlib
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import simdjson

from stages.lib.dataset.splits import CLASSES, PIXELS, SIDE, SPLITS, Split
from stages.lib.files.errors import InputError
from stages.lib.files.replacing import replacing

LARGEST_PIXEL = 1e30  # its magnitude: beyond it, sums of pixels overflow float32 even in the untrained network
BEYOND_64_BITS = re.compile(rb"(?<![\d.])(?:-\d{19,}|\d{20,})(?![\d.eE])")
IMAGE = f"a list of {PIXELS} numbers, or of {SIDE} lists of {SIDE}"


def write_mnist_json(path: Path, splits: Mapping[str, Split]) -> None:
    """Write the splits; the same splits give the same bytes."""
    # float64 on the way: orjson writes v/256 in full (0.00390625), which a float32 would also hold exactly
    pairs = [[splits[name].images.astype(np.float64), splits[name].labels] for name in SPLITS]
    text = orjson.dumps(pairs, option=orjson.OPT_SERIALIZE_NUMPY)
    with (
        replacing(path) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as file,  # no name, no time: same bytes
    ):
        file.write(text)


def read_mnist_json(path: Path) -> dict[str, Split]:
    """Read and check the whole file. InputError names the place of the first value that is not allowed."""
    text = _text(path)
    try:
        content: Any = simdjson.Parser().parse(text)
    except (ValueError, RuntimeError) as error:  # RuntimeError: nested too deeply, or an integer beyond 64 bits
        raise InputError(f"{path}: is not JSON: {_fault(text) or error}; allowed: lists of finite numbers") from None
    lists = text.count(b"[")
    del text  # 284 MB that the parsed copy does not need
    _require_list(content, {len(SPLITS)}, f"{path}:", f"a list of the splits {', '.join(SPLITS)}")
    pairs = {name: _pair(pair, f"{path}: {name}") for name, pair in zip(SPLITS, content, strict=True)}
    # a list among the pixels is found only by their number: simdjson flattens [] and [0.5, 0.5] to two numbers
    doubtful = lists != 1 + sum(_lists(images) for images, _ in pairs.values())
    return {
        name: Split(_images(images, f"{path}: {name}", doubtful), _labels(labels, f"{path}: {name}"))
        for name, (images, labels) in pairs.items()
    }


def _text(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: is not a whole gzip file: {error}; allowed: JSON that gzip compressed") from None


def _fault(text: bytes) -> str | None:
    """What is wrong with a text that simdjson refused, and where."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return f"{error.msg}, at byte {error.pos:,}: {text[error.pos : error.pos + 20].decode(errors='replace')!r}"
    huge = BEYOND_64_BITS.search(text)  # orjson makes it a float
    return huge and f"a whole number of more than 64 bits, at byte {huge.start():,}: {huge[0][:40].decode()}"


def _require_list(value: Any, lengths: Container[int], place: str, allowed: str) -> None:
    if not isinstance(value, simdjson.Array) or len(value) not in lengths:
        raise InputError(f"{place} holds {_brief(value)}; allowed: {allowed}")


def _pair(pair: Any, place: str) -> tuple[Any, Any]:
    _require_list(pair, {2}, f"{place}:", "a pair [images, labels]")
    for name, part in zip(("images", "labels"), pair, strict=True):
        _require_list(part, range(1, sys.maxsize), f"{place} {name}:", "a list with at least one entry")
    if len(pair[0]) != len(pair[1]):
        raise InputError(f"{place}: {len(pair[0]):,} images but {len(pair[1]):,} labels; allowed: as many of each")
    return pair[0], pair[1]


def _lists(images: Any) -> int:
    """How many lists a pair has if all of its images are like the first."""
    rows = isinstance(images[0], simdjson.Array) and len(images[0]) == SIDE
    return 3 + len(images) * (1 + SIDE if rows else 1)


def _images(images: Any, place: str, doubtful: bool) -> np.ndarray:
    array = np.empty((len(images), PIXELS), np.float32)
    for number, image in enumerate(images):
        here = f"{place} image {number}"
        _require_list(image, {PIXELS, SIDE}, f"{here}:", IMAGE)
        for row_number, row in enumerate(image if len(image) == SIDE else ()):
            _require_list(row, {SIDE}, f"{here} row {row_number}:", IMAGE)
        try:
            pixels = np.frombuffer(image.as_buffer(of_type="d"), np.float64)
        except (ValueError, TypeError):  # of what is no number
            pixels = np.empty(0)
        if doubtful or len(pixels) != PIXELS or not (np.abs(pixels) <= LARGEST_PIXEL).all():
            _check_pixels(image, here)
        array[number] = pixels
    return array


def _check_pixels(image: Any, here: str) -> None:
    """One by one: slower, but it finds the first that is not allowed."""
    for number, pixel in enumerate(image if len(image) == PIXELS else itertools.chain(*image)):
        if isinstance(pixel, bool) or not isinstance(pixel, int | float) or abs(pixel) > LARGEST_PIXEL:
            allowed = f"a number from {-LARGEST_PIXEL:g} to {LARGEST_PIXEL:g}"
            raise InputError(f"{here} pixel {number}: is {_brief(pixel)}; allowed: {allowed}")


def _labels(labels: Any, place: str) -> np.ndarray:
    for number, label in enumerate(labels):
        if isinstance(label, bool) or label not in range(CLASSES):  # 5.0 is in it, 5.5 is not
            raise InputError(f"{place} label {number}: is {_brief(label)}; allowed: a whole number 0 to {CLASSES - 1}")
    return np.array(list(labels), np.int64)


def _brief(value: Any) -> str:
    """A value in a few words: a list by its length, everything else by itself, cut."""
    if isinstance(value, simdjson.Array):
        return f"a list of {len(value):,}"
    return "an object" if isinstance(value, simdjson.Object) else repr(value)[:40]
