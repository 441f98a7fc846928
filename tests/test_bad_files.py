"""Spoiled files between the stages: a right result, or one line with the file and what to do, and nothing written."""

from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoiled import cases, refused_or_right, spoiled_bytes

from stages.compare import compare
from stages.configure import configure
from stages.judge import judge
from stages.lib.dataset import SPLITS, Split, _load, load_split, save_splits
from stages.lib.errors import InputError
from stages.lib.model import initial_model, load_model, saved
from stages.lib.records import read_json
from stages.lib.settings import SweepSettings, TrainSettings, load_names, load_settings
from stages.lib.snapshots import Snapshots, load_snapshots, save_snapshots
from stages.rank import rank_arms

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore:Generating overly large repr")]

ROOT = Path(__file__).parent.parent
WEIGHTS = saved(initial_model(0))
CURE = "run 'dvc repro"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of escapes in spoiled text, by Python's own reader
@cases(300)
@given(data=st.data())
def test_weights(folder: Path, data: st.DataObject) -> None:
    """A byte changed inside an array gives another number: the file's checksum, which dvc keeps, shows that."""
    path = folder / "0.pdparams"
    path.write_bytes(data.draw(spoiled_bytes(WEIGHTS)))
    with refused_or_right(path, CURE):
        weights = load_model(path).state_dict()
        assert {name: value.shape for name, value in weights.items()} == SHAPES
        assert all(np.isfinite(value.numpy()).all() for value in weights.values())


SHAPES = {name: value.shape for name, value in initial_model(0).state_dict().items()}


def arrays(write: Callable[[Path], None], folder: Path) -> bytes:
    write(folder / "good.npz")
    return (folder / "good.npz").read_bytes()


SMALL = {name: Split(np.full((2, 784), 0.5, np.float32), np.array([1, 2])) for name in SPLITS}
TAKEN = Snapshots(np.arange(3), np.full((3, 5), 0.5, np.float32))


@cases(200)
@given(data=st.data())
def test_splits(folder: Path, data: st.DataObject) -> None:
    path = folder / "mnist.npz"
    path.write_bytes(data.draw(spoiled_bytes(arrays(lambda good: save_splits(good, SMALL), folder))))
    _load.cache_clear()
    with refused_or_right(path, CURE):
        split = load_split(path, "valid")
        np.testing.assert_array_equal(split.images, SMALL["valid"].images)  # each array has a checksum
        np.testing.assert_array_equal(split.labels, SMALL["valid"].labels)


@cases(200)
@given(data=st.data())
def test_snapshots(folder: Path, data: st.DataObject) -> None:
    path = folder / "sgd.npz"
    path.write_bytes(data.draw(spoiled_bytes(arrays(lambda good: save_snapshots(good, TAKEN), folder))))
    with refused_or_right(path, CURE):
        found = load_snapshots(path)
        np.testing.assert_array_equal(found.steps, TAKEN.steps)
        np.testing.assert_array_equal(found.weights, TAKEN.weights)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed metrics and tables, and the settings that belong to them."""
    folder = tmp_path_factory.mktemp("results")
    for kind in ("metrics", "plots"):
        copytree(ROOT / kind, folder / kind)
    configure(ROOT / "params.yaml", folder / "config")
    return folder


def spoiled_in(results: Path, data: st.DataObject, *names: str) -> tuple[Path, bytes]:
    """Spoil one of the files, and give its path and good content."""
    path = results / data.draw(st.sampled_from(names))
    good = path.read_bytes()
    path.write_bytes(data.draw(spoiled_bytes(good)))
    return path, good


@cases(300)
@given(data=st.data())
def test_settings(results: Path, data: st.DataObject) -> None:
    path, good = spoiled_in(
        results, data, "config/adam/train.json", "config/momentum/sweep.json", "config/optimizers.json"
    )
    try:
        with refused_or_right(path, CURE):
            if path.name == "optimizers.json":
                assert all(isinstance(name, str) for name in load_names(path))
                return
            kind: Any = TrainSettings if path.name == "train.json" else SweepSettings
            settings = load_settings(path, kind)
            assert settings.epochs >= 1
            assert settings.batch_size >= 1
            assert all(isinstance(seed, int) for seed in settings.seeds)
            assert all(lr > 0 for lr in getattr(settings, "lrs", (settings.seeds and 1,)))
    finally:
        path.write_bytes(good)


def stage(results: Path, data: st.DataObject, names: list[str], work: Callable[[Path], None]) -> None:
    """work(folder for its outputs), all of them or none; a file that a changed name points to may be missing."""
    out = results / "out"
    path, good = spoiled_in(results, data, *names)
    try:
        work(out)
    except (InputError, FileNotFoundError) as error:
        message = str(error)
        assert len(message.splitlines()) == 1, message
        assert str(results) in message or "metrics of " in message, message
    finally:
        path.write_bytes(good)
    assert not list(out.glob("**/.*"))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy of a run with one validation: no line goes through it
@cases(250)
@given(data=st.data())
def test_judge(results: Path, data: st.DataObject) -> None:
    def work(out: Path) -> None:
        judge(
            results / "config/optimizers.json",
            results / "config/adam/sweep.json",
            results / "plots/sweep",
            results / "plots/tuned_valid",
            results / "metrics/tuned",
            results / "plots/valid/adam.csv",
            results / "metrics/train/adam.json",
            metrics=out / "adam.json",
            report=out / "adam.md",
        )
        assert read_json(out / "adam.json")["verdict"] in {"too_small", "reasonable", "too_large", "undetermined"}

    names = ["config/optimizers.json", "config/adam/sweep.json", "plots/sweep/adam.csv", "plots/sweep/sgd.csv"]
    stage(
        results,
        data,
        [
            *names,
            "plots/tuned_valid/adam.csv",
            "metrics/tuned/sgd.json",
            "plots/valid/adam.csv",
            "metrics/train/adam.json",
        ],
        work,
    )


@cases(30)
@given(data=st.data())
def test_compare(results: Path, data: st.DataObject) -> None:
    def work(out: Path) -> None:
        tables = {f"{name}_csv": out / f"{name}.csv" for name in ("loss", "valid", "accuracy")}
        compare(
            results / "config/optimizers.json",
            *(results / kind for kind in ("plots/train_loss", "plots/valid", "metrics/train", "metrics/eval")),
            **tables,
            loss_png=out / "loss.png",
            accuracy_png=out / "accuracy.png",
        )

    kinds = ("plots/train_loss/sgd.csv", "plots/valid/adam.csv", "metrics/train/adam.json", "metrics/eval/sgd.json")
    stage(results, data, list(kinds), work)


@cases(30)
@given(data=st.data())
def test_rank(results: Path, data: st.DataObject) -> None:
    kinds = ("plots/valid", "plots/tuned_valid", "metrics/train", "metrics/tuned", "metrics/eval", "metrics/tuned_eval")

    def work(out: Path) -> None:
        paths = [results / kind for kind in kinds]
        rank_arms(
            results / "config/optimizers.json",
            *paths,
            table=out / "r.csv",
            metrics=out / "r.json",
            figure=out / "r.png",
        )

    names = [
        "plots/valid/sgd.csv",
        "plots/tuned_valid/adam.csv",
        "metrics/train/adam.json",
        "metrics/tuned_eval/sgd.json",
    ]
    stage(results, data, names, work)
