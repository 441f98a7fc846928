from collections.abc import Callable, Iterator

import pytest
from clusters import Cluster


@pytest.fixture
def new_cluster(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Cluster]]:
    """A scheduler that the pools of this test use."""
    clusters = []

    def new() -> Cluster:
        clusters.append(Cluster(tmp_path_factory.mktemp("cluster")))
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", clusters[-1].address)
        return clusters[-1]

    yield new
    for cluster in clusters:
        cluster.end()
