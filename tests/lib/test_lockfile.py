"""Against the hashes that dvc itself has written to this repository's dvc.lock."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stages.lib.errors import InputError
from stages.lib.lockfile import hash_of, load_locked

ROOT = Path(__file__).parents[2]


def test_stage_of_this_repository() -> None:
    locked = load_locked(ROOT / "dvc.lock", "train@adam")
    assert locked.command[:5] == ("python", "-m", "stages.train", "data/mnist.npz", "data/config/adam/train.json")
    assert locked.hashes["plots/valid/adam.csv"] == hash_of(ROOT / "plots/valid/adam.csv")
    assert locked.hashes["data/models/adam"].endswith(".dir")


def test_unknown_stage_names_those_that_there_are() -> None:
    with pytest.raises(InputError, match=r"^dvc\.lock: has no train@adm; allowed: adagrad, adam, momentum, rmsprop, s"):
        load_locked(ROOT / "dvc.lock", "train@adm")


@pytest.mark.parametrize("content", ["", "a: [", "stages:\n", "stages: {'train@a': {}}", "stages: {'train@a': 1}"])
def test_no_lock_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "dvc.lock").write_text(content)
    with pytest.raises(InputError, match=r"^dvc\.lock: is not what dvc writes; run 'make repro' to make it anew$"):
        load_locked(tmp_path / "dvc.lock", "train@a")


def test_hash_of_a_folder_is_dvcs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models/b").mkdir(parents=True)
    for name in ("10.x", "2.x", "b/é.x", "b.x"):
        (tmp_path / "models" / name).write_text(name)
    for words in (["init", "--quiet", "--no-scm"], ["add", "--quiet", "models"]):
        subprocess.run([sys.executable, "-m", "dvc", *words], check=True)
    recorded = yaml.safe_load((tmp_path / "models.dvc").read_text())["outs"][0]["md5"]
    assert hash_of(tmp_path / "models") == recorded
    assert hash_of(tmp_path / "models/2.x") == hashlib.md5(b"2.x").hexdigest()
    assert hash_of(tmp_path / "other") is None
