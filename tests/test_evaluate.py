import json
from pathlib import Path

import numpy as np
import paddle
import pytest
from safetensors.numpy import save_file
from short_runs import NETWORKS, TUTORIAL

from stages.evaluate import evaluate
from stages.lib.dataset.splits import Split
from stages.lib.files.lines import read_lines
from stages.lib.runs.evaluation import Evaluation
from stages.lib.training.network import initial_network

Weights = dict[str, np.ndarray]


def guess(digit: int) -> Weights:
    """Weights of a network whose logits are 2 for `digit` and 0 for all others, whatever the image."""
    state = {
        name: np.zeros(value.shape, np.float32) for name, value in initial_network(TUTORIAL, 0).state_dict().items()
    }
    state["fc.bias"][digit] = 2.0
    return state


def evaluated(
    folder: Path, dataset: Path, saved: dict[str, Weights], names: tuple[str, ...] = ("mine",)
) -> list[Evaluation]:
    """Evaluate weights, given by 'train/<optimizer>/<seed>' or 'tune/...'."""
    for place, weights in saved.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        save_file(weights, folder / f"{place}.safetensors")
    (folder / "names.json").write_text(json.dumps(names))
    out = folder / "out.jsonl"
    evaluate(
        dataset, NETWORKS / "tutorial.py", folder / "names.json", folder / "train", folder / "tune", evaluations=out
    )
    return read_lines(out, Evaluation)


def test_counts_by_hand(tmp_path: Path, dataset: Path, mnist: dict[str, Split]) -> None:
    saved = {"train/mine/10": guess(3), "train/mine/9": guess(7), "tune/mine/9": guess(3), "train/gone/0": guess(1)}
    found = evaluated(tmp_path, dataset, saved)
    assert [(one.at, one.seed) for one in found] == [("configured lr", 9), ("configured lr", 10), ("best lr", 9)]
    labels = mnist["eval"].labels
    for one, digit in zip(found, (7, 3, 3), strict=True):
        share = float((labels == digit).mean())
        assert one.optimizer == "mine"
        assert one.images == 500
        assert one.accuracy == pytest.approx(share)
        assert [row[digit] for row in one.confusion] == np.bincount(labels, minlength=10).tolist()
        assert sum(map(sum, one.confusion)) == 500


def test_real_weights_give_what_paddle_gives(tmp_path: Path, dataset: Path, mnist: dict[str, Split]) -> None:
    network = initial_network(TUTORIAL, 8)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    [found] = evaluated(tmp_path, dataset, {"train/mine/8": weights})
    outputs, labels = network(paddle.to_tensor(mnist["eval"].images.reshape(-1, 1, 28, 28))), mnist["eval"].labels
    assert found.accuracy == pytest.approx((outputs.numpy().argmax(axis=1) == labels).mean(), abs=0.002)


def test_no_weights_at_all(tmp_path: Path, dataset: Path) -> None:
    assert evaluated(tmp_path, dataset, {}) == []
