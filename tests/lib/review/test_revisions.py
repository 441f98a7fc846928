from pathlib import Path

import pytest
from reviewed import IMAGES, Trained, lock, put, write

from stages.lib.errors import InputError
from stages.lib.review.revisions import read_revision
from stages.lib.review.seen import Seen

ADAM = Trained({0: [1, 2, 999], 1: []}, eval_accuracy=0.93)


def seen(folder: Path, *, fresh: bool = True) -> Seen:
    """What is read of adam; `fresh` writes a lock that fits whatever the files hold."""
    if fresh:
        lock(folder, ["adam"])
    return read_revision("old", folder).seen["adam"]


def problem(folder: Path) -> str:
    """The problem of a row that shows no number."""
    found = seen(folder)
    assert not found.trusted
    assert not found.wrong
    return found.problem


def test_everything_of_one_optimizer(tmp_path: Path) -> None:
    revision = read_revision("old", write(tmp_path, {"adam": ADAM}))
    found = revision.seen["adam"]
    assert found.problem == ""
    assert found.trusted
    assert found.accuracies == {0: pytest.approx(0.997), 1: 1.0}
    assert [list(found.wrong[seed].nonzero()[0]) for seed in (0, 1)] == [[1, 2, 999], []]
    assert len(found.wrong[1]) == IMAGES
    assert found.diverged == ()
    assert revision.eval_accuracy("adam") == 0.93
    assert revision.verdict("adam") == ("reasonable", "adam at lr 0.01 is reasonable: because.")


def test_what_is_not_there_has_no_verdict_and_no_eval(tmp_path: Path) -> None:
    revision = read_revision("old", write(tmp_path, {"adam": ADAM}))
    assert (revision.eval_accuracy("sgd"), revision.verdict("sgd")) == (None, ("", ""))


def test_evaluation_of_other_weights_is_not_shown(tmp_path: Path) -> None:
    put(write(tmp_path, {"adam": ADAM}) / "metrics/eval/adam.json", '{"accuracy": 0.99}')
    put(tmp_path / "plots/lr/adam.md", "another sentence")
    revision = read_revision("old", tmp_path)
    assert (revision.eval_accuracy("adam"), revision.verdict("adam")) == (None, ("", ""))


def test_optimizers_are_those_of_the_params_not_of_files_left_behind(tmp_path: Path) -> None:
    write(tmp_path, {"adam": ADAM, "gone": ADAM})
    assert set(read_revision("old", write(tmp_path, {"adam": ADAM})).seen) == {"adam"}


def test_diverged_seeds(tmp_path: Path) -> None:
    found = seen(write(tmp_path, {"adam": Trained({0: [5]}, diverged=[3])}))
    assert (found.diverged, list(found.accuracies), found.problem) == ((3,), [0], "")


def test_without_mistakes_the_numbers_are_still_shown(tmp_path: Path) -> None:
    found = seen(write(tmp_path, {"adam": Trained(ADAM.wrong, kept=False)}))
    assert found.trusted
    assert found.problem == "plots/mistakes/adam.csv is missing"
    assert found.accuracies == {0: pytest.approx(0.997), 1: 1.0}


@pytest.mark.parametrize("path", ["metrics/train/adam.json", "plots/valid/adam.csv"])
def test_missing_files(tmp_path: Path, path: str) -> None:
    (write(tmp_path, {"adam": ADAM}) / path).unlink()
    assert problem(tmp_path) == f"{path} is missing"


@pytest.mark.parametrize("path", ["metrics/train/adam.json", "plots/valid/adam.csv", "plots/mistakes/adam.csv"])
@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff", b"[1]", b"a,b\n1\n", b"seed,image\nx,1\n", b"optimizer,seed\nadam,0\n"]
)
def test_spoilt_files_name_themselves(tmp_path: Path, path: str, content: bytes) -> None:
    (write(tmp_path, {"adam": ADAM}) / path).write_bytes(content)
    told = problem(tmp_path)
    assert told.startswith(path)
    assert str(tmp_path) not in told


@pytest.mark.parametrize(
    ("path", "old", "new", "told"),
    [
        ("metrics/train/adam.json", '"lr": 0.01', '"lr": 0.02', "lr is 0.02, but params.yaml says 0.01"),
        (
            "metrics/train/adam.json",
            '"steps": 500',
            '"steps": 600',
            "ends at step 500 with accuracy 0.997, not at step 600",
        ),
        ("plots/valid/adam.csv", "1000,0.5,0.997", "1000,0.5,1.2", "with accuracy 1.2"),
        ("plots/valid/adam.csv", "1000,0.5,0.997", "1000,0.5,nan", "with accuracy nan"),
        ("plots/valid/adam.csv", "1000,0.5,0.997", "1000,0.5,", "no number where one belongs"),
        ("plots/valid/adam.csv", "adam,1,", "adam,7,", "its seeds are not those of params.yaml"),
        ("plots/mistakes/adam.csv", "0,999,1,7\n", "", "contradicts plots/valid: seed 0 has 2 mistakes of 1000 images"),
        ("plots/mistakes/adam.csv", "0,999,", "0,2,", "contradicts plots/valid: seed 0 has 3 mistakes of 1000"),
        ("plots/mistakes/adam.csv", "0,999,", "0,1000,", "seed 0, image 1000: plots/valid has no such seed or image"),
        ("plots/mistakes/adam.csv", "0,999,", "0,-1,", "seed 0, image -1: plots/valid has no such"),
        ("plots/mistakes/adam.csv", "0,999,", "2,999,", "seed 2, image 999: plots/valid has no such"),
    ],
)
def test_files_that_contradict_each_other(tmp_path: Path, path: str, old: str, new: str, told: str) -> None:
    file = write(tmp_path, {"adam": ADAM}) / path
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    found = problem(tmp_path)
    kind = "plots/valid/adam.csv" if "ends at" in told else path
    assert found.startswith(kind)
    assert told in found


def test_one_spoilt_optimizer_leaves_the_others(tmp_path: Path) -> None:
    put(write(tmp_path, {"adam": ADAM, "sgd": ADAM}) / "plots/valid/sgd.csv", "spoilt")
    found = read_revision("old", tmp_path).seen
    assert found["adam"].trusted
    assert found["sgd"].problem.startswith("plots/valid/sgd.csv is not what train@sgd wrote")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a: [", "is not YAML"),
        ("", "optimizers: must be a mapping of at least one entry"),
        ("seeds: [0]\noptimizers: {}", "optimizers: must be a mapping"),
        ("seeds: [0]\noptimizers: {adam: 3}", "optimizers: must be a mapping"),
        ("optimizers: {adam: {}}", "seeds: must be a list of whole numbers"),
        ("seeds: [[0]]\noptimizers: {adam: {}}", "seeds: must be a list of whole numbers"),
    ],
)
def test_params_that_are_none(tmp_path: Path, content: str, told: str) -> None:
    put(write(tmp_path, {"adam": ADAM}) / "params.yaml", content)
    with pytest.raises(InputError, match=rf"^HEAD: params\.yaml: {told}"):
        read_revision("HEAD", tmp_path)


def test_no_params(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^the workspace: has no params\.yaml; run this in the project's folder$"):
        read_revision("the workspace", tmp_path)
