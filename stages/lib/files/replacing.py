"""Files that appear whole or not at all."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT}
CURE = "run as a user, and in a folder, that may write there"
if os.name == "nt":  # which replaces nothing that a program has open, such as a table in a spreadsheet
    CURE = f"close what has it open, or {CURE}"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block succeeds, what was made there replaces `path`.

    Works for a file and for a folder (the block makes either). Folders above are created.
    OSError in one line when the disk is full, or when something there may not be written; then the old content stays.
    """
    temporary, old = (path.with_name(f".{path.name}.{kind}") for kind in ("tmp", "old.tmp"))
    with _clear_refusals(path, temporary):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(temporary)  # left by a process that was killed
        try:
            yield temporary
            _move(temporary, path, old)
        finally:
            _remove(temporary)


def _move(temporary: Path, path: Path, old: Path) -> None:
    aside = path.is_dir()  # a rename cannot replace a folder that holds files
    if aside:
        _remove(old)
        path.replace(old)
    try:
        temporary.replace(path)
    except OSError:  # Windows moves no folder while a file in it is open
        if aside:
            old.replace(path)
        raise
    _remove(old)


@contextmanager
def _clear_refusals(path: Path, temporary: Path) -> Iterator[None]:
    """Of the system's refusals those that concern `path`: others, as of a file that is read, pass."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise OSError(f"{path}: the disk is full; make room, then run the same command again") from None
        if isinstance(error.filename, str) and _concerns(Path(error.filename), path, temporary):
            raise OSError(f"{path}: cannot be written: {error.strerror}; {CURE}") from None
        raise


def _concerns(refused: Path, path: Path, temporary: Path) -> bool:
    return refused in {path, temporary, *path.parents} or temporary in refused.parents


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
