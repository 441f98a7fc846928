"""Results and stages of optimizers that are gone, in folders and in a dvc.lock that DVC itself wrote."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from stages.lib.config.leftovers import remove_results, remove_stages

# `gone` is what configure does: it rewrites dvc.lock while DVC waits for it
DVC_YAML = f"""
stages:
  configure:
    cmd: '"{Path(sys.executable).as_posix()}" gone.py'
    deps: [params.yaml]
    outs: [data/config: {{cache: false}}]
  train:
    foreach: ${{optimizers}}
    do:
      cmd: echo ${{item}} > data/${{key}}.jsonl
      deps: [data/config]
      outs: ["data/${{key}}.jsonl"]
"""
GONE = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from pathlib import Path
import yaml
from stages.lib.config.leftovers import remove_results, remove_stages
optimizers = yaml.safe_load(Path("params.yaml").read_text())["optimizers"]
Path("data/config").mkdir(parents=True)
remove_results([Path("data")], ["config", *optimizers])
remove_stages(Path("dvc.lock"), optimizers)
"""


def dvc(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *words], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline with the optimizers sgd and adam, that has run."""
    folder = tmp_path_factory.mktemp("pipeline")
    (folder / "dvc.yaml").write_text(DVC_YAML, encoding="utf-8")
    (folder / "gone.py").write_text(GONE, encoding="utf-8")
    ask_for(folder, "sgd", "adam")
    dvc(folder, "init", "--quiet", "--no-scm")
    dvc(folder, "repro", "--quiet")
    return folder


def ask_for(folder: Path, *optimizers: str) -> None:
    (folder / "params.yaml").write_text(yaml.safe_dump({"optimizers": dict.fromkeys(optimizers, 1)}), encoding="utf-8")


def stages(folder: Path) -> list[str]:
    content = yaml.safe_load((folder / "dvc.lock").read_text(encoding="utf-8"))
    assert set(content) == {"schema", "stages"}
    return sorted(content["stages"])


def test_optimizer_that_goes_comes_back_and_goes_again(committed: Path) -> None:
    """Each time dvc.lock and data/ hold what params.yaml asks for, and nothing is trained again."""
    both = (committed / "dvc.lock").read_bytes()
    for optimizers in (["sgd"], ["sgd", "adam"], ["sgd"], ["sgd", "adam"]):
        ask_for(committed, *optimizers)
        output = dvc(committed, "repro")
        assert "Running stage 'configure'" in output
        assert "Running stage 'train@" not in output
        assert stages(committed) == ["configure", *sorted(f"train@{name}" for name in optimizers)]
        assert sorted(path.stem for path in (committed / "data").glob("*.jsonl")) == sorted(optimizers)
        before = (committed / "dvc.lock").read_bytes()
        assert "up to date" in dvc(committed, "repro")
        assert (committed / "dvc.lock").read_bytes() == before
    assert len((committed / "dvc.lock").read_bytes()) == len(both)


def test_lock_is_not_touched_when_nothing_is_gone(committed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = committed / "dvc.lock"
    before = lock.stat().st_mtime_ns
    monkeypatch.setattr(Repo, "__init__", None)
    remove_stages(lock, ["adam", "sgd", "another"])
    assert lock.stat().st_mtime_ns == before


def test_lock_that_another_dvc_holds_stays(committed: Path) -> None:
    before = (committed / "dvc.lock").read_bytes()
    with Repo(str(committed)) as repo, repo.lock:
        remove_stages(committed / "dvc.lock", ["adam"])
    assert (committed / "dvc.lock").read_bytes() == before


def test_lock_outside_of_dvc_stays(tmp_path: Path) -> None:
    lock = tmp_path / "dvc.lock"
    remove_stages(lock, ["adam"])
    assert not lock.exists()
    for content in ("", "schema: '2.0'\nstages:\n  train@sgd:\n    cmd: a\n"):
        lock.write_text(content)
        remove_stages(lock, ["adam"])
        assert lock.read_text() == content


def test_only_what_is_named_after_no_optimizer_goes(tmp_path: Path) -> None:
    for name in (
        "train/adam.jsonl",
        "train/adamw.jsonl",
        "train/.sgd.jsonl.tmp",
        "weights/adam/0.npz",
        "other/sgd.npz",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "weights/sgd/deep").mkdir(parents=True)
    (tmp_path / "weights/sgd/deep/1.npz").touch()
    remove_results([tmp_path / "train", tmp_path / "weights", tmp_path / "missing"], ["adam", "rmsprop"])
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["other/sgd.npz", "train/.sgd.jsonl.tmp", "train/adam.jsonl", "weights/adam/0.npz"]
