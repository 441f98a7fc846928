from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from reviewed import Trained, lock, put, write

from stages.configure import configure
from stages.lib.errors import InputError
from stages.lib.review import provenance
from stages.lib.review.provenance import load_lock

TWO = {"adam": Trained({0: [1, 2], 1: [3]}), "sgd": Trained({0: [4], 1: [5, 6]})}


def test_results_that_were_just_made_are_fresh(tmp_path: Path) -> None:
    found = load_lock(write(tmp_path, TWO), "old")
    for name in TWO:
        assert found.stale_training(name) == found.stale(f"evaluate@{name}") == found.stale(f"judge@{name}") == ""
    assert found.data("adam") == "d" * 32
    assert found.data("nobody") == ""


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("params.yaml", "params.yaml has changed since configure ran; run 'dvc repro'"),
        ("stages/train.py", "stages/train.py has changed since train@adam ran; run 'dvc repro'"),
        ("plots/valid/adam.csv", "plots/valid/adam.csv is not what train@adam wrote, says dvc.lock; run 'dvc repro'"),
        (
            "plots/mistakes/adam.csv",
            "plots/mistakes/adam.csv is not what train@adam wrote, says dvc.lock; run 'dvc repro'",
        ),
    ],
)
def test_anything_edited_after_the_training_is_told(tmp_path: Path, path: str, told: str) -> None:
    file = write(tmp_path, TWO) / path
    file.write_text(file.read_text() + "\n")
    assert load_lock(tmp_path, "old").stale_training("adam") == told


def test_another_optimizers_results_do_not_matter(tmp_path: Path) -> None:
    put(write(tmp_path, TWO) / "plots/valid/sgd.csv", "spoilt")
    assert load_lock(tmp_path, "old").stale_training("adam") == ""


def test_code_that_is_gone_is_a_change(tmp_path: Path) -> None:
    (write(tmp_path, TWO) / "stages/train.py").unlink()
    assert load_lock(tmp_path, "old").stale_training("adam").startswith("stages/train.py has changed")


def test_never_trained(tmp_path: Path) -> None:
    write(tmp_path, TWO)
    lock(tmp_path, ["sgd"])
    assert load_lock(tmp_path, "old").stale_training("adam") == "dvc.lock has no stage train@adam; run 'dvc repro'"


def test_weights_that_were_trained_anew_make_their_evaluation_old(tmp_path: Path) -> None:
    content = yaml.safe_load((write(tmp_path, TWO) / "dvc.lock").read_text())
    content["stages"]["train@adam"]["outs"][-1]["md5"] = "0" * 32 + ".dir"
    put(tmp_path / "dvc.lock", yaml.safe_dump(content))
    found = load_lock(tmp_path, "old")
    assert found.stale("evaluate@adam") == "data/models/adam was made anew after evaluate@adam read it; run 'dvc repro'"
    assert found.stale_training("adam") == ""


@pytest.mark.parametrize(
    "text", ["", "[]", "stages: 3", "{", "a: b", "\x00", "stages: {a: 1}", "stages: {a: {deps: [1]}}"]
)
def test_lock_that_is_none(tmp_path: Path, text: str) -> None:
    put(tmp_path / "dvc.lock", text)
    with pytest.raises(InputError, match=r"^HEAD: dvc\.lock: is not DVC's; run 'dvc repro' to make it anew$"):
        load_lock(tmp_path, "HEAD")


def test_no_lock(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^HEAD: has no dvc\.lock: nothing was ever trained; run 'dvc repro'$"):
        load_lock(tmp_path, "HEAD")


def test_settings_are_those_that_configure_writes(tmp_path: Path, params_file: Callable[[str, str], Path]) -> None:
    """A half-finished `dvc repro`: configure has seen the new momentum, the training has not."""
    configure(params_file("", ""), tmp_path / "data/config")
    for path in provenance.SETTINGS:
        put(tmp_path / path, (provenance.HERE / path).read_text())
    config = tmp_path / "data/config/momentum/train.json"
    found = load_lock(_locked(tmp_path, provenance._md5(config)), "old")
    assert found.stale_training("momentum") == ""
    params_file("momentum: 0.9", "momentum: 0.8")
    found = load_lock(_locked(tmp_path, provenance._md5(config)), "old")
    assert found.stale_training("momentum") == "params.yaml has changed since train@momentum ran; run 'dvc repro'"
    put(tmp_path / provenance.SETTINGS[0], "another version, whose settings may look otherwise")
    assert found.stale_training("momentum") == ""


def _locked(folder: Path, settings: str) -> Path:
    params = {"path": "params.yaml", "md5": provenance._md5(folder / "params.yaml")}
    train = {"path": "data/config/momentum/train.json", "md5": settings}
    stages = {"configure": {"deps": [params]}, "train@momentum": {"deps": [train]}}
    put(folder / "dvc.lock", yaml.safe_dump({"stages": stages}))
    return folder
