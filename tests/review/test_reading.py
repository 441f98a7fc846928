from pathlib import Path

import pytest
from reviewed import IMAGES, Trained, lock, put, write

from review.__main__ import settings_md5
from review.reading import read_revision
from review.revision import Runs
from stages.lib.files.errors import InputError

ADAM = Trained({0: [1, 2, 999], 1: []}, eval_accuracy=0.93)


def runs(folder: Path, *, fresh: bool = True) -> Runs:
    """What is read of adam; `fresh` writes a lock that fits whatever the files hold."""
    if fresh:
        lock(folder, ["adam"])
    return read_revision("old", folder, settings_md5).runs["adam"]


def test_everything_of_one_optimizer(tmp_path: Path) -> None:
    revision = read_revision("old", write(tmp_path, {"adam": ADAM}), settings_md5)
    found = revision.runs["adam"]
    assert (found.problem, found.diverged, found.seeds) == ("", (), {0, 1})
    assert found.accuracy == pytest.approx(0.9985)
    assert [list(found.wrong[seed].nonzero()[0]) for seed in (0, 1)] == [[1, 2, 999], []]
    assert len(found.wrong[1]) == IMAGES
    assert revision.eval_accuracy("adam") == 0.93
    assert revision.verdict("adam") == ("reasonable", "adam at lr 0.01 is reasonable: because.")


def test_what_is_not_there_has_no_verdict_and_no_eval(tmp_path: Path) -> None:
    revision = read_revision("old", write(tmp_path, {"adam": ADAM}), settings_md5)
    assert (revision.eval_accuracy("sgd"), revision.verdict("sgd")) == (None, ("", ""))


def test_metrics_of_unknown_things_are_null(tmp_path: Path) -> None:
    put(write(tmp_path, {"adam": ADAM}) / "metrics/adam.json", '{"accuracy": null, "verdict": null}')
    lock(tmp_path, ["adam"])
    revision = read_revision("old", tmp_path, settings_md5)
    assert (revision.eval_accuracy("adam"), revision.verdict("adam")[0], revision.unjudged) == (None, "", "")


@pytest.mark.parametrize("path", ["metrics/adam.json", "data/sweep/adam.jsonl", "plots/verdicts.md"])
def test_stale_verdicts_are_not_shown(tmp_path: Path, path: str) -> None:
    put(write(tmp_path, {"adam": ADAM}) / path, '{"accuracy": 0.99, "verdict": "reasonable"}')
    revision = read_revision("old", tmp_path, settings_md5)
    assert (revision.eval_accuracy("adam"), revision.verdict("adam")) == (None, ("", ""))
    assert revision.unjudged
    assert not revision.runs["adam"].problem


def test_optimizers_are_those_of_the_params_not_of_rows_left_behind(tmp_path: Path) -> None:
    both = write(tmp_path, {"adam": ADAM, "gone": ADAM})
    params = both / "params.yaml"
    params.write_text(params.read_text().split("  gone:")[0])
    assert set(read_revision("old", both, settings_md5).runs) == {"adam"}


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


@pytest.mark.parametrize("table", ["wrong_images", "validation_loss", "training_loss"])
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
    ("old", "new", "told"),
    [
        ("adam,0.01,1", "adam,0.02,1", "its lr is not the 0.01 of params.yaml"),
        ("adam,0.01,1", "adam,0.01,7", "its seeds are not those of params.yaml"),
        ("1 2 999", "1 2 1000", "are not what compare writes"),
        ("1 2 999", "1 x", "are not what compare writes"),
    ],
)
def test_tables_that_contradict_the_params_or_themselves(tmp_path: Path, old: str, new: str, told: str) -> None:
    table = write(tmp_path, {"adam": ADAM}) / "plots/wrong_images.csv"
    assert old in table.read_text()
    table.write_text(table.read_text().replace(old, new))
    assert told in runs(tmp_path).problem


def test_shared_lr_in_any_notation(tmp_path: Path) -> None:
    """What `-S lr=1e-5` leaves in params.yaml is a string to a YAML 1.1 reader."""
    write(tmp_path, {"adam": Trained({0: [1]}, lr=1e-05)})
    params = tmp_path / "params.yaml"
    text = params.read_text().replace("lr: 0.01\n", "lr: 1e-05\n", 1).replace("lr: 1.0e-05", "lr:")
    assert text.count("1e-05") == 1
    params.write_text(text)
    assert runs(tmp_path).problem == ""


def test_one_stale_optimizer_leaves_the_others(tmp_path: Path) -> None:
    lock(write(tmp_path, {"adam": ADAM, "sgd": ADAM}), ["adam"])
    found = read_revision("old", tmp_path, settings_md5).runs
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
        read_revision("HEAD", tmp_path, settings_md5)


def test_no_params(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^the workspace: has no params\.yaml; run this in the project's folder$"):
        read_revision("the workspace", tmp_path, settings_md5)


def test_results_of_another_layout_are_refused(tmp_path: Path) -> None:
    put(write(tmp_path, {"adam": ADAM}) / "metrics/train/adam.json", "{}")
    with pytest.raises(InputError, match=r"^v1: metrics/train/ is there: its results are of another layout and cannot"):
        read_revision("v1", tmp_path, settings_md5)
    (tmp_path / "metrics/train/adam.json").unlink()
    (tmp_path / "metrics/train").rmdir()
    (tmp_path / "plots/wrong_images.csv").unlink()
    with pytest.raises(InputError, match=r"^v1: plots/wrong_images\.csv is missing: its results are of another layout"):
        read_revision("v1", tmp_path, settings_md5)
