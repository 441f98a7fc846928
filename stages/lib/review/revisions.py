"""What a revision says of its optimizers, read from a folder that holds its params, metrics and plots."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from stages.lib.errors import InputError
from stages.lib.records import Value, read_json
from stages.lib.review.provenance import Lock, load_lock
from stages.lib.review.seen import Seen, read_scores


@dataclass(frozen=True)
class Revision:
    """A revision's name as the user gave it, the folder with its files, its params, and what was seen."""

    name: str
    folder: Path
    params: Mapping[str, Any]
    seen: Mapping[str, Seen]
    lock: Lock

    def eval_accuracy(self, optimizer: str) -> float | None:
        """The accuracy on the eval split; None if there is none, or none of the weights that were judged."""
        accuracy = self._record("evaluate", "metrics/eval", optimizer).get("accuracy")
        return accuracy if isinstance(accuracy, float) else None

    def verdict(self, optimizer: str) -> tuple[str, str]:
        """The verdict on the lr and the sentence behind it; both '' where there is none that belongs to the runs."""
        verdict = self._record("judge", "metrics/lr", optimizer).get("verdict")
        try:
            reason = (self.folder / "plots/lr" / f"{optimizer}.md").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            reason = ""
        return (verdict, reason.strip()) if isinstance(verdict, str) else ("", "")

    def _record(self, stage: str, folder: str, optimizer: str) -> dict[str, Value]:
        seen = self.seen.get(optimizer, Seen())
        if not seen.trusted or self.lock.stale(f"{stage}@{optimizer}"):
            return {}
        try:
            return read_json(self.folder / folder / f"{optimizer}.json")
        except (InputError, OSError):
            return {}


def read_revision(name: str, folder: Path) -> Revision:
    """Everything of one side. InputError where params.yaml or dvc.lock cannot be read; a row's own faults are in it."""
    params = _params(name, folder)
    lock = load_lock(folder, name)
    return Revision(name, folder, params, {key: _seen(folder, key, params, lock) for key in params["optimizers"]}, lock)


def _params(name: str, folder: Path) -> dict[str, Any]:
    """The params, whatever keys this revision has: only those that a review needs are looked at."""
    try:
        content = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{name}: has no params.yaml; run this in the project's folder") from None
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{name}: params.yaml: is not YAML: {' '.join(str(error).split())}") from None
    kinds = content.get("optimizers") if isinstance(content, dict) else None
    if not isinstance(kinds, dict) or not kinds or not all(isinstance(kind, dict) for kind in kinds.values()):
        raise InputError(f"{name}: params.yaml: optimizers: must be a mapping of at least one entry")
    seeds = content.get("seeds")
    if not isinstance(seeds, list) or not all(isinstance(seed, int) for seed in seeds):
        raise InputError(f"{name}: params.yaml: seeds: must be a list of whole numbers")
    return content | {"optimizers": {str(key): kind for key, kind in kinds.items()}}


def _seen(folder: Path, optimizer: str, params: Mapping[str, Any], lock: Lock) -> Seen:
    """What is known of one optimizer; where its files cannot be trusted, a problem and no number."""
    try:
        stale = lock.stale_training(optimizer)
        if stale:
            raise InputError(stale)
        seen = read_scores(folder, optimizer, params)
    except FileNotFoundError as error:
        return Seen(problem=f"{Path(str(error.filename)).relative_to(folder).as_posix()} is missing")
    except (InputError, OSError) as error:
        return Seen(problem=str(error).replace(f"{folder}/", ""))
    return replace(seen, data=lock.data(optimizer))
