"""Real MNIST, cut small, and a params.yaml with one part replaced."""

import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from small_params import PARAMS

from stages.lib.workers.fingerprint import ENVIRONMENT

os.environ.update(ENVIRONMENT)  # before numeric libraries read it: this process computes as the workers do
with warnings.catch_warnings():  # paddle's import warns of a missing ccache, and warnings are errors here
    warnings.simplefilter("ignore")
    import paddle  # noqa: F401

from stages import fetch
from stages.lib.dataset.splits import SPLITS, Split, save_splits

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of a shell's background jobs; what tests start inherits it
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The file that takes longest comes first: meanwhile another worker of pytest-xdist does the rest."""
    items.sort(key=lambda item: item.path.name != "test_pipeline.py")


@pytest.fixture(scope="session")
def mnist() -> dict[str, Split]:
    """The first 1,000 training, 500 validation and 500 eval images."""
    splits = fetch._package_splits()  # the whole file takes 10 s to write and read; test_fetch does it
    sizes = dict(zip(SPLITS, (1000, 500, 500), strict=True))
    return {name: Split(splits[name].images[:size].copy(), splits[name].labels[:size]) for name, size in sizes.items()}


@pytest.fixture(scope="session")
def dataset(mnist: dict[str, Split], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`mnist` as the file that the stages read."""
    path = tmp_path_factory.mktemp("mnist") / "mnist.npz"
    save_splits(path, mnist)
    return path


@pytest.fixture(scope="session")
def few(mnist: dict[str, Split], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """230 training and 100 validation images, as the file that the stages read."""
    path = tmp_path_factory.mktemp("few") / "mnist.npz"
    sizes = {"train": 230, "valid": 100}
    save_splits(path, {name: Split(mnist[name].images[:n], mnist[name].labels[:n]) for name, n in sizes.items()})
    return path


@pytest.fixture
def params_file(tmp_path: Path) -> Callable[[str, str], Path]:
    """A function that writes PARAMS with one part replaced."""

    def write(old: str = "", new: str = "") -> Path:
        assert PARAMS.count(old) == 1 or old == new, f"{old!r} is not once in PARAMS"
        path = tmp_path / "params.yaml"
        path.write_text(PARAMS.replace(old, new), encoding="utf-8")
        return path

    return write
