"""Files that appear whole or not at all."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.lib.errors import InputError

FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block succeeds, what was made there replaces `path`.

    Works for a file and for a folder (the block makes either). Folders above are created.
    InputError when the disk is full, or when something there may not be written.
    """
    temporary, old = (path.with_name(f".{path.name}.{kind}") for kind in ("tmp", "old.tmp"))
    with _clear_refusals(path, temporary):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(temporary)  # left by a process that was killed
        try:
            yield temporary
            if path.is_dir():  # a rename cannot replace a folder that holds files
                _remove(old)
                path.replace(old)
            temporary.replace(path)
        finally:
            _remove(temporary)
            _remove(old)


@contextmanager
def _clear_refusals(path: Path, temporary: Path) -> Iterator[None]:
    """Of the system's refusals those that concern `path`: others, as of a file that is read, pass."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise InputError(f"{path}: the disk is full; make room, then run the same command again") from None
        if isinstance(error.filename, str) and _concerns(Path(error.filename), path, temporary):
            reason = f"cannot be written: {error.strerror}"
            raise InputError(f"{path}: {reason}; run as a user, and in a folder, that may write there") from None
        raise


def _concerns(refused: Path, path: Path, temporary: Path) -> bool:
    return refused in {path, temporary, *path.parents} or temporary in refused.parents


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
