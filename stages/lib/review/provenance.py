"""Do a revision's results belong to its params and code? dvc.lock knows from which bytes they were made."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from stages.lib.errors import InputError
from stages.lib.params import load_params
from stages.lib.settings import TrainSettings

DATA = "data/mnist.npz"
IN_GIT = ("params.yaml", "requirements.txt", "stages", "metrics", "plots")  # the rest is in DVC's cache alone
SETTINGS = ("stages/configure.py", "stages/lib/checks.py", "stages/lib/params.py", "stages/lib/settings.py")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where it was built: a second less
HERE = Path(__file__).parents[3]


@dataclass(frozen=True)
class Lock:
    """The stages of a dvc.lock, and the folder with the files of its revision."""

    folder: Path
    stages: Mapping[str, Any]

    def stale_training(self, optimizer: str) -> str:
        """Why the runs of `train@<optimizer>` do not belong to the params and code beside them; '' if they do."""
        stage = f"train@{optimizer}"
        return self.stale("configure") or self.stale(stage) or self._other_settings(optimizer, stage)

    def stale(self, stage: str) -> str:
        """What does not belong together of a stage's code, inputs and outputs; '' if all does."""
        if stage not in self.stages:
            return f"dvc.lock has no stage {stage}; run 'dvc repro'"
        made = {path: md5 for other in self.stages for path, md5 in self._files(other, "outs")}
        for path, md5 in self._files(stage, "deps"):
            if path in made and made[path] != md5:
                return f"{path} was made anew after {stage} read it; run 'dvc repro'"
            in_git = path.split("/")[0] in IN_GIT and not md5.endswith(".dir")
            if path not in made and in_git and _md5(self.folder / path) != md5:
                return f"{path} has changed since {stage} ran; run 'dvc repro'"
        for path, md5 in self._files(stage, "outs"):
            if path.split("/")[0] in IN_GIT and _md5(self.folder / path) not in {md5, ""}:
                return f"{path} is not what {stage} wrote, says dvc.lock; run 'dvc repro'"
        return ""

    def data(self, optimizer: str) -> str:
        """The MD5 of the images that the optimizer was trained and validated on; '' if unknown."""
        return dict(self._files(f"train@{optimizer}", "deps")).get(DATA, "")

    def _other_settings(self, optimizer: str, stage: str) -> str:
        """Settings are not in git, so they are made again, where the revision makes them as this one does."""
        read = dict(self._files(stage, "deps")).get(f"data/config/{optimizer}/train.json")
        if read is None or any(_md5(self.folder / path) != _md5(HERE / path) for path in SETTINGS):
            return ""
        params = load_params(self.folder / "params.yaml")
        kind = params.optimizers[optimizer]
        settings = TrainSettings(
            optimizer, kind.type, dict(kind.arguments), params.batch_size, params.epochs, params.seeds, kind.lr
        )
        md5 = hashlib.md5((json.dumps(asdict(settings), indent=2) + "\n").encode(), usedforsecurity=False).hexdigest()
        return "" if md5 == read else f"params.yaml has changed since {stage} ran; run 'dvc repro'"

    def _files(self, stage: str, kind: str) -> list[tuple[str, str]]:
        entries = self.stages.get(stage, {}).get(kind) or []
        return [(str(entry["path"]), str(entry["md5"])) for entry in entries if {"path", "md5"} <= set(entry)]


def load_lock(folder: Path, name: str) -> Lock:
    """The lock of a revision's folder. InputError with the revision's `name` if it is missing or not readable."""
    try:
        content = yaml.load((folder / "dvc.lock").read_text(encoding="utf-8"), Loader=LOADER)
        stages = content["stages"]
        lock = Lock(folder, {str(key): stage for key, stage in stages.items()})
        for stage in lock.stages:  # now, so that nothing odd is met later
            lock._files(stage, "deps")
            lock._files(stage, "outs")
        return lock
    except FileNotFoundError:
        raise InputError(f"{name}: has no dvc.lock: nothing was ever trained; run 'dvc repro'") from None
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{name}: dvc.lock: is not DVC's; run 'dvc repro' to make it anew") from None


def _md5(file: Path) -> str:
    """As DVC computes it; '' of what is not there."""
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest() if file.is_file() else ""
