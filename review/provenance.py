"""Do a revision's results belong to its params and code? dvc.lock knows from which bytes they were made.

DVC answers this for the workspace (`dvc status`), but not for a commit, and not without its cache.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pathspec import GitIgnoreSpec

from stages.lib.files.errors import InputError

DATA = "data/mnist.npz"
IN_GIT = ("params.yaml", "requirements.txt", "stages", "data/sweep", "metrics", "plots")  # the rest is in DVC's cache
SETTINGS = ("stages/configure.py", "stages/lib/config")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where it was built: a second less
HERE = Path(__file__).parents[1]
Hashes = Mapping[str, str]  # by path; that of a folder ends in '.dir'
SettingsHash = Callable[
    [Path, str], str
]  # of a params.yaml and an optimizer: the MD5 of what configure writes for train


@dataclass(frozen=True)
class Lock:
    """Stage -> 'deps' and 'outs' -> hashes, as dvc.lock has them, and the folder with the files of its revision."""

    folder: Path
    stages: Mapping[str, Mapping[str, Hashes]]
    settings_md5: SettingsHash

    def stale_runs(self, optimizer: str) -> str:
        """Why what the tables tell of an optimizer's runs does not belong to the params and code; '' if it does."""
        stages = ("configure", f"train@{optimizer}", "compare")
        return next(filter(None, map(self.stale, stages)), "") or self._other_settings(optimizer)

    def stale(self, stage: str) -> str:
        """What does not belong together of a stage's code, inputs and outputs; '' if all does."""
        if stage not in self.stages:
            return f"dvc.lock has no stage {stage}; run 'dvc repro'"
        verb = stage.split("@", 1)[0]  # so that all optimizers whose training is stale say the same
        for path, md5 in self.stages[stage]["deps"].items():
            made = self._made(path)
            if made not in {None, md5}:
                return f"{path} was made anew after {verb} read it; run 'dvc repro'"
            if _in_git(path) and md5_of(self.folder, path) != md5:
                return f"{path} has changed since {verb} ran; run 'dvc repro'"
        for path, md5 in self.stages[stage]["outs"].items():
            if _in_git(path) and md5_of(self.folder, path) != md5:
                return f"{path} is not what {verb} wrote, says dvc.lock; run 'dvc repro'"
        return ""

    def data(self, optimizer: str) -> str:
        """The MD5 of the images that the optimizer was trained and validated on; '' if unknown."""
        return self.stages.get(f"train@{optimizer}", {}).get("deps", {}).get(DATA, "")

    def _made(self, path: str) -> str | None:
        """The hash of what stages last wrote to a path, or below it; None if none did, or if it cannot be known."""
        outs = {out: md5 for stage in self.stages.values() for out, md5 in stage["outs"].items()}
        below = {out.removeprefix(f"{path}/"): md5 for out, md5 in outs.items() if out.startswith(f"{path}/")}
        if path in outs or not below or any(md5.endswith(".dir") for md5 in below.values()):
            return outs.get(path)
        return folder_md5(below)

    def _other_settings(self, optimizer: str) -> str:
        """Settings are not in git, so they are made again, where the revision makes them as this one does."""
        read = self.stages[f"train@{optimizer}"]["deps"].get(f"data/config/{optimizer}/train.json")
        if read is None or any(md5_of(self.folder, path) != md5_of(HERE, path) for path in SETTINGS):
            return ""
        made = self.settings_md5(self.folder / "params.yaml", optimizer)
        return "" if made == read else "params.yaml has changed since train ran; run 'dvc repro'"


def load_lock(folder: Path, name: str, settings_md5: SettingsHash) -> Lock:
    """The lock of a revision's folder. InputError with the revision's `name` if it is missing or not readable."""
    try:
        content = yaml.load((folder / "dvc.lock").read_text(encoding="utf-8"), Loader=LOADER)
        stages = content["stages"].items()
        kinds = ("deps", "outs")
        hashes = {stage: {kind: _hashes(said.get(kind)) for kind in kinds} for stage, said in stages}
        return Lock(folder, hashes, settings_md5)
    except FileNotFoundError:
        raise InputError(f"{name}: has no dvc.lock: nothing was ever trained; run 'dvc repro'") from None
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{name}: dvc.lock: is not DVC's; run 'dvc repro' to make it anew") from None


def md5_of(folder: Path, path: str) -> str:
    """As DVC computes it of a file or folder below `folder`; '' of what is not there."""
    found = folder / path
    if not found.is_dir():
        return hashlib.md5(found.read_bytes(), usedforsecurity=False).hexdigest() if found.is_file() else ""
    ignore = folder / ".dvcignore"
    ignored = GitIgnoreSpec.from_lines(ignore.read_text(encoding="utf-8").splitlines() if ignore.is_file() else ())
    files = [file.relative_to(folder).as_posix() for file in found.rglob("*") if file.is_file()]
    kept = [file for file in files if not ignored.match_file(file)]
    return folder_md5({file.removeprefix(f"{path}/"): md5_of(folder, file) for file in kept})


def folder_md5(files: Hashes) -> str:
    """DVC's hash of a folder with these files, by their paths in it (dvc_data.hashfile.tree)."""
    listed = json.dumps([{"md5": md5, "relpath": name} for name, md5 in sorted(files.items())], sort_keys=True)
    return f"{hashlib.md5(listed.encode(), usedforsecurity=False).hexdigest()}.dir"


def _hashes(entries: Any) -> Hashes:
    return {str(entry["path"]): str(entry["md5"]) for entry in entries or [] if {"path", "md5"} <= set(entry)}


def _in_git(path: str) -> bool:
    return f"{path}/".startswith(tuple(f"{top}/" for top in IN_GIT))
