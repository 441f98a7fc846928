from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from dvc_data.hashfile.build import build
from dvc_data.hashfile.db import HashFileDB
from dvc_objects.fs.local import LocalFileSystem
from reviewed import Trained, files, lock, md5, put, write

from review.provenance import Lock, hashes, load_lock, md5_of
from stages.configure import configure
from stages.lib.files.errors import InputError

RUNS = ("configure", "train@adam", "compare")  # what tells of the runs of adam
TWO = {"adam": Trained({0: [1, 2], 1: [3]}), "sgd": Trained({0: [4], 1: [5, 6]})}


def test_results_that_were_just_made_are_fresh(tmp_path: Path) -> None:
    found = load_lock("old", files(write(tmp_path, TWO)))
    assert {found.stale(*RUNS)} | {found.stale(stage) for stage in found.deps} == {""}


def test_what_dvc_knows_without_an_md5_is_left_out(tmp_path: Path) -> None:
    """As of a dependency on another machine."""
    content = yaml.safe_load((write(tmp_path, TWO) / "dvc.lock").read_text())
    content["stages"]["train@adam"]["deps"].append({"path": "https://example.invalid/a", "checksum": "b"})
    put(tmp_path / "dvc.lock", yaml.safe_dump(content))
    assert load_lock("old", files(tmp_path)).stale(*RUNS) == ""


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
    assert load_lock("old", files(tmp_path)).stale(*RUNS) == told


def test_code_that_is_new_or_gone_is_a_change(tmp_path: Path) -> None:
    put(write(tmp_path, TWO) / "stages/lib/training/layers.py", "pass\n")
    assert load_lock("old", files(tmp_path)).stale(*RUNS).startswith("stages/lib/training has changed")
    (write(tmp_path, TWO) / "stages/train.py").unlink()
    assert load_lock("old", files(tmp_path)).stale(*RUNS).startswith("stages/train.py has changed")


@pytest.mark.parametrize("path", ["plots/training_loss.csv", "plots/wrong_images.csv"])
def test_result_that_is_gone_is_told(tmp_path: Path, path: str) -> None:
    (write(tmp_path, TWO) / path).unlink()
    assert load_lock("old", files(tmp_path)).stale(*RUNS).startswith(f"{path} is not what compare wrote")


def test_never_trained(tmp_path: Path) -> None:
    lock(write(tmp_path, TWO), ["sgd"])
    assert load_lock("old", files(tmp_path)).stale(*RUNS) == "dvc.lock has no stage train@adam; run 'dvc repro'"


def relocked(folder: Path, stage: str, path: str) -> Lock:
    """The lock after a stage wrote other bytes to a path that is in DVC's cache alone."""
    content = yaml.safe_load((folder / "dvc.lock").read_text())
    for entry in content["stages"][stage]["outs"]:
        entry["md5"] = "0" * 32 if entry["path"] == path else entry["md5"]
    put(folder / "dvc.lock", yaml.safe_dump(content))
    return load_lock("old", files(folder))


def test_runs_that_were_trained_anew_make_the_tables_and_the_verdicts_old(tmp_path: Path) -> None:
    found = relocked(write(tmp_path, TWO), "train@sgd", "data/train/sgd.jsonl")
    assert found.stale("train@sgd") == ""
    assert found.stale(*RUNS) == "data/train has changed since compare ran; run 'dvc repro'"
    assert found.stale("judge") == "data/train has changed since judge ran; run 'dvc repro'"


def test_sweep_that_changed_makes_the_verdicts_old_and_the_runs_not(tmp_path: Path) -> None:
    """With its entry in dvc.lock, as after `dvc repro -s sweep@adam`, and without, as after an edit."""
    put(write(tmp_path, TWO) / "data/sweep/adam.jsonl", "other\n")
    found = load_lock("old", files(tmp_path))
    assert found.stale("judge") == "data/sweep has changed since judge ran; run 'dvc repro'"
    found = relocked(tmp_path, "sweep@adam", "data/sweep/adam.jsonl")
    assert found.stale("judge") == "data/sweep has changed since judge ran; run 'dvc repro'"
    assert found.stale(*RUNS) == ""


def test_metrics_that_were_edited(tmp_path: Path) -> None:
    put(write(tmp_path, TWO) / "metrics/adam.json", '{"accuracy": 0.99}')
    found = load_lock("old", files(tmp_path))
    assert found.stale("judge") == "metrics is not what judge wrote, says dvc.lock; run 'dvc repro'"
    assert found.stale(*RUNS) == ""


def test_hashes_are_those_of_dvc(tmp_path: Path) -> None:
    for name in ("b.py", "a b/ä.py", "a/z.py", "a.py", "Z.py"):
        put(tmp_path / "code" / name, name)
    fs = LocalFileSystem()
    odb = HashFileDB(fs, str(tmp_path / "cache"))
    for path in ("code", "code/a.py"):
        found = build(odb, str(tmp_path / path), fs, "md5", dry_run=True)[2].hash_info
        assert md5(tmp_path, path) == found.value
    assert md5(tmp_path, "missing") == ""


@pytest.mark.parametrize(
    "text", ["", "[]", "stages: 3", "{", "a: b", "\x00", "stages: {a: 1}", "stages: {a: {deps: [1]}}"]
)
def test_lock_that_is_none(tmp_path: Path, text: str) -> None:
    put(tmp_path / "dvc.lock", text)
    with pytest.raises(InputError, match=r"^HEAD: dvc\.lock: is not DVC's; run 'dvc repro' to make it anew$"):
        load_lock("HEAD", files(tmp_path))


def test_no_lock(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^HEAD: has no dvc\.lock: nothing was ever trained; run 'dvc repro'$"):
        load_lock("HEAD", files(tmp_path))


def test_half_finished_repro(tmp_path: Path, params_file: Callable[[str, str], Path]) -> None:
    """Configure has seen the new momentum, the training has not."""
    read: dict[str, str] = {}
    for momentum in (0.9, 0.8):
        params = params_file("momentum: 0.9", f"momentum: {momentum}")
        configure(params, tmp_path / "data/config", tmp_path / "data/network", results="", lock=tmp_path / "none.lock")
        wrote = {path: md5 for path, md5 in hashes(files(tmp_path)).items() if path.startswith("data/config/")}
        read = read or wrote
        stages = {
            "configure": {
                "deps": [{"path": "params.yaml", "md5": md5(tmp_path, "params.yaml")}],
                "outs": [{"path": "data/config", "md5": md5_of(wrote, "data/config")}],
            },
            "train@momentum": {"deps": [{"path": path, "md5": known} for path, known in read.items()]},
        }
        content = {"dvc.lock": yaml.safe_dump({"stages": stages}).encode(), "params.yaml": params.read_bytes()}
        stale = load_lock("old", content).stale("configure", "train@momentum")
        assert stale == (
            "" if read == wrote else "data/config is not what configure wrote, says dvc.lock; run 'dvc repro'"
        )


def test_settings_that_two_stages_read_at_different_times(tmp_path: Path) -> None:
    content = yaml.safe_load((write(tmp_path, TWO) / "dvc.lock").read_text())
    content["stages"]["tune@sgd"] = {"deps": [{"path": "data/config/adam/train.json", "md5": "c" * 32}]}
    content["stages"]["train@adam"]["deps"][1]["md5"] = "0" * 32
    put(tmp_path / "dvc.lock", yaml.safe_dump(content))
    told = "data/config/adam/train.json has changed since train ran; run 'dvc repro'"
    assert load_lock("old", files(tmp_path)).stale(*RUNS) == told


def test_committed_stages_have_read_all_that_configure_wrote() -> None:
    """Or no revision's runs would be trusted."""
    found = load_lock("HEAD", {"dvc.lock": (Path(__file__).parents[2] / "dvc.lock").read_bytes()})
    assert md5_of(found.now, "data/config") == found.outs["configure"]["data/config"]
