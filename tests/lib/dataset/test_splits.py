from pathlib import Path

import numpy as np
import pytest

from stages.lib.dataset.splits import SPLITS, Split, load_split, save_splits


def splits() -> dict[str, Split]:
    random = np.random.default_rng(0)
    sizes = dict(zip(SPLITS, (5, 3, 4), strict=True))
    return {
        name: Split(random.random((size, 784), np.float32), random.integers(0, 10, size))
        for name, size in sizes.items()
    }


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "mnist.npz"
    save_splits(path, splits())
    return path


@pytest.mark.parametrize("name", SPLITS)
def test_split_is_read_back(saved: Path, name: str) -> None:
    split, expected = load_split(saved, name), splits()[name]
    assert split.images.dtype == np.float32
    assert split.labels.dtype == np.int64
    np.testing.assert_array_equal(split.images, expected.images)
    np.testing.assert_array_equal(split.labels, expected.labels)


def test_numpy_reads_the_file(saved: Path) -> None:
    with np.load(saved) as arrays:
        assert sorted(arrays) == sorted(f"{name}_{part}" for name in SPLITS for part in ("images", "labels"))


def test_same_splits_give_same_bytes(saved: Path, tmp_path: Path) -> None:
    save_splits(tmp_path / "again.npz", splits())
    assert (tmp_path / "again.npz").read_bytes() == saved.read_bytes()
