"""mend: what a dvc that was killed may leave half-written, so that nothing needs removing by hand."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import yaml
import zc.lockfile
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from voluptuous import Invalid

from stages.lib.command import command
from stages.lib.errors import InputError
from stages.lib.files import replacing


def mend(lock: Path, folder: Path) -> None:
    """Check dvc's `lock` file and the list of who reads and writes what in dvc's temporary `folder`.

    dvc 3 writes both in place. A cut-off lock file becomes that of the last commit, or where there is none, goes: dvc
    then finds the finished stages in its run cache. A list goes if it is cut off or if no process in it is a dvc.
    While another dvc is at work nothing is touched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _held(folder / "lock") as free, _held(folder / "rwlock.lock") as unlisted:
        if free and unlisted and not _at_work(folder / "rwlock"):
            (folder / "rwlock").unlink(missing_ok=True)
            _mend_lock(lock)


@contextmanager
def _held(path: Path) -> Iterator[bool]:
    """Hold one of dvc's own locks; False if a dvc holds it. The system frees them when their holder dies."""
    try:
        held = zc.lockfile.LockFile(str(path))
    except zc.lockfile.LockError:
        yield False
        return
    try:
        yield True
    finally:
        held.close()


def _at_work(listed: Path) -> bool:
    try:
        content = json.loads(listed.read_text(encoding="utf-8"))
        writers = list(content.get("write", {}).values())
        readers = [reader for readers in content.get("read", {}).values() for reader in readers]
        return any(_is_dvc(entry["pid"]) for entry in writers + readers)
    except (FileNotFoundError, ValueError, AttributeError, TypeError, KeyError):  # not there, or cut off
        return False


def _is_dvc(process: int) -> bool:
    """Whether a dvc has this id: after a restart of the machine it may be anyone's."""
    try:
        return any("dvc" in word for word in psutil.Process(process).cmdline())
    except psutil.Error:
        return False


def _mend_lock(lock: Path) -> None:
    if not lock.exists() or _is_whole(lock):
        return
    if b"<<<<<<< " in lock.read_bytes():
        raise InputError(f"{lock}: holds a merge conflict; take either side, as with 'git checkout --ours {lock}'")
    committed = _committed(lock)
    if committed is None:
        lock.unlink()
    else:
        with replacing(lock) as temporary:
            temporary.write_bytes(committed)
    print(f"{lock} was cut off when dvc was killed; finished stages come back from dvc's run cache", file=sys.stderr)


def _committed(lock: Path) -> bytes | None:
    """The file in the last commit, if there is git and a commit with it."""
    if not shutil.which("git"):
        return None
    shown = subprocess.run(["git", "show", f"HEAD:./{lock}"], capture_output=True, check=False)
    return None if shown.returncode else shown.stdout


def _is_whole(lock: Path) -> bool:
    """Whether dvc can read it. Where the cut left a part that it can, dvc itself repeats the stages that are lost."""
    try:
        COMPILED_LOCKFILE_SCHEMA(yaml.load(lock.read_text(encoding="utf-8"), yaml.CSafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError, Invalid):
        return False
    return True


if __name__ == "__main__":
    command(mend)
