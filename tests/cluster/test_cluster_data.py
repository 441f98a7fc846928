"""The data on the workers: sent once, and again where a copy is gone; their memory."""

import hashlib
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import numpy as np
import pytest
from clusters import Cluster, Stages, ask

from stages.lib.dataset import SPLITS, Split, save_splits
from stages.lib.pool import workers
from stages.lib.settings import Run
from stages.sweep import _train_one

pytestmark = pytest.mark.long


def test_a_worker_whose_copy_of_the_data_is_gone_gets_another(cluster: Cluster, stages: Stages) -> None:
    """As where folders for temporary files are cleaned up, or where there was no room for it at first."""
    for again in ("first", "again"):
        stages.run("train", cluster.address, f"{again}/train", "train.json")
        stages.same("local/train", f"{again}/train")
        [copy] = cluster.folder.glob("dask-scratch-space/dataset-*")
        copy.unlink()


def test_a_worker_without_room_for_the_data_is_named(new_cluster: Callable[[], Cluster], stages: Stages) -> None:
    cluster = new_cluster()
    cluster.worker()
    content = stages.dataset.read_bytes()
    stages.dataset.write_bytes(content + b"other data")
    [folder] = cluster.folder.glob("dask-scratch-space")
    name = f"dataset-{hashlib.sha256(content + b'other data').hexdigest()[:32]}.npz"
    (folder / name / "in the way").mkdir(parents=True)
    try:
        said = stages.run("train", cluster.address, "none", "train.json", code=1).splitlines()[-1]
    finally:
        stages.dataset.write_bytes(content)
    assert re.match(rf"error: worker tcp://127\.0\.0\.1:\d+: {folder / name}: cannot be written: Is a directory$", said)
    assert not (stages.folder / "none").exists()


def test_memory_of_a_worker_on_the_whole_data(
    new_cluster: Callable[[], Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many images as MNIST has, and a run of five steps."""
    rng = np.random.default_rng(0)
    sizes = dict(zip(SPLITS, (50_000, 10_000, 10_000), strict=True))
    splits = {}
    for name, size in sizes.items():
        images = np.zeros((size, 784), np.float32)
        images[:, 100:250] = rng.integers(0, 256, (size, 150)) / 256  # as many dark pixels as digits have
        splits[name] = Split(images, rng.integers(0, 10, size))
    save_splits(tmp_path / "mnist.npz", splits)
    cluster = new_cluster()
    cluster.worker()
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.address)
    runs = [Run("mine", "Adam", {}, 100, lr, 0.01, 0) for lr in (0.001, 0.01)]
    with workers(1, tmp_path / "mnist.npz") as pool:
        results = pool.run_all(partial(_train_one, pool.dataset), runs)
    assert [len(result.curve.train_loss) for result in results] == [5, 5]
    unit = 1 if sys.platform == "darwin" else 1024
    [peak] = [size * unit / 1e9 for size in ask(cluster, lambda: getrusage(RUSAGE_SELF).ru_maxrss)]
    print(f"peak memory of the worker: {peak:.2f} GB")
    assert peak < 1
