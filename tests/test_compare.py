import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from recorded import EXPLODED, GONE, ending, recorded

from stages.compare import compare
from stages.lib.config.settings import write_names
from stages.lib.files.errors import InputError
from stages.lib.files.lines import write_lines
from stages.lib.runs.run import Run

OUTPUTS = {
    "training_loss": "training_loss.csv",
    "validation_loss": "validation_loss.csv",
    "wrong_images": "wrong_images.csv",
    "figure": "loss.png",
}
CURVE = [3.0, 2.0, 1.0]  # the training loss of windows at 0, 20 and 40 steps
SGD = [ending(0.1, train=CURVE, wrong=(3, 70)), ending(0.2, train=CURVE, seed=1, wrong=())]
ADAM = [ending(0.1, optimizer="adam", train=CURVE, lr=0.5, wrong=())]


def run(folder: Path, runs: Mapping[str, Sequence[Run]], out: str = "out") -> dict[str, bytes]:
    write_names(folder / "optimizers.json", runs)
    for name, ran in runs.items():
        write_lines(folder / "train" / f"{name}.jsonl", ran)
    compare(folder / "optimizers.json", folder / "train", **{key: folder / out / name for key, name in OUTPUTS.items()})
    return {key: (folder / out / name).read_bytes() for key, name in OUTPUTS.items()}


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(content.decode().splitlines()))


def test_tables_hold_all_runs_of_all_optimizers_by_name(tmp_path: Path) -> None:
    written = run(tmp_path, {"sgd": SGD, "adam": ADAM})
    runs = [("adam", "0"), ("sgd", "0"), ("sgd", "1")]
    loss, valid = table(written["training_loss"]), table(written["validation_loss"])
    assert [(row["optimizer"], row["seed"], row["step"]) for row in loss] == [
        (*one, step) for one in runs for step in ("0", "20", "40")
    ]
    assert [(row["optimizer"], row["seed"], row["step"]) for row in valid] == [
        (*one, step) for one in runs for step in ("0", "1500")
    ]
    assert list(loss[1].values()) == ["adam", "0", "20", "0.04", "0.5", "2.0", "0.5"]
    assert list(valid[1].values()) == ["adam", "0", "1500", "3.0", "0.5", "1000", "0.1", "0.9"]


@pytest.mark.parametrize("last", [GONE, EXPLODED])
def test_wrong_images_have_a_row_for_each_run_that_did_not_diverge(tmp_path: Path, last: float) -> None:
    runs = {"adam": [*ADAM, ending(last, optimizer="adam", seed=1, wrong=(1, 2), train=CURVE)], "sgd": SGD}
    lines = run(tmp_path, runs)["wrong_images"].decode().splitlines()
    assert lines == [
        "optimizer,lr,seed,images,wrong",
        "adam,0.5,0,1000,none",
        "sgd,0.01,0,1000,3 70",
        "sgd,0.01,1,1000,none",
    ]


def test_a_diverged_run_keeps_its_curve(tmp_path: Path) -> None:
    without = run(tmp_path, {"sgd": SGD})
    hot = [ending(GONE, optimizer="hot", train=[3.0]), ending(0.1, optimizer="hot", train=CURVE, seed=1)]
    written = run(tmp_path, {"sgd": SGD, "hot": hot})
    assert [row["seed"] for row in table(written["training_loss"]) if row["optimizer"] == "hot"] == ["0", *"111"]
    assert written["figure"] != without["figure"]


def test_a_run_without_any_loss_leaves_its_optimizer_out_of_the_figure(tmp_path: Path) -> None:
    for others in ({}, {"sgd": SGD}):
        written = run(tmp_path, {**others, "hot": [recorded({}, diverged=True, optimizer="hot")]})
        assert {row["optimizer"] for row in table(written["training_loss"])} == set(others)
    assert written["figure"] == run(tmp_path, {"sgd": SGD})["figure"]


def test_bytes_repeat_and_runs_of_others_stay_out(tmp_path: Path) -> None:
    one = run(tmp_path, {"sgd": SGD, "adam": ADAM}, "one")
    write_lines(tmp_path / "train/gone.jsonl", [ending(0.1, optimizer="gone", train=CURVE)])
    assert run(tmp_path, {"adam": ADAM, "sgd": SGD}, "two") == one
    assert one["figure"][:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("content", ["optimizer,seed\nsgd,0\n", "{}\n"], ids=["a table", "another record"])
def test_what_is_no_run_is_told_and_nothing_is_written(tmp_path: Path, content: str) -> None:
    run(tmp_path, {"sgd": SGD}, "old")
    path = tmp_path / "train/sgd.jsonl"
    path.write_text(content, encoding="utf-8")
    outputs = {key: tmp_path / "out" / name for key, name in OUTPUTS.items()}
    with pytest.raises(InputError, match=r"sgd\.jsonl: .*; run 'dvc repro' to make it anew$"):
        compare(tmp_path / "optimizers.json", tmp_path / "train", **outputs)
    assert not (tmp_path / "out").exists()
