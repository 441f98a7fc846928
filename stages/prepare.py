"""prepare: the JSON file, checked whole, as arrays that load at the speed of the disk."""

from pathlib import Path

from stages.lib.dataset.mnist_json import read_mnist_json
from stages.lib.dataset.splits import save_splits
from stages.lib.workers.command import command


def prepare(mnist_json: Path, dataset: Path) -> None:
    """Turn the tutorial's JSON into one .npz with the three splits: images float32 [n, 784], labels int64 [n]."""
    save_splits(dataset, read_mnist_json(mnist_json))


if __name__ == "__main__":
    command(prepare)
