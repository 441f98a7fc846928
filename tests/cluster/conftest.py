from collections.abc import Callable, Iterator

import pytest
from clusters import Cluster, Stages

from stages.lib.dataset import SPLITS, Split, save_splits


@pytest.fixture
def new_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Cluster]]:
    clusters = []

    def new() -> Cluster:
        clusters.append(Cluster(tmp_path_factory.mktemp("cluster")))
        return clusters[-1]

    yield new
    for cluster in clusters:
        cluster.end()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """With two workers."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    cluster.worker()
    cluster.worker()
    yield cluster
    cluster.end()


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory, mnist: dict[str, Split]) -> Stages:
    """With the results that processes of this machine give."""
    folder = tmp_path_factory.mktemp("stages")
    sizes = dict(zip(SPLITS, (230, 100, 100), strict=True))
    few = {name: Split(mnist[name].images[:size], mnist[name].labels[:size]) for name, size in sizes.items()}
    save_splits(folder / "few.npz", few)
    stages = Stages(folder, folder / "few.npz")
    stages.run("train", "", "local/train", "train.json")
    stages.run("evaluate", "", "local/evaluate", "train.json", str(stages.folder / "local/train/models"))
    stages.run("sweep", "", "local/sweep", "sweep.json")
    return stages
