from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from dvc_data.hashfile.build import build
from dvc_data.hashfile.db import HashFileDB
from dvc_objects.fs.local import LocalFileSystem
from reviewed import Trained, lock, put, write

from review import provenance
from review.__main__ import settings_md5
from review.provenance import load_lock, md5_of
from stages.configure import configure
from stages.lib.files.errors import InputError

TWO = {"adam": Trained({0: [1, 2], 1: [3]}), "sgd": Trained({0: [4], 1: [5, 6]})}


def test_results_that_were_just_made_are_fresh(tmp_path: Path) -> None:
    found = load_lock(write(tmp_path, TWO), "old", settings_md5)
    assert {found.stale_runs(name) for name in TWO} | {found.stale(stage) for stage in found.stages} == {""}
    assert found.data("adam") == "d" * 32
    assert found.data("nobody") == ""


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("params.yaml", "params.yaml has changed since configure ran; run 'dvc repro'"),
        ("stages/train.py", "stages/train.py has changed since train ran; run 'dvc repro'"),
        ("stages/lib/training/network.py", "stages/lib/training has changed since train ran; run 'dvc repro'"),
        (
            "plots/training_loss.csv",
            "plots/training_loss.csv is not what compare wrote, says dvc.lock; run 'dvc repro'",
        ),
        ("plots/wrong_images.csv", "plots/wrong_images.csv is not what compare wrote, says dvc.lock; run 'dvc repro'"),
    ],
)
def test_anything_edited_after_the_training_is_told(tmp_path: Path, path: str, told: str) -> None:
    file = write(tmp_path, TWO) / path
    file.write_text(file.read_text() + "\n")
    assert load_lock(tmp_path, "old", settings_md5).stale_runs("adam") == told


def test_code_that_is_new_or_gone_is_a_change(tmp_path: Path) -> None:
    put(write(tmp_path, TWO) / "stages/lib/training/layers.py", "pass\n")
    assert load_lock(tmp_path, "old", settings_md5).stale_runs("adam").startswith("stages/lib/training has changed")
    (write(tmp_path, TWO) / "stages/train.py").unlink()
    assert load_lock(tmp_path, "old", settings_md5).stale_runs("adam").startswith("stages/train.py has changed")


@pytest.mark.parametrize("path", ["plots/training_loss.csv", "plots/wrong_images.csv"])
def test_result_that_is_gone_is_told(tmp_path: Path, path: str) -> None:
    (write(tmp_path, TWO) / path).unlink()
    assert load_lock(tmp_path, "old", settings_md5).stale_runs("adam").startswith(f"{path} is not what compare wrote")


def test_what_dvc_ignores_is_no_change(tmp_path: Path) -> None:
    put(tmp_path / ".dvcignore", "__pycache__/\n")
    write(tmp_path, TWO)
    put(tmp_path / "stages/lib/training/__pycache__/network.pyc", "bytes")
    assert load_lock(tmp_path, "old", settings_md5).stale_runs("adam") == ""


def test_never_trained(tmp_path: Path) -> None:
    lock(write(tmp_path, TWO), ["sgd"])
    assert (
        load_lock(tmp_path, "old", settings_md5).stale_runs("adam")
        == "dvc.lock has no stage train@adam; run 'dvc repro'"
    )


def relocked(folder: Path, stage: str, path: str) -> provenance.Lock:
    """The lock after a stage wrote other bytes to a path that is in DVC's cache alone."""
    content = yaml.safe_load((folder / "dvc.lock").read_text())
    for entry in content["stages"][stage]["outs"]:
        entry["md5"] = "0" * 32 if entry["path"] == path else entry["md5"]
    put(folder / "dvc.lock", yaml.safe_dump(content))
    return load_lock(folder, "old", settings_md5)


def test_runs_that_were_trained_anew_make_the_tables_and_the_verdicts_old(tmp_path: Path) -> None:
    found = relocked(write(tmp_path, TWO), "train@sgd", "data/train/sgd.jsonl")
    assert found.stale("train@sgd") == ""
    assert found.stale_runs("adam") == "data/train was made anew after compare read it; run 'dvc repro'"
    assert found.stale("judge") == "data/train was made anew after judge read it; run 'dvc repro'"


def test_sweep_that_changed_makes_the_verdicts_old_and_the_runs_not(tmp_path: Path) -> None:
    """With its entry in dvc.lock, as after `dvc repro -s sweep@adam`, and without, as after an edit."""
    put(write(tmp_path, TWO) / "data/sweep/adam.jsonl", "other\n")
    found = load_lock(tmp_path, "old", settings_md5)
    assert found.stale("judge") == "data/sweep has changed since judge ran; run 'dvc repro'"
    found = relocked(tmp_path, "sweep@adam", "data/sweep/adam.jsonl")
    assert found.stale("judge") == "data/sweep was made anew after judge read it; run 'dvc repro'"
    assert found.stale_runs("adam") == ""


def test_metrics_that_were_edited(tmp_path: Path) -> None:
    put(write(tmp_path, TWO) / "metrics/adam.json", '{"accuracy": 0.99}')
    found = load_lock(tmp_path, "old", settings_md5)
    assert found.stale("judge") == "metrics is not what judge wrote, says dvc.lock; run 'dvc repro'"
    assert found.stale_runs("adam") == ""


def test_hashes_are_those_of_dvc(tmp_path: Path) -> None:
    for name in ("b.py", "a b/ä.py", "a/z.py", "a.py", "Z.py"):
        put(tmp_path / "code" / name, name)
    fs = LocalFileSystem()
    odb = HashFileDB(fs, str(tmp_path / "cache"))
    for path in ("code", "code/a.py"):
        found = build(odb, str(tmp_path / path), fs, "md5", dry_run=True)[2].hash_info
        assert md5_of(tmp_path, path) == found.value
    assert md5_of(tmp_path, "missing") == ""


@pytest.mark.parametrize(
    "text", ["", "[]", "stages: 3", "{", "a: b", "\x00", "stages: {a: 1}", "stages: {a: {deps: [1]}}"]
)
def test_lock_that_is_none(tmp_path: Path, text: str) -> None:
    put(tmp_path / "dvc.lock", text)
    with pytest.raises(InputError, match=r"^HEAD: dvc\.lock: is not DVC's; run 'dvc repro' to make it anew$"):
        load_lock(tmp_path, "HEAD", settings_md5)


def test_no_lock(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^HEAD: has no dvc\.lock: nothing was ever trained; run 'dvc repro'$"):
        load_lock(tmp_path, "HEAD", settings_md5)


def test_settings_are_those_that_configure_writes(tmp_path: Path, params_file: Callable[[str, str], Path]) -> None:
    """A half-finished `dvc repro`: configure has seen the new momentum, the training has not."""
    configure(params_file("", ""), tmp_path / "data/config", results="", lock=tmp_path / "none.lock")
    for path in provenance.SETTINGS:
        found = provenance.HERE / path
        for file in found.glob("*.py") if found.is_dir() else [found]:
            put(tmp_path / file.relative_to(provenance.HERE), file.read_bytes().decode())
    settings = md5_of(tmp_path, "data/config/momentum/train.json")
    assert _locked(tmp_path, settings).stale_runs("momentum") == ""
    params_file("momentum: 0.9", "momentum: 0.8")
    told = "params.yaml has changed since train ran; run 'dvc repro'"
    assert _locked(tmp_path, settings).stale_runs("momentum") == told
    put(tmp_path / "stages/lib/config/settings.py", "another version, whose settings may look otherwise")
    assert _locked(tmp_path, settings).stale_runs("momentum") == ""


def _locked(folder: Path, settings: str) -> provenance.Lock:
    params = {"path": "params.yaml", "md5": md5_of(folder, "params.yaml")}
    train = {"path": "data/config/momentum/train.json", "md5": settings}
    stages = {"configure": {"deps": [params]}, "train@momentum": {"deps": [train]}, "compare": {}}
    put(folder / "dvc.lock", yaml.safe_dump({"stages": stages}))
    return load_lock(folder, "old", settings_md5)
