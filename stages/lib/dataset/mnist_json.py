"""The tutorial's file layout: gzipped JSON `[[images, labels], [images, labels], [images, labels]]`.

The three pairs are train, valid and eval. An image is a list of 784 numbers, row by row, or of 28 lists of 28; a label
is a whole number 0 to 9, and may be written 5.0. simdjson reads the 55 million numbers of MNIST in a third of the time
and half the memory that others take, but does not tell where a text is wrong: that is asked of orjson.
"""

import gzip
import re
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import simdjson

from stages.lib.dataset.splits import CLASSES, PIXELS, SIDE, SPLITS, Split
from stages.lib.files.errors import InputError
from stages.lib.files.replacing import replacing

# Bytes of text, as a few megabytes of gzip can hold terabytes of zeros. MNIST takes 284 MB in the tutorial's file; with
# the 17 digits, sign and exponent that a float64 may need, 1.4 GB.
LARGEST_TEXT = 1_500_000_000
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
    """Read and check the whole file. InputError names the place of the first number that is not allowed."""
    try:
        return _read(path)
    except MemoryError:
        raise InputError(f"{path}: needs more memory than there is; allowed: MNIST takes 2 GB") from None


def _read(path: Path) -> dict[str, Split]:
    text = _text(path)
    try:
        content: Any = simdjson.Parser().parse(text)
    except (ValueError, RuntimeError) as error:  # RuntimeError: nested too deeply, or an integer beyond 64 bits
        raise InputError(f"{path}: is not JSON: {_fault(text) or error}; allowed: lists of finite numbers") from None
    lists = text.count(b"[")
    del text  # 284 MB that the parsed copy does not need
    if not isinstance(content, simdjson.Array) or len(content) != len(SPLITS):
        raise InputError(f"{path}: holds {_brief(content)}; allowed: a list of the splits {', '.join(SPLITS)}")
    splits = {name: _split(pair, f"{path}: {name}") for name, pair in zip(SPLITS, content, strict=True)}
    if lists != _lists(content):
        raise InputError(f"{path}: {_list_among_pixels(content)}; allowed: a finite number")
    return splits


def _text(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            text = file.read(LARGEST_TEXT + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: is not a whole gzip file: {error}; allowed: JSON that gzip compressed") from None
    if len(text) > LARGEST_TEXT:
        raise InputError(f"{path}: holds more than {LARGEST_TEXT:,} bytes of text; allowed: at most so many")
    return text


def _fault(text: bytes) -> str | None:
    """What is wrong with a text that simdjson refused, and where."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return f"{error.msg}, at byte {error.pos:,}: {text[error.pos : error.pos + 20].decode(errors='replace')!r}"
    huge = BEYOND_64_BITS.search(text)  # orjson makes it a float
    return huge and f"a whole number of more than 64 bits, at byte {huge.start():,}: {huge[0][:40].decode()}"


def _split(pair: Any, place: str) -> Split:
    if not isinstance(pair, simdjson.Array) or len(pair) != 2:
        raise InputError(f"{place}: holds {_brief(pair)}; allowed: a pair [images, labels]")
    images, labels = pair[0], pair[1]
    for name, part in (("images", images), ("labels", labels)):
        if not isinstance(part, simdjson.Array) or len(part) == 0:
            raise InputError(f"{place} {name}: holds {_brief(part)}; allowed: a list with at least one entry")
    if len(images) != len(labels):
        raise InputError(f"{place}: {len(images):,} images but {len(labels):,} labels; allowed: as many of each")
    return Split(_images(images, place), _labels(labels, place))


def _images(images: Any, place: str) -> np.ndarray:
    array = np.empty((len(images), PIXELS), np.float32)
    for number, image in enumerate(images):
        here = f"{place} image {number}"
        _check_shape(image, here)
        try:
            pixels = np.frombuffer(image.as_buffer(of_type="d"), np.float64)
        except (ValueError, TypeError):
            pixels = np.empty(0)
        if len(pixels) != PIXELS:  # as_buffer refuses what is no number, and flattens lists
            raise InputError(f"{here} {_no_number(image)}; allowed: a finite number")
        with np.errstate(over="ignore"):
            array[number] = pixels
        allowed = np.abs(array[number]) <= LARGEST_PIXEL
        if not allowed.all():
            pixel = int(np.argmin(allowed))
            raise InputError(
                f"{here} pixel {pixel}: {pixels[pixel]:g} is too large; allowed: at most {LARGEST_PIXEL:g}"
            )
    return array


def _check_shape(image: Any, here: str) -> None:
    if not isinstance(image, simdjson.Array) or len(image) not in {PIXELS, SIDE}:
        raise InputError(f"{here}: holds {_brief(image)}; allowed: {IMAGE}")
    if len(image) == SIDE:
        for number, row in enumerate(image):
            if not isinstance(row, simdjson.Array) or len(row) != SIDE:
                raise InputError(f"{here} row {number}: holds {_brief(row)}; allowed: {IMAGE}")


def _no_number(image: Any) -> str | None:
    """The first pixel that is no number."""
    pixels: Iterable[Any] = image if len(image) == PIXELS else (pixel for row in image for pixel in row)
    for number, pixel in enumerate(pixels):
        if isinstance(pixel, bool) or not isinstance(pixel, int | float):
            return f"pixel {number}: is {_brief(pixel)}"
    return None


def _lists(content: Any) -> int:
    """How many lists a text of these splits has."""
    return 1 + sum(3 + sum(1 if len(image) == PIXELS else 1 + SIDE for image in images) for images, _ in content)


def _list_among_pixels(content: Any) -> str:
    """Where: an empty list and one of two numbers flatten to as many pixels, so only the count of lists shows them."""
    return next(
        f"{name} image {number} {odd}"
        for name, (images, _) in zip(SPLITS, content, strict=True)
        for number, image in enumerate(images)
        if (odd := _no_number(image))
    )


def _labels(labels: Any, place: str) -> np.ndarray:
    for number, label in enumerate(labels):
        if isinstance(label, bool) or label not in range(CLASSES):  # 5.0 is in it, 5.5 is not
            raise InputError(f"{place} label {number}: is {_brief(label)}; allowed: a whole number 0 to {CLASSES - 1}")
    return np.array(list(labels), np.int64)


def _brief(value: Any) -> str:
    """A value in a few words: a list by its length, everything else by itself, cut."""
    if isinstance(value, simdjson.Array):
        return f"a list of {len(value):,}"
    if isinstance(value, simdjson.Object):
        return "an object"
    return repr(value)[:40]
