"""The tutorial's file layout: gzipped JSON `[[images, labels], [images, labels], [images, labels]]`.

The three pairs are train, valid and eval; an image is a flat list of 784 numbers, a label a whole number 0 to 9.
"""

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import simdjson

from stages.lib.dataset import CLASSES, PIXELS, SPLITS, Split
from stages.lib.errors import InputError
from stages.lib.files import replacing
from stages.lib.gzipped import read_gzip
from stages.lib.json_places import first_huge, first_odd

LARGEST = 1e30  # of a pixel's magnitude: beyond it, sums of pixels overflow float32 even in the untrained network


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
        text = read_gzip(path)
        try:
            content = simdjson.Parser().parse(text)
        except (ValueError, RuntimeError) as error:  # RuntimeError: an integer beyond 64 bits
            reason = first_odd(text) or first_huge(text) or str(error)
            raise InputError(f"{path}: is not JSON: {reason}") from None
    except MemoryError:
        raise InputError(f"{path}: its text needs more memory than there is; allowed: MNIST takes 3 GB") from None
    lists = text.count(b"[")
    del text  # 280 MB that the parsed copy does not need
    if not isinstance(content, simdjson.Array) or len(content) != len(SPLITS):
        raise InputError(f"{path}: holds {_brief(content)}; allowed: a list of the splits {', '.join(SPLITS)}")
    splits = {name: _split(pair, f"{path}: {name}") for name, pair in zip(SPLITS, content, strict=True)}
    if lists != 1 + sum(3 + len(split.labels) for split in splits.values()):
        raise InputError(f"{path}: {_nested(content)}; allowed: flat lists of {PIXELS} numbers")
    return splits


def _nested(content: Any) -> str:
    """Where a list stands among the pixels: simdjson flattens it away, so only the count of lists shows it."""
    for name, (images, _) in zip(SPLITS, content, strict=True):
        for number, image in enumerate(images):
            if any(isinstance(pixel, simdjson.Array) for pixel in image):
                return f"{name} image {number} holds a list among its pixels"
    raise AssertionError("the count of lists is wrong, but no list is too many")


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
        if not isinstance(image, simdjson.Array) or len(image) != PIXELS:
            raise InputError(f"{here}: holds {_brief(image)}; allowed: a flat list of {PIXELS} numbers")
        try:
            pixels = np.frombuffer(image.as_buffer(of_type="d"), np.float64)
        except (ValueError, TypeError):
            pixels = np.empty(0)
        if len(pixels) != PIXELS:  # as_buffer refuses strings and flattens lists
            raise InputError(f"{here}: {_first_that_is_no_number(image)}; allowed: a finite number")
        with np.errstate(over="ignore"):
            array[number] = pixels
        allowed = np.abs(array[number]) <= LARGEST
        if not allowed.all():
            pixel = int(np.argmin(allowed))
            raise InputError(f"{here} pixel {pixel}: {pixels[pixel]:g} is too large; allowed: at most {LARGEST:g}")
    return array


def _first_that_is_no_number(image: Any) -> str:
    for pixel, value in enumerate(image):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"pixel {pixel} is {_brief(value)}"
    raise AssertionError("as_buffer refused an image that holds numbers only")


def _labels(labels: Any, place: str) -> np.ndarray:
    for number, label in enumerate(labels):
        if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label < CLASSES:
            raise InputError(f"{place} label {number}: is {_brief(label)}; allowed: a whole number 0 to {CLASSES - 1}")
    return np.array(list(labels), np.int64)


def _brief(value: Any) -> str:
    """A value in a few words: a list by its length, everything else by itself, cut."""
    if isinstance(value, simdjson.Array):
        return f"a list of {len(value):,}"
    if isinstance(value, simdjson.Object):
        return "an object"
    return repr(value)[:40]
