"""What dvc.lock records of a stage: its command, and the hash of each of its results."""

import hashlib
import json
import shlex
from dataclasses import dataclass
from pathlib import Path

import yaml

from stages.lib.errors import InputError


@dataclass(frozen=True)
class Locked:
    """One stage as it ran: its command in words, and dvc's MD5 of every output by its path."""

    command: tuple[str, ...]
    hashes: dict[str, str]


def load_locked(path: Path, stage: str) -> Locked:
    """Read one stage of a dvc.lock. InputError when it is no such file or has no such stage."""
    try:
        stages = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)["stages"]
        if stage not in stages:
            kind = stage.partition("@")[0]
            known = ", ".join(sorted(name.partition("@")[2] for name in stages if name.startswith(f"{kind}@")))
            raise InputError(f"{path.name}: has no {stage}; allowed: {known}")
        outs = {out["path"]: out["md5"] for out in stages[stage]["outs"]}
        return Locked(tuple(shlex.split(stages[stage]["cmd"])), outs)
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError, KeyError):
        raise InputError(f"{path.name}: is not what dvc writes; run 'make repro' to make it anew") from None


def hash_of(path: Path) -> str | None:
    """dvc's MD5 of a file, or of a folder (that of the list of its files, with '.dir' behind); None if it is not there.

    The list is the JSON that dvc 3 stores of a folder: `md5` and `relpath` of each file, sorted by path.
    """
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()
    if not path.is_dir():
        return None
    files = sorted((file.relative_to(path).as_posix(), file) for file in path.rglob("*") if file.is_file())
    entries = [{"md5": hash_of(file), "relpath": name} for name, file in files]
    return hashlib.md5(json.dumps(entries, sort_keys=True).encode()).hexdigest() + ".dir"
