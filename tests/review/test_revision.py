from pathlib import Path

import pytest
from reviewed import IMAGES, Trained, files, lock, put, write

from review.revision import Revision, Runs, read_revision
from stages.lib.files.errors import InputError

ADAM = Trained({0: [1, 2, 999], 1: []}, eval_accuracy=0.93)


def read(folder: Path) -> Revision:
    return read_revision("old", files(folder))


def runs(folder: Path, *, fresh: bool = True) -> Runs:
    """What is read of adam; `fresh` writes a lock that fits whatever the files hold."""
    if fresh:
        lock(folder, ["adam"])
    return read(folder).runs["adam"]


def test_everything_of_one_optimizer(tmp_path: Path) -> None:
    revision = read(write(tmp_path, {"adam": ADAM}))
    found = revision.runs["adam"]
    assert (found.problem, found.diverged, found.seeds) == ("", (), {0, 1})
    assert found.accuracy == pytest.approx(0.9985)
    assert [list(found.wrong[seed].nonzero()[0]) for seed in (0, 1)] == [[1, 2, 999], []]
    assert len(found.wrong[1]) == IMAGES
    assert found.data == "d" * 32
    assert found.eval_accuracy == 0.93
    assert (found.verdict, found.reason) == ("reasonable", "adam at lr 0.01 is reasonable: because.")
    assert found.curves[1] == [(0, 2.0), (20, 2 / 21), (40, 2 / 41)]


def test_metrics_of_unknown_things_are_null(tmp_path: Path) -> None:
    put(write(tmp_path, {"adam": ADAM}) / "metrics/adam.json", '{"accuracy": null, "verdict": null}')
    lock(tmp_path, ["adam"])
    revision = read(tmp_path)
    assert (revision.runs["adam"].eval_accuracy, revision.runs["adam"].verdict, revision.unjudged) == (None, "", "")


@pytest.mark.parametrize("path", ["metrics/adam.json", "data/sweep/adam.jsonl", "plots/verdicts.md"])
def test_stale_verdicts_are_not_shown(tmp_path: Path, path: str) -> None:
    put(write(tmp_path, {"adam": ADAM}) / path, '{"accuracy": 0.99, "verdict": "reasonable"}')
    revision = read(tmp_path)
    found = revision.runs["adam"]
    assert (found.eval_accuracy, found.verdict, found.reason) == (None, "", "")
    assert revision.unjudged
    assert not found.problem


def test_optimizers_are_those_of_the_params_not_of_rows_left_behind(tmp_path: Path) -> None:
    both = write(tmp_path, {"adam": ADAM, "gone": ADAM})
    params = both / "params.yaml"
    params.write_text(params.read_text().split("  gone:")[0])
    assert set(read(both).runs) == {"adam"}


def test_seed_without_wrong_images_diverged(tmp_path: Path) -> None:
    found = runs(write(tmp_path, {"adam": Trained({0: [5]}, diverged=[3])}))
    assert (found.diverged, list(found.wrong), found.seeds, found.accuracy) == ((3,), [0], {0, 3}, None)


def test_exploded_and_diverged_at_once_are_diverged_too(tmp_path: Path) -> None:
    """One has all its validations but no row of wrong images, the other has no row at all."""
    write(tmp_path, {"adam": Trained({0: [5], 1: [6], 2: [7]})})
    for table in tmp_path.glob("plots/*.csv"):
        gone = ("adam,2,", "adam,0.01,1,", "adam,0.01,2,")
        table.write_text("\n".join(line for line in table.read_text().split("\n") if not line.startswith(gone)))
    assert runs(tmp_path).diverged == (1, 2)


@pytest.mark.parametrize("table", ["wrong_images", "training_loss"])
@pytest.mark.parametrize("content", [b"\x00\xff", b"a,b\n1\n", b"optimizer,seed\nadam,x\n", b"seed,image\n1,1\n"])
def test_spoilt_tables_show_no_number(tmp_path: Path, table: str, content: bytes) -> None:
    path = write(tmp_path, {"adam": ADAM}) / f"plots/{table}.csv"
    path.write_bytes(content)
    assert runs(tmp_path, fresh=False).problem.startswith(f"plots/{table}.csv is not what compare wrote")
    found = runs(tmp_path)
    assert "plots/" in found.problem
    assert "dvc repro" in found.problem
    assert str(tmp_path) not in found.problem
    assert (found.wrong, found.diverged) == ({}, ())


@pytest.mark.parametrize(
    ("name", "old", "new"), [("wrong_images", "1 2", "1 x"), ("training_loss", "adam,0", "adam,7")]
)
def test_tables_that_compare_does_not_write(tmp_path: Path, name: str, old: str, new: str) -> None:
    table = write(tmp_path, {"adam": ADAM}) / f"plots/{name}.csv"
    assert old in table.read_text()
    table.write_text(table.read_text().replace(old, new))
    assert "are not what compare writes" in runs(tmp_path).problem


def test_one_stale_optimizer_leaves_the_others(tmp_path: Path) -> None:
    lock(write(tmp_path, {"adam": ADAM, "sgd": ADAM}), ["adam"])
    found = read(tmp_path).runs
    assert (found["adam"].problem, found["sgd"].problem[:34]) == ("", "dvc.lock has no stage train@sgd; r")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a: [", "is not YAML"),
        ("", ".*: None is not allowed"),
        ("lr: 1\nseeds: [0]\noptimizers: {}", "optimizers: {} is not allowed"),
        ("lr: 1\nseeds: [0]\noptimizers: {adam: 3}", "optimizers.adam: 3 is not allowed"),
        ("lr: 1\noptimizers: {adam: {}}", "seeds: is missing"),
        ("lr: 1\nseeds: [[0]]\noptimizers: {adam: {}}", r"seeds.0: \[0\] is not allowed"),
    ],
)
def test_params_that_are_none(tmp_path: Path, content: str, told: str) -> None:
    put(write(tmp_path, {"adam": ADAM}) / "params.yaml", content)
    with pytest.raises(InputError, match=rf"^HEAD: params\.yaml: {told}"):
        read_revision("HEAD", files(tmp_path))


def test_no_params(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^the workspace: has no params\.yaml: it is from before the pipeline, or"):
        read_revision("the workspace", files(tmp_path))


def test_results_of_another_layout_are_refused(tmp_path: Path) -> None:
    (write(tmp_path, {"adam": ADAM}) / "plots/wrong_images.csv").unlink()
    with pytest.raises(InputError, match=r"^v1: plots/wrong_images\.csv is missing: its results are of another layout"):
        read_revision("v1", files(tmp_path))
