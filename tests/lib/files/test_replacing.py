import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.lib.files.replacing import replacing


class BrokenError(Exception):
    """What the block raises."""


def test_file_replaces_the_old_one_when_the_block_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "out.txt"
    for text in ("old", "new"):
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
            assert not path.exists() or path.read_text(encoding="utf-8") == "old"
        assert path.read_text(encoding="utf-8") == text
    assert list(path.parent.iterdir()) == [path]


def test_folder_replaces_the_old_one_with_all_that_it_held(tmp_path: Path) -> None:
    path = tmp_path / "models"
    for name in ("old", "new"):
        with replacing(path) as temporary:
            temporary.mkdir()
            (temporary / name).write_text(name, encoding="utf-8")
    assert [file.name for file in path.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [path]


def write_file(path: Path) -> None:
    path.write_text("half", encoding="utf-8")


def write_folder(path: Path) -> None:
    path.mkdir()
    (path / "half").write_text("half", encoding="utf-8")


def fail(path: Path, write: Callable[[Path], None]) -> None:
    """Begin to replace `path`, and break."""
    with replacing(path) as temporary:
        write(temporary)
        raise BrokenError


@pytest.mark.parametrize("write", [write_file, write_folder])
def test_failure_leaves_the_old_content_and_nothing_else(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "out"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(BrokenError):
        fail(path, write)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_failure_leaves_the_old_folder(tmp_path: Path) -> None:
    path = tmp_path / "out"
    write_folder(path)
    (path / "half").write_text("old", encoding="utf-8")
    with pytest.raises(BrokenError):
        fail(path, write_folder)
    assert (path / "half").read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_refused_rename_is_told_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Windows does it while a program has a file open in the new folder."""

    def refuse(source: Path, _: Path) -> None:
        raise PermissionError(errno.EACCES, "Access is denied", str(source))

    monkeypatch.setattr(Path, "replace", refuse)
    with (
        pytest.raises(OSError, match=r"out: cannot be written: Access is denied; .*run as"),
        replacing(tmp_path / "out") as new,
    ):
        write_folder(new)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("leave", [write_file, write_folder])
def test_what_a_killed_process_left_is_no_obstacle(tmp_path: Path, leave: Callable[[Path], None]) -> None:
    path = tmp_path / "out"
    with replacing(path) as temporary:
        name = temporary.name
        temporary.write_text("", encoding="utf-8")
    leave(tmp_path / name)
    with replacing(path) as temporary:
        assert not temporary.exists()
        temporary.write_text("whole", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_temporary_path_is_beside_the_target(tmp_path: Path) -> None:
    """On the same file system, where a rename is atomic."""
    with replacing(tmp_path / "out.txt") as temporary:
        temporary.write_text("", encoding="utf-8")
    assert temporary.parent == tmp_path
