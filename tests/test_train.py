"""train and tune: what they leave of a run per seed."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest
from short_runs import NETWORKS, TUTORIAL

from stages.lib.config.settings import Settings, TrainSettings, write_settings
from stages.lib.dataset.splits import Split
from stages.lib.files.lines import read_lines, write_lines
from stages.lib.runs.run import Run, Validation
from stages.lib.training.network import flat_weights, initial_network
from stages.train import train
from stages.tune import tune

SETTINGS: dict[str, Any] = {"optimizer": "mine", "type": "SGD", "arguments": {}, "batch_size": 50, "epochs": 1}
ROOT = Path(__file__).parent.parent
Train = Callable[..., Path]


@pytest.fixture
def trained(tmp_path: Path, few: Path) -> Train:
    """A function that trains 5 steps of 50 images per seed, the last of 30, and gives the folder of the results."""

    def run(seeds: tuple[int, ...], lr: float = 0.05, out: str = "out", network: str = "tutorial") -> Path:
        folder = tmp_path / out
        write_settings(tmp_path / "train.json", TrainSettings(**SETTINGS, seeds=seeds, lr=lr))
        paths = {"runs": folder / "runs.jsonl", "weights": folder / "weights", "snapshots": folder / "snapshots.npz"}
        train(few, NETWORKS / f"{network}.py", tmp_path / "train.json", **paths)
        return folder

    return run


def runs(folder: Path) -> list[Run]:
    return read_lines(folder / "runs.jsonl", Run)


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_results_of_all_seeds(trained: Train) -> None:
    out = trained((7, 1))
    assert set(files(out)) == {"runs.jsonl", "snapshots.npz", "weights/7.safetensors", "weights/1.safetensors"}
    assert [(run.optimizer, run.lr, run.seed, run.steps, run.diverged) for run in runs(out)] == [
        ("mine", 0.05, seed, 5, False) for seed in (7, 1)
    ]
    for run in runs(out):
        assert [window.step for window in run.train_loss] == [0, 4]
        assert [(score.step, score.images) for score in run.valid] == [(0, 20), (5, 100)]


@pytest.mark.parametrize("name", ["tutorial", "modern"])  # the second has batch normalization
@pytest.mark.parametrize("page", ["experiments.md", "experiments.zh-CN.md"])
def test_paddle_reads_the_weights_as_the_docs_say(
    trained: Train, mnist: dict[str, Split], name: str, page: str
) -> None:
    """They give the validation accuracy that the run records."""
    out = trained((7,), network=name)
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    code = "\n".join(re.findall("^    (import paddle|.*[Nn]etwork.*)$", text, re.MULTILINE))
    code = code.replace("networks.tutorial", f"networks.{name}")
    shown: dict[str, Any] = {}
    exec(code.replace("data/weights/train/adam/0.safetensors", (out / "weights/7.safetensors").as_posix()), shown)
    network = shown["network"]
    predicted = network(paddle.to_tensor(mnist["valid"].images[:100].reshape(-1, 1, 28, 28))).numpy().argmax(axis=1)
    wrong = np.flatnonzero(predicted != mnist["valid"].labels[:100])
    [run] = runs(out)
    assert len(wrong) == pytest.approx(100 * (1 - run.valid[-1].accuracy), abs=1)  # a tie may fall either way
    assert len(set(wrong.tolist()) ^ set(run.wrong)) <= 1


def test_each_seed_has_its_own_results(trained: Train, mnist: dict[str, Split]) -> None:
    """The first validation is that of the weights that the seed gives."""
    found = {run.seed: run.valid[0].loss for run in runs(trained((7, 1)))}
    fifths = slice(0, 100, 5)
    images, labels = (
        paddle.to_tensor(part[fifths]) for part in (mnist["valid"].images.reshape(-1, 1, 28, 28), mnist["valid"].labels)
    )
    for seed in (7, 1):
        loss = float(paddle.nn.functional.cross_entropy(initial_network(TUTORIAL, seed)(images), labels))
        assert found[seed] == pytest.approx(loss, rel=1e-4)
    assert found[7] != pytest.approx(found[1], rel=1e-3)


def test_bytes_repeat_whatever_runs_beside(trained: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs side by side, or one after the other."""
    one = trained((0, 1), out="one")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0}, raising=False)
    assert files(trained((0, 1), out="two")) == files(one)


def test_divergence_is_a_result(trained: Train) -> None:
    """Weights of an earlier run do not stay behind."""
    trained((0,))
    out = trained((0, 1), lr=1e15)
    assert list((out / "weights").iterdir()) == []
    assert [(run.diverged, [window.step for window in run.train_loss]) for run in runs(out)] == [(True, [0])] * 2


def test_snapshots_are_those_of_the_first_seed(trained: Train) -> None:
    with np.load(trained((7, 1)) / "snapshots.npz") as arrays:
        steps, weights = arrays["steps"], arrays["weights"]
    assert steps.tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(weights[0], flat_weights(initial_network(TUTORIAL, 7)))


def swept(lr: float, loss: float, diverged: bool = False) -> Run:
    """A full-length run that ends at `loss`, or diverged at once."""
    valid = (Validation(0, 20, 2.5, 0.1), Validation(5, 100, loss, 0.9))[: 1 if diverged else 2]
    run = {"optimizer": "mine", "lr": lr, "seed": 9, "steps": 5, "steps_per_epoch": 5, "cpu": "any"}
    return Run.model_validate(run | {"diverged": diverged, "train_loss": (), "valid": valid})


def tuned(folder: Path, few: Path, sweep: list[Run]) -> Path:
    write_settings(folder / "tune.json", Settings(**SETTINGS, seeds=(3,)))
    write_lines(folder / "sweep.jsonl", sweep)
    out = folder / "tuned"
    tune(
        few,
        NETWORKS / "tutorial.py",
        folder / "tune.json",
        folder / "sweep.jsonl",
        runs=out / "runs.jsonl",
        weights=out / "weights",
    )
    return out


def test_the_best_lr_of_the_sweep_trains_as_a_configured_one(trained: Train, tmp_path: Path, few: Path) -> None:
    found = files(tuned(tmp_path, few, [swept(0.01, 0.4), swept(0.05, 0.2), swept(0.1, 0.3)]))
    configured = files(trained((3,), lr=0.05))
    del configured["snapshots.npz"]
    assert found == configured


def test_a_sweep_in_which_nothing_learns_tunes_nothing(tmp_path: Path, few: Path) -> None:
    out = tuned(tmp_path, few, [swept(lr, 9.0, diverged=True) for lr in (0.01, 0.1, 1.0)])
    assert runs(out) == []
    assert list((out / "weights").iterdir()) == []
