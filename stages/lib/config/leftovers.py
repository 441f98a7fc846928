"""What optimizers that are gone from params.yaml leave behind: results in data/, and their stages in dvc.lock."""

from collections.abc import Collection, Iterable
from pathlib import Path

import yaml

from stages.lib.files.replacing import remove


def remove_results(folders: Iterable[Path], optimizers: Collection[str]) -> None:
    """Remove every file and folder in `folders` that is named after none of `optimizers`, such as sgd.jsonl or sgd/."""
    for folder in folders:
        for result in folder.glob("[!.]*"):  # others are files that are being written
            if result.name.split(".")[0] not in optimizers:
                remove(result)


def remove_stages(lock: Path, optimizers: Collection[str]) -> None:
    """Remove the stages, such as train@sgd, of all but `optimizers` from dvc.lock; without one it stays as it is.

    DVC, which waits for this very stage, reads the file again before it writes there. Where another DVC is at work it
    is left to the next change of params.yaml.
    """
    if not lock.exists():
        return
    stages = (yaml.safe_load(lock.read_text(encoding="utf-8")) or {}).get("stages") or {}
    gone = [stage for stage in stages if "@" in stage and stage.split("@")[1] not in optimizers]
    if gone:
        _remove(lock, gone)


def _remove(lock: Path, stages: Iterable[str]) -> None:
    from dvc.exceptions import NotDvcRepoError  # dvc takes half a second, and is needed when an optimizer goes
    from dvc.lock import LockError
    from dvc.repo import Repo
    from dvc.utils.serialize import modify_yaml

    try:
        with Repo(lock.parent.resolve()) as repo, repo.lock, modify_yaml(lock) as content:
            for stage in stages:
                del content["stages"][stage]
    except (LockError, NotDvcRepoError):
        return
