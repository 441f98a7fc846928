import csv
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import paddle
import pytest

from stages.evaluate import evaluate
from stages.lib.dataset import Split
from stages.lib.errors import InputError
from stages.lib.model import initial_model
from stages.lib.records import read_json
from stages.lib.settings import TrainSettings, write_settings

Evaluate = Callable[..., tuple[dict[str, object], list[dict[str, str]]]]


def guess(digit: int) -> dict[str, paddle.Tensor]:
    """Weights of a network whose logits are 2 for `digit` and 0 for all others, whatever the image."""
    state = {name: paddle.zeros_like(value) for name, value in initial_model(0).state_dict().items()}
    state["fc.bias"][digit] = 2.0
    return state


def loss_of_guess(labels: np.ndarray, digit: int) -> float:
    """-log softmax by hand: the denominator is e^2 + 9."""
    return float(np.log(math.e**2 + 9) - 2 * (labels == digit).mean())


@pytest.fixture
def evaluated(tmp_path: Path, dataset: Path) -> Evaluate:
    """A function that evaluates weights for some of the seeds, and gives the metrics and the confusion rows."""

    def run(seeds: tuple[int, ...], states: dict[int, dict[str, paddle.Tensor]]) -> tuple[object, object]:
        settings, weights = tmp_path / "train.json", tmp_path / "models"
        write_settings(settings, TrainSettings("mine", "SGD", {}, 10, 1, seeds, lr=0.1))
        weights.mkdir()
        for seed, state in states.items():
            paddle.save(state, str(weights / f"{seed}.pdparams"))
        metrics, confusion = tmp_path / "metrics" / "mine.json", tmp_path / "plots" / "mine.csv"
        evaluate(dataset, settings, weights, metrics=metrics, confusion=confusion)
        with confusion.open(newline="") as file:
            return read_json(metrics), list(csv.DictReader(file))

    return run  # type: ignore[return-value]


def test_metrics_by_hand(evaluated: Evaluate, mnist: dict[str, Split]) -> None:
    labels = mnist["eval"].labels
    three, seven = int((labels == 3).sum()), int((labels == 7).sum())
    assert three != seven
    metrics, rows = evaluated((4, 2), {4: guess(3), 2: guess(7)})
    assert metrics == {
        "accuracy": pytest.approx((three + seven) / 1000),
        "accuracy_min": pytest.approx(min(three, seven) / 500),
        "accuracy_max": pytest.approx(max(three, seven) / 500),
        "loss": pytest.approx((loss_of_guess(labels, 3) + loss_of_guess(labels, 7)) / 2, rel=1e-5),
        "errors": pytest.approx((1000 - three - seven) / 2),
        "images": 500,
        "seeds": 2,
    }
    assert {row["optimizer"] for row in rows} == {"mine"}
    counts = {(int(row["actual"]), int(row["predicted"])): int(row["count"]) for row in rows}
    assert len(rows) == len(counts) == 100
    for actual in range(10):
        images = int((labels == actual).sum())
        expected = [images if digit in {3, 7} else 0 for digit in range(10)]
        assert [counts[actual, digit] for digit in range(10)] == expected


def test_real_weights_give_what_paddle_gives(evaluated: Evaluate, mnist: dict[str, Split]) -> None:
    model = initial_model(8)
    metrics, rows = evaluated((8,), {8: model.state_dict()})
    outputs = model(paddle.to_tensor(mnist["eval"].images))
    labels = mnist["eval"].labels
    loss = float(paddle.nn.functional.cross_entropy(outputs, paddle.to_tensor(labels)))
    assert metrics["loss"] == pytest.approx(loss, rel=1e-4)
    assert metrics["accuracy"] == pytest.approx((outputs.numpy().argmax(axis=1) == labels).mean(), abs=0.002)
    assert metrics["errors"] == pytest.approx(500 * (1 - float(str(metrics["accuracy"]))), abs=1e-3)
    diagonal = sum(int(row["count"]) for row in rows if row["actual"] == row["predicted"])
    assert diagonal == 500 - int(float(str(metrics["errors"])))


UNKNOWN = dict.fromkeys(["accuracy", "accuracy_min", "accuracy_max", "loss", "errors"])


def test_seed_without_weights_makes_the_metrics_null(evaluated: Evaluate) -> None:
    metrics, rows = evaluated((0, 1), {1: guess(3)})
    assert metrics == {**UNKNOWN, "images": 500, "seeds": 2}
    assert sum(int(row["count"]) for row in rows) == 500
    assert sum(int(row["count"]) for row in rows if row["predicted"] == "3") == 500


def test_no_weights_at_all(evaluated: Evaluate) -> None:
    metrics, rows = evaluated((0, 1), {})
    assert metrics == {**UNKNOWN, "images": 500, "seeds": 2}
    assert [row["count"] for row in rows] == ["0"] * 100


def test_weights_of_other_seeds_are_left_alone(evaluated: Evaluate) -> None:
    metrics, _ = evaluated((1,), {1: guess(3), 5: guess(7)})
    assert metrics["seeds"] == 1
    assert metrics["accuracy_min"] == metrics["accuracy_max"]


@pytest.mark.parametrize(
    ("size", "message"),
    [(5, "holds no weights"), (10**10, r"has 10,000,000,000 bytes; allowed: at most 10,000,000$")],
)
def test_broken_weights_are_one_line_and_nothing_is_written(
    tmp_path: Path, dataset: Path, size: int, message: str
) -> None:
    """The large file is of holes and takes no disk; it is not read."""
    (tmp_path / "models").mkdir()
    with (tmp_path / "models" / "0.pdparams").open("wb") as file:
        file.truncate(size)
    write_settings(tmp_path / "train.json", TrainSettings("mine", "SGD", {}, 10, 1, (0,), lr=0.1))
    with pytest.raises(InputError, match=rf"0\.pdparams: {message}"):
        evaluate(
            dataset,
            tmp_path / "train.json",
            tmp_path / "models",
            metrics=tmp_path / "mine.json",
            confusion=tmp_path / "mine.csv",
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["models", "train.json"]
