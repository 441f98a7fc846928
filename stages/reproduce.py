"""reproduce: train one committed result again, in a temporary place, and tell whether the same comes out here."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.lib.agreement import agreement
from stages.lib.command import command
from stages.lib.curves import VALID_COLUMNS
from stages.lib.errors import InputError
from stages.lib.lockfile import Locked, hash_of, load_locked
from stages.lib.records import Value, read_csv, read_json

LOCK = "dvc.lock"
COPIED = ("stages", "metrics", "plots", "params.yaml", LOCK)  # where there is no git to give what is committed


def reproduce(optimizer: str) -> None:
    """Train an optimizer of the committed params.yaml again, and compare with its committed results.

    Prints "bitwise equal", "within tolerance" or "different". Exit code 1 if different. Nothing here is changed.
    """
    here = Path.cwd()
    with TemporaryDirectory(prefix="reproduce-") as folder:
        committed, again = Path(folder, "committed"), Path(folder, "again")
        _take_committed(here, committed)
        trained = load_locked(committed / LOCK, f"train@{optimizer}")
        shutil.copytree(committed, again)
        for path in trained.hashes:  # what is found there afterwards was made here
            (again / path).unlink(missing_ok=True)
        _prepare(here, again)
        _run(again, trained)
        sys.exit(_compare(optimizer, trained, committed, again))


def _take_committed(here: Path, target: Path) -> None:
    if shutil.which("git"):
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=here, capture_output=True, check=False)
        if archive.returncode == 0:
            with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
                tar.extractall(target, filter="data")
            return
    target.mkdir()
    for name in COPIED:
        copy = shutil.copytree if Path(here, name).is_dir() else shutil.copy
        copy(here / name, target / name)


def _prepare(here: Path, again: Path) -> None:
    """Give the folder its data and settings; the data as they are here if they are the committed ones."""
    prepared = load_locked(again / LOCK, "prepare")
    if all(hash_of(here / path) == known for path, known in prepared.hashes.items()):
        for path in prepared.hashes:
            (again / path).parent.mkdir(parents=True, exist_ok=True)
            (again / path).symlink_to(here / path)
    else:
        _run(again, load_locked(again / LOCK, "fetch"))
        _run(again, prepared)
    _run(again, load_locked(again / LOCK, "configure"))


def _run(folder: Path, stage: Locked) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"}
    words = [sys.executable, *stage.command[1:]]
    if subprocess.run(words, cwd=folder, env=environment, check=False).returncode:
        raise InputError(f"'{' '.join(stage.command[:3])}' of the committed code has failed, see above")


def _compare(optimizer: str, trained: Locked, committed: Path, again: Path) -> int:
    timing = f"metrics/timing/{optimizer}.json"
    compared = {path: known for path, known in trained.hashes.items() if path != timing}
    changed = [path for path, known in compared.items() if hash_of(again / path) != known]
    if not changed:
        print(f"{optimizer}: bitwise equal: {', '.join(compared)}")
        return 0
    valid = f"plots/valid/{optimizer}.csv"
    found = agreement(_rows(committed, valid), _rows(again, valid))
    answer = "within tolerance" if found.within else "different"
    print(f"{optimizer}: {answer} (largest difference: {found.largest})")
    print(f"not bitwise equal: {', '.join(changed)}")
    _print_machines(read_json(committed / timing), read_json(again / timing))
    return 0 if found.within else 1


def _rows(folder: Path, valid: str) -> list[dict[str, str]]:
    rows = read_csv(folder / valid, VALID_COLUMNS)
    if not rows:
        raise InputError(f"{folder / valid}: has no rows; run 'dvc repro' to make it anew")
    return rows


def _print_machines(committed: dict[str, Value], here: dict[str, Value]) -> None:
    rows = [("", "committed", "here")]
    rows += [(key, str(committed.get(key, "not recorded")), str(value)) for key, value in here.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for name, old, new in rows:
        print(f"{name:{widths[0]}}  {old:{widths[1]}}  {new}".rstrip())


if __name__ == "__main__":
    command(reproduce)
