"""Files that appear whole or not at all."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT}
CURE = "run as a user, and in a folder, that may write there"
if os.name == "nt":  # which replaces nothing that a program has open, such as a table in a spreadsheet
    CURE = f"close what has it open, or {CURE}"
TEMPORARY = re.compile(r"\.(.+)\.tmp")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block succeeds, what was made there replaces `path`.

    Works for a file and for a folder (the block makes either). Folders above are created.
    OSError in one line when the disk is full, or when something there may not be written; then the old content stays.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove(temporary)  # left by a process that was killed
        try:
            yield temporary
            if path.is_dir():  # a rename cannot replace a folder that holds files
                remove(path)
            temporary.replace(path)
        finally:
            remove(temporary)
    except OSError as error:
        shown = Path(*(TEMPORARY.sub(r"\1", part) for part in path.parts))  # one in a folder that is replaced, too
        if error.errno in FULL:
            raise OSError(f"{shown}: the disk is full; make room, then run the same command again") from None
        refused = Path(str(error.filename))
        if refused in {path, *path.parents} or temporary in {refused, *refused.parents}:  # others are of what is read
            raise OSError(f"{shown}: cannot be written: {error.strerror}; {CURE}") from None
        raise


def write(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all; OSError as of `replacing`."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def remove(path: Path) -> None:
    """A file or a whole folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
