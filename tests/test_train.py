import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest

from stages.lib.dataset import Split
from stages.lib.errors import InputError
from stages.lib.model import initial_model
from stages.lib.settings import TrainSettings, write_settings
from stages.train import train

Train = Callable[..., Path]


@pytest.fixture
def trained(tmp_path: Path, few: Path) -> Train:
    """A function that trains 5 steps of 50 images per seed, the last of 30, and gives the folder of the results."""

    def run(seeds: tuple[int, ...], lr: float | None = 0.05, out: str = "out", lr_from: Path | None = None) -> Path:
        folder = tmp_path / out
        write_settings(tmp_path / "train.json", TrainSettings("mine", "SGD", {}, 50, 1, seeds, lr))
        names = {"train_loss": "loss.csv", "valid": "valid.csv", "metrics": "metrics.json", "timing": "timing.json"}
        names["mistakes"] = "mistakes.csv"
        paths = {option: folder / name for option, name in names.items()}
        train(few, tmp_path / "train.json", lr_from=lr_from, weights=folder / "models", **paths)
        return folder

    return run


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def record(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text())
    assert isinstance(content, dict)
    return content


def test_results_of_all_seeds(trained: Train) -> None:
    out = trained((7, 1))
    assert sorted(file.name for file in (out / "models").iterdir()) == ["1.pdparams", "7.pdparams"]
    assert paddle.load(str(out / "models/7.pdparams"))["fc.bias"].shape == [10]
    loss, valid = rows(out / "loss.csv"), rows(out / "valid.csv")
    assert [(row["optimizer"], row["seed"], row["step"]) for row in loss] == [
        ("mine", seed, step) for seed in "71" for step in "04"
    ]
    assert [(row["seed"], row["step"], row["images"]) for row in valid] == [
        (seed, *score) for seed in "71" for score in (("0", "20"), ("5", "100"))
    ]
    metrics = record(out / "metrics.json")
    assert (metrics["lr"], metrics["steps"], metrics["status"]) == (0.05, 5, "finished")
    assert metrics["train_loss"] == pytest.approx(np.mean([float(row["loss"]) for row in loss[1::2]]), rel=1e-5)
    assert metrics["valid_accuracy"] == pytest.approx(np.mean([float(row["accuracy"]) for row in valid[1::2]]))
    timing = record(out / "timing.json")
    assert timing["ms_per_step"] == pytest.approx(1000 * timing["seconds"] / 5, rel=1e-4)
    assert all(file.name == "models" or file.suffix in {".csv", ".json"} for file in out.iterdir())


def test_each_seed_has_its_own_results(trained: Train, mnist: dict[str, Split]) -> None:
    """The first validation is that of the weights that the seed gives."""
    found = {row["seed"]: float(row["loss"]) for row in rows(trained((7, 1)) / "valid.csv") if row["step"] == "0"}
    fifths = slice(0, 100, 5)
    images, labels = (paddle.to_tensor(part[fifths]) for part in (mnist["valid"].images, mnist["valid"].labels))
    for seed in (7, 1):
        loss = float(paddle.nn.functional.cross_entropy(initial_model(seed)(images), labels))
        assert found[str(seed)] == pytest.approx(loss, rel=1e-4)
    assert found["7"] != pytest.approx(found["1"], rel=1e-3)


def test_mistakes_of_every_seed_make_its_accuracy(trained: Train, mnist: dict[str, Split]) -> None:
    out = trained((7, 1))
    found = rows(out / "mistakes.csv")
    assert list(found[0]) == ["seed", "image", "label", "predicted"]
    accuracies = [float(row["accuracy"]) for row in rows(out / "valid.csv") if row["step"] == "5"]
    for seed, accuracy in zip("71", accuracies, strict=True):
        places = [int(row["image"]) for row in found if row["seed"] == seed]
        assert places == sorted(set(places))
        assert len(places) == pytest.approx(100 * (1 - accuracy))
    assert all(int(row["label"]) == mnist["valid"].labels[int(row["image"])] for row in found)
    assert all(row["label"] != row["predicted"] for row in found)


def test_bytes_repeat_whatever_runs_beside(trained: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs side by side, or one after the other: only the seconds differ."""
    one = trained((0, 1), out="one")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0}, raising=False)
    two = trained((0, 1), out="two")
    for name in ("loss.csv", "valid.csv", "mistakes.csv", "metrics.json", "models/0.pdparams", "models/1.pdparams"):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_divergence_is_a_result(trained: Train) -> None:
    """Weights of an earlier run do not stay behind."""
    trained((0,))
    out = trained((0, 1), lr=1e15)
    assert list((out / "models").iterdir()) == []
    metrics = record(out / "metrics.json")
    assert (metrics["status"], metrics["diverged_seeds"], metrics["train_loss"]) == ("diverged", "0 1", None)
    assert [row["step"] for row in rows(out / "loss.csv")] == ["0", "0"]
    assert (out / "mistakes.csv").read_text() == "seed,image,label,predicted\n"


def test_lr_of_the_sweep_trains_as_a_configured_one(trained: Train, tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text('{"best_lr": 0.05, "valid_loss": 0.1}')
    tuned = trained((3,), lr=None, lr_from=tmp_path / "sweep.json", out="tuned")
    configured = trained((3,), lr=0.05, out="configured")
    assert record(tuned / "metrics.json")["lr"] == 0.05
    for name in ("loss.csv", "valid.csv", "metrics.json", "models/3.pdparams"):
        assert (tuned / name).read_bytes() == (configured / name).read_bytes(), name


def test_sweep_in_which_nothing_learns_gives_no_lr(trained: Train, tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text('{"best_lr": null, "valid_loss": null}')
    with pytest.raises(
        InputError, match=r"sweep\.json: best_lr is null: no learning rate of the grid learns; widen swe"
    ):
        trained((3,), lr=None, lr_from=tmp_path / "sweep.json")
    assert not (tmp_path / "out").exists()
