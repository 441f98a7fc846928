"""Small data sets made from MNIST, to see whether a rule that was found on MNIST holds elsewhere."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from stages.lib.dataset.splits import CLASSES, PIXELS, Split

SIZES = {"train": 5000, "valid": 1000, "eval": 1000}  # a tenth of MNIST, its first images
WRONG = 0.2  # share of the labels of every split that name another digit
SEED = 5  # of the order of pixels, and of the wrong labels


def variants(mnist: Mapping[str, Split]) -> Iterator[tuple[str, dict[str, Split]]]:
    """A name, and splits of SIZES: as they are, pixels in another order, some labels wrong, dark and light swapped."""
    tenth = {name: Split(mnist[name].images[:size], mnist[name].labels[:size]) for name, size in SIZES.items()}
    order = np.random.default_rng(SEED).permutation(PIXELS)
    yield "a tenth", tenth
    yield "pixels permuted", {name: replace(split, images=split.images[:, order]) for name, split in tenth.items()}
    yield "20% wrong labels", {name: replace(split, labels=_wrong(split.labels)) for name, split in tenth.items()}
    yield "inverted", {name: replace(split, images=1 - split.images) for name, split in tenth.items()}


def _wrong(labels: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(SEED)
    wrong = rng.random(len(labels)) < WRONG
    return np.where(wrong, (labels + rng.integers(1, CLASSES, len(labels))) % CLASSES, labels)
