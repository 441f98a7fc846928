"""judge: what it writes; tests/lib/judging asks whether it is right."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from recorded import DEAD, EXPLODED, GONE, GRID, TARGET, ending, optimizer_runs, write_recorded

from stages.judge import judge
from stages.lib.files.errors import InputError
from stages.lib.files.lines import read_lines
from stages.lib.judging.judgement import Judgement
from stages.lib.judging.optimizer_runs import OptimizerRuns

RUNS = {
    "adam": optimizer_runs(0.1, [0.3, 0.31], {0.01: [0.1], 0.1: [0.3]}, optimizer="adam", accuracy=0.98),
    "sgd": optimizer_runs(0.01, [0.1, 0.11], {0.001: [0.11], 0.01: [0.1], 0.1: [0.4]}),
}
KEYS = "accuracy accuracy_at_best group group_at_best lr lr_best lr_from lr_to ratio steps_to_target verdict"

Judge = Callable[..., Path]


@pytest.fixture
def judged(tmp_path: Path) -> Judge:
    """A function that judges runs, and gives the folder of what was written."""

    def run(runs: Mapping[str, OptimizerRuns], out: str = "out") -> Path:
        inputs = write_recorded(tmp_path, runs)
        folder = tmp_path / out
        outputs = {"metrics": folder / "metrics", "verdicts": folder / "verdicts.md", "judgements": folder / "j.jsonl"}
        judge(*inputs, target_accuracy=TARGET, **outputs)
        return folder

    return run


def metrics(folder: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "metrics" / f"{name}.json").read_text(encoding="utf-8"))
    assert list(content) == KEYS.split()
    return content


def test_metrics_of_an_optimizer(judged: Judge) -> None:
    """Every run has 0.98 on the validation split from its end on, and 0.9 on the eval split."""
    assert metrics(judged(RUNS), "adam") == {
        "accuracy": 0.9,
        "accuracy_at_best": 0.9,
        "group": 1,
        "group_at_best": 1,
        "lr": 0.1,
        "lr_best": 0.01,
        "lr_from": 0.01,
        "lr_to": 0.01,
        "ratio": pytest.approx((0.3 * 0.31) ** (1 / 2) / (0.1 * 0.104) ** (1 / 2), rel=1e-5),
        "steps_to_target": 1500.0,
        "verdict": "too_large",
    }


def test_a_file_of_metrics_for_each_optimizer_and_none_for_one_that_is_gone(judged: Judge) -> None:
    folder = judged({**RUNS, "gone": optimizer_runs(0.01, [0.1], {0.01: [0.1]}, optimizer="gone")}) / "metrics"
    assert sorted(path.name for path in folder.iterdir()) == ["adam.json", "gone.json", "sgd.json"]
    judged(RUNS)
    assert sorted(path.name for path in folder.iterdir()) == ["adam.json", "sgd.json"]


def test_a_sentence_for_each_optimizer_and_the_kinds_of_cpu(judged: Judge) -> None:
    other = [ending(0.4, cpu="another CPU")]
    runs = {**RUNS, "sgd": OptimizerRuns(GRID, other, RUNS["sgd"].swept, RUNS["sgd"].tuned)}
    adam, adam_zh, sgd, sgd_zh, blank, cpus = (judged(runs) / "verdicts.md").read_text(encoding="utf-8").splitlines()
    assert adam.startswith("- adam at lr 0.1 is too large: ")
    assert sgd.startswith("- sgd at lr 0.01 cannot be judged: ")
    assert adam_zh.startswith("  adam 用 lr 0.1 过大：")
    assert sgd_zh.startswith("  sgd 用 lr 0.01 无法判断：")
    assert (blank, cpus) == ("", "Trained on: a CPU; another CPU.")


@pytest.mark.parametrize("last", [GONE, EXPLODED])
def test_an_optimizer_with_a_diverged_seed_has_no_accuracy_and_no_group(judged: Judge, last: float) -> None:
    runs = {**RUNS, "adam": optimizer_runs(1.0, [0.3, last], {0.01: [0.1]}, optimizer="adam", accuracy=0.98)}
    adam = metrics(judged(runs), "adam")
    assert [adam[key] for key in ("accuracy", "group", "ratio", "steps_to_target")] == [None] * 4
    assert (adam["accuracy_at_best"], adam["group_at_best"], adam["verdict"]) == (0.9, 1, "too_large")


@pytest.mark.parametrize("last", [DEAD, GONE])
def test_an_optimizer_of_which_nothing_learns(judged: Judge, last: float) -> None:
    """The others go on."""
    runs = {**RUNS, "adam": optimizer_runs(0.01, [0.1], {lr: [last] for lr in GRID}, optimizer="adam")}
    folder = judged(runs)
    adam, sgd = (metrics(folder, name) for name in ("adam", "sgd"))
    unknown = ("accuracy_at_best", "group_at_best", "lr_best", "lr_from", "lr_to", "ratio")
    assert [adam[key] for key in unknown] == [None] * 6
    assert (adam["accuracy"], adam["verdict"]) == (0.9, "undetermined")
    assert (sgd["lr_best"], sgd["verdict"]) == (0.01, "reasonable")
    sentences = (folder / "verdicts.md").read_text(encoding="utf-8")
    assert "nothing learns at any rate of the sweep; widen the grid" in sentences


def test_judgements_are_what_illustrate_reads(judged: Judge) -> None:
    found = read_lines(judged(RUNS) / "j.jsonl", Judgement)
    assert [(one.optimizer, one.verdict, one.reasonable_range) for one in found] == [
        ("adam", "too_large", (0.01, 0.01)),
        ("sgd", "reasonable", (0.001, 0.01)),
    ]


def test_bytes_repeat_and_runs_of_others_stay_out(judged: Judge, tmp_path: Path) -> None:
    """Runs of an optimizer that is gone would change the spread of all."""
    one = judged(RUNS, "one")
    write_recorded(tmp_path, {"gone": optimizer_runs(0.01, [0.1], {0.01: [0.02, 0.9]}, optimizer="gone")})
    two = judged(RUNS, "two")
    for path in (path.relative_to(one) for path in one.rglob("*") if path.is_file()):
        assert (two / path).read_bytes() == (one / path).read_bytes(), path


def test_a_broken_run_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    inputs = write_recorded(tmp_path, RUNS)
    path = tmp_path / "train/sgd.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    outputs = {name: tmp_path / "new" / name for name in ("metrics", "verdicts", "judgements")}
    with pytest.raises(InputError, match=r"train/sgd\.jsonl: line 2: is not JSON"):
        judge(*inputs, target_accuracy=TARGET, **outputs)
    assert not (tmp_path / "new").exists()
