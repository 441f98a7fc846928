import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from stages.lib.settings import load_names, write_names
from stages.rank import rank_arms

KINDS = ("valid", "tuned_valid", "train", "tuned", "eval", "tuned_eval")
# three seeds each: adam and sgd differ by less than noise, slow by far more
ADAM, SGD, SLOW = [0.97, 0.972, 0.971], [0.9705, 0.969, 0.971], [0.9, 0.902, 0.904]


def result(
    folder: Path, name: str, shared: Sequence[float], tuned: Sequence[float] | None = None, **other: Any
) -> None:
    """What train, tune and both evaluations leave of one optimizer: each seed's last validation accuracy.

    None or no accuracies stand for a run that diverged.
    """
    names = folder / "optimizers.json"
    write_names(names, {name, *(load_names(names) if names.exists() else [])})
    arms = (("valid", "train", "eval", shared, 0.01), ("tuned_valid", "tuned", "tuned_eval", tuned or shared, 0.5))
    for valid, train, evaluation, accuracies, lr in arms:
        for kind in (valid, train, evaluation):
            (folder / kind).mkdir(exist_ok=True)
        rows = ["optimizer,seed,step,epoch,images,loss,accuracy"]
        for seed, accuracy in enumerate(accuracies or [0.1, 0.1]):
            scores = [(0, 10_000, 0.99), (100, 2_000, 0.999), (1500, 10_000, accuracy)]
            rows += [f"{name},{seed},{step},1.0,{images},0.5,{share}" for step, images, share in scores]
        (folder / valid / f"{name}.csv").write_text("\n".join([*rows, ""]))
        status = "finished" if accuracies else "diverged"
        record = {"lr": lr, "status": status, "steps_to_97": 300.0, **other}
        (folder / train / f"{name}.json").write_text(json.dumps(record))
        (folder / evaluation / f"{name}.json").write_text(json.dumps({"accuracy": 0.9 if accuracies else None}))


def run(folder: Path, out: str = "out") -> tuple[list[dict[str, str]], dict[str, Any]]:
    paths = {
        option: folder / out / name for option, name in (("table", "r.csv"), ("metrics", "r.json"), ("figure", "r.png"))
    }
    rank_arms(folder / "optimizers.json", *(folder / kind for kind in KINDS), **paths)
    with paths["table"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    content: dict[str, Any] = json.loads(paths["metrics"].read_text())
    assert paths["figure"].read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    return rows, content


def places(rows: Sequence[Mapping[str, str]], arm: str) -> list[tuple[str, str]]:
    return [(row["optimizer"], row["tie_group"]) for row in rows if row["arm"] == arm]


def test_each_arm_is_ranked_by_its_own_runs(tmp_path: Path) -> None:
    result(tmp_path, "sgd", SLOW, SGD)
    result(tmp_path, "slow", SGD, SLOW)
    result(tmp_path, "adam", ADAM, ADAM)
    rows, metrics = run(tmp_path)
    assert places(rows, "shared") == [("adam", "1"), ("slow", "1"), ("sgd", "2")]
    assert places(rows, "tuned") == [("adam", "1"), ("sgd", "1"), ("slow", "2")]
    assert [(row["arm"], row["lr"]) for row in rows] == [("shared", "0.01")] * 3 + [("tuned", "0.5")] * 3
    assert metrics == {
        "shared_winners": "adam slow",
        "shared_tied": 2,
        "tuned_winners": "adam sgd",
        "tuned_tied": 2,
    }


def test_row_by_hand(tmp_path: Path) -> None:
    """Of the last validation alone: 10,000 images, not the 2,000 in between."""
    result(tmp_path, "adam", ADAM, steps_to_97=450.0)
    rows, _ = run(tmp_path)
    mean, error = np.mean(ADAM), np.sqrt(np.var(ADAM, ddof=1) / 3 + np.mean(ADAM) * (1 - np.mean(ADAM)) / 10_000)
    low, high = stats.t.interval(0.95, 2, loc=mean, scale=error)
    row = {key: float(value) for key, value in rows[0].items() if key not in {"optimizer", "arm"}}
    assert row == {
        "lr": 0.01,
        "valid_accuracy": pytest.approx(mean, rel=1e-5),
        "low": pytest.approx(low, rel=1e-5),
        "high": pytest.approx(high, rel=1e-5),
        "tie_group": 1,
        "eval_accuracy": 0.9,
        "steps_to_97": 450.0,
    }


def test_ties_need_a_difference_beyond_bonferronis_bound(tmp_path: Path) -> None:
    """Seeds alone differ by an sd of 0.01; the images add little. Of 5 optimizers there are 10 pairs, not 1."""
    spread, images = np.array([-0.01, 0.0, 0.01]), 10_000

    def gap(pairs: int, dof: int) -> float:
        return float(stats.t.ppf(1 - 0.025 / pairs, dof) * np.sqrt(0.01**2 * 2 / 3 + 0.5 * 2 / images))

    distance = (gap(1, 10) + gap(10, 10)) / 2  # enough for two optimizers, too little for five
    means = {"a": 0.5, "b": 0.5 - distance, "c": 0.5 - 2.2 * distance, "d": 0.5 - 3 * distance, "e": 0.1}
    for name, mean in means.items():
        result(tmp_path, name, list(mean + spread))
    assert places(run(tmp_path)[0], "shared") == [("a", "1"), ("b", "1"), ("c", "2"), ("d", "2"), ("e", "3")]


def test_diverged_optimizers_are_last_and_have_no_number(tmp_path: Path) -> None:
    result(tmp_path, "hot", [], ADAM)
    result(tmp_path, "a_hot_one", [], SLOW)
    result(tmp_path, "sgd", SLOW)
    rows, metrics = run(tmp_path)
    assert places(rows, "shared") == [("sgd", "1"), ("a_hot_one", "diverged"), ("hot", "diverged")]
    for row in rows[1:3]:
        assert row["lr"] == "0.01"
        assert {value for key, value in row.items() if key not in {"optimizer", "arm", "lr"}} == {"diverged"}
    assert places(rows, "tuned")[0] == ("hot", "1")
    assert metrics == {"shared_winners": "sgd", "shared_tied": 1, "tuned_winners": "hot", "tuned_tied": 1}


def test_all_diverged(tmp_path: Path) -> None:
    result(tmp_path, "hot", [])
    rows, metrics = run(tmp_path)
    assert places(rows, "shared") == places(rows, "tuned") == [("hot", "diverged")]
    assert metrics == {"shared_winners": None, "shared_tied": 0, "tuned_winners": None, "tuned_tied": 0}


def test_one_seed_is_one_tie_group(tmp_path: Path) -> None:
    for name, accuracy in (("a", 0.2), ("b", 0.99), ("c", 0.5)):
        result(tmp_path, name, [accuracy])
    rows, metrics = run(tmp_path)
    assert places(rows, "shared") == [("b", "1"), ("c", "1"), ("a", "1")]
    assert {(row["low"], row["high"]) for row in rows} == {("0.0", "1.0")}
    assert (metrics["shared_winners"], metrics["shared_tied"]) == ("b c a", 3)


def test_eval_is_reported_and_does_not_order(tmp_path: Path) -> None:
    result(tmp_path, "adam", ADAM)
    result(tmp_path, "slow", SLOW)
    before = run(tmp_path)
    (tmp_path / "eval/slow.json").write_text('{"accuracy": 0.999}')
    rows, metrics = run(tmp_path)
    assert [row.pop("eval_accuracy") for row in rows] == ["0.9", "0.999", "0.9", "0.9"]
    assert rows == [{key: value for key, value in row.items() if key != "eval_accuracy"} for row in before[0]]
    assert metrics == before[1]


def test_target_that_was_not_reached(tmp_path: Path) -> None:
    result(tmp_path, "adam", ADAM, steps_to_97=None)
    assert [row["steps_to_97"] for row in run(tmp_path)[0]] == ["missed", "missed"]


def test_removed_optimizer_stays_out(tmp_path: Path) -> None:
    result(tmp_path, "adam", ADAM)
    result(tmp_path, "slow", SLOW)
    before = run(tmp_path)
    result(tmp_path, "gone", [0.999, 0.5, 0.7])
    write_names(tmp_path / "optimizers.json", ["adam", "slow"])
    assert run(tmp_path) == before


def test_bytes_repeat(tmp_path: Path) -> None:
    for name, shared in (("sgd", SGD), ("hot", []), ("adam", ADAM)):
        result(tmp_path, name, shared, ADAM)
    for out in ("one", "two"):
        run(tmp_path, out)
    for file in ("r.csv", "r.json", "r.png"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file
