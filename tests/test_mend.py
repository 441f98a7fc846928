"""What a killed dvc leaves half-written, as it was seen: both files are written in place."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import zc.lockfile

from stages.lib.errors import InputError
from stages.mend import mend

LOCK = """\
schema: '2.0'
stages:
  fetch:
    cmd: python -m stages.fetch params.yaml data/mnist.json.gz
    outs:
    - path: data/mnist.json.gz
      md5: 7b93d8a686e1b4d7de79ae62682c6e0a
"""
LISTED = '{"write": {"/a/data": {"pid": %d, "cmd": "dvc repro"}}, "read": {}}'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a whole lock file and no git."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "dvc.lock").write_text(LOCK)
    return tmp_path


def git(*words: str) -> None:
    identity = ["-c", "user.name=A User", "-c", "user.email=user@example.invalid"]
    subprocess.run(["git", *identity, *words], check=True, capture_output=True)


def run_mend() -> None:
    mend(Path("dvc.lock"), Path(".dvc/tmp"))


@pytest.mark.parametrize("content", [LOCK, LOCK + "  prepare:\n    cmd: python -m stages.prepare\n"])
def test_what_dvc_can_read_stays(folder: Path, capfd: pytest.CaptureFixture[str], content: str) -> None:
    (folder / "dvc.lock").write_text(content)
    run_mend()
    assert (folder / "dvc.lock").read_text() == content
    assert capfd.readouterr().err == ""


def test_no_lock_file_is_needed(folder: Path) -> None:
    (folder / "dvc.lock").unlink()
    run_mend()
    assert not (folder / "dvc.lock").exists()


CUTS = [0, 10, LOCK.index("  fetch"), LOCK.index("cmd") + 2, LOCK.index("cmd:") + 4]


@pytest.mark.parametrize("length", CUTS)
def test_cut_off_lock_becomes_the_committed_one(folder: Path, capfd: pytest.CaptureFixture[str], length: int) -> None:
    git("init", "--quiet")
    git("add", "dvc.lock")
    git("commit", "--quiet", "--message", "results")
    (folder / "dvc.lock").write_text((LOCK + "  other:\n    cmd: x\n")[:length])
    run_mend()
    assert (folder / "dvc.lock").read_text() == LOCK
    line = "dvc.lock was cut off when dvc was killed; finished stages come back from dvc's run cache\n"
    assert capfd.readouterr().err == line


@pytest.mark.parametrize("length", CUTS)
def test_cut_off_lock_goes_where_there_is_no_git(folder: Path, length: int) -> None:
    (folder / "dvc.lock").write_text(LOCK[:length])
    run_mend()
    assert not (folder / "dvc.lock").exists()


def test_cut_off_lock_goes_where_git_is_not_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "dvc.lock").write_text(LOCK[: CUTS[-1]])
    monkeypatch.setenv("PATH", str(folder))
    run_mend()
    assert not (folder / "dvc.lock").exists()


def test_merge_conflict_is_the_users(folder: Path) -> None:
    content = f"<<<<<<< HEAD\n{LOCK}=======\n{LOCK}>>>>>>> other\n"
    (folder / "dvc.lock").write_text(content)
    with pytest.raises(
        InputError, match=r"^dvc\.lock: holds a merge conflict; take either side, as with 'git checkout"
    ):
        run_mend()
    assert (folder / "dvc.lock").read_text() == content


def listed(folder: Path, text: str) -> Path:
    path = folder / ".dvc/tmp/rwlock"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    ["", '{"write": {"/a', "[]", LISTED % os.getpid(), '{"write": {}}'],
    ids=["empty", "cut off", "list", "no dvc", "nobody"],  # the same for all of pytest's workers
)
def test_list_goes_when_no_dvc_is_in_it(folder: Path, text: str) -> None:
    """Also one with the id of a process that is no dvc, as after a restart of the machine."""
    path = listed(folder, text)
    run_mend()
    assert not path.exists()


def test_nothing_is_touched_while_a_dvc_is_at_work(folder: Path) -> None:
    script = folder / "dvc"
    script.write_text("import time; time.sleep(30)")
    with subprocess.Popen([sys.executable, str(script), "repro"]) as other:
        path = listed(folder, json.dumps(json.loads(LISTED % other.pid)))
        (folder / "dvc.lock").write_text(LOCK[:50])
        time.sleep(0.2)
        run_mend()
        other.kill()
    assert path.exists()
    assert (folder / "dvc.lock").read_text() == LOCK[:50]


@pytest.mark.parametrize("name", ["lock", "rwlock.lock"])
def test_nothing_is_touched_while_a_dvc_holds_a_lock(folder: Path, name: str) -> None:
    path = listed(folder, "")
    held = zc.lockfile.LockFile(str(path.parent / name))
    (folder / "dvc.lock").write_text(LOCK[:50])
    run_mend()
    held.close()
    assert path.exists()
    assert (folder / "dvc.lock").read_text() == LOCK[:50]
