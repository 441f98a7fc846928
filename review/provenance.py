"""Do a revision's results belong to its params and code? dvc.lock knows from which bytes they were made.

DVC answers this for the workspace (`dvc status`), but not for a commit, and not without its cache.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from stages.lib.files.errors import InputError

# what a review reads; all other results are in DVC's cache alone
IN_GIT = (
    "params.yaml",
    "requirements.txt",
    "dvc.yaml",
    "dvc.lock",
    "networks",
    "stages",
    "data/sweep",
    "metrics",
    "plots",
)
SETTINGS = "data/config"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where it was built: a second less
Files = Mapping[str, bytes]  # by path in the project's folder
Hashes = Mapping[str, str]  # MD5 by path; that of a folder ends in '.dir'


@dataclass(frozen=True)
class Lock:
    """What each stage read and wrote, says dvc.lock, and what is there now: in git, or else as the lock's outputs."""

    deps: Mapping[str, Hashes]
    outs: Mapping[str, Hashes]
    now: Hashes

    def stale(self, *stages: str) -> str:
        """What does not belong together of these stages' code, inputs and outputs; '' if all does."""
        for stage in stages:
            if stage not in self.deps:
                return f"dvc.lock has no stage {stage}; run 'dvc repro'"
            verb = stage.split("@", 1)[0]  # so that all optimizers whose training is stale say the same
            for path, md5 in self.deps[stage].items():
                now = md5_of(self.now, path)
                if now != md5 and (now or in_git(path)):
                    return f"{path} has changed since {verb} ran; run 'dvc repro'"
            for path, md5 in self.outs[stage].items():
                if md5_of(self.now, path) != md5:
                    return f"{path} is not what {verb} wrote, says dvc.lock; run 'dvc repro'"
        return ""


def load_lock(name: str, files: Files) -> Lock:
    """The dvc.lock of a revision. InputError with its `name` if there is none that is readable."""
    if "dvc.lock" not in files:
        raise InputError(f"{name}: has no dvc.lock: nothing was ever trained; run 'dvc repro'")
    try:
        stages = yaml.load(files["dvc.lock"], Loader=LOADER)["stages"].items()
        deps, outs = (
            {stage: {it["path"]: it["md5"] for it in said.get(kind, ()) if "md5" in it} for stage, said in stages}
            for kind in ("deps", "outs")
        )
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{name}: dvc.lock: is not DVC's; run 'dvc repro' to make it anew") from None
    # settings are neither in git nor in the cache; but stages read them all, so what was read must be what is there
    read = {path: md5 for paths in deps.values() for path, md5 in paths.items() if path.startswith(f"{SETTINGS}/")}
    written = {path: md5 for paths in outs.values() for path, md5 in paths.items() if path != SETTINGS}
    cached = {path: md5 for path, md5 in (read | written).items() if not in_git(path)}
    return Lock(deps, outs, cached | hashes(files))


def in_git(path: str) -> bool:
    """Whether a file or folder of the project is, or is in, one of IN_GIT."""
    return f"{path}/".startswith(tuple(f"{top}/" for top in IN_GIT))


def hashes(files: Files) -> dict[str, str]:
    """The MD5 of each file."""
    return {path: hashlib.md5(content, usedforsecurity=False).hexdigest() for path, content in files.items()}


def md5_of(known: Hashes, path: str) -> str:
    """That of a file or a folder, as DVC computes it; '' of what is not there, or not known in all its parts."""
    below = {name.removeprefix(f"{path}/"): md5 for name, md5 in known.items() if name.startswith(f"{path}/")}
    if path in known or not below or any(md5.endswith(".dir") for md5 in below.values()):
        return known.get(path, "")
    listed = [{"md5": md5, "relpath": name} for name, md5 in sorted(below.items())]  # see dvc_data.hashfile.tree
    return f"{hashlib.md5(json.dumps(listed, sort_keys=True).encode(), usedforsecurity=False).hexdigest()}.dir"
