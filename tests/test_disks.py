"""Disks that are full and folders that may not be written to, with every way in which the stages write."""

import errno
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from stages.lib.dataset.mnist_json import write_mnist_json
from stages.lib.dataset.splits import Split, save_splits
from stages.lib.drawing import figures
from stages.lib.files.replacing import replacing
from stages.lib.files.tables import write_csv, write_json

ROOM = 64  # KiB
SPLIT = Split(np.full((1000, 784), 1 / 3, np.float32), np.zeros(1000, np.int64))


def folder_of_weights(path: Path) -> None:
    with replacing(path) as temporary:
        temporary.mkdir()
        (temporary / "0.safetensors").write_bytes(bytes(200_000))


def noise(path: Path) -> None:
    figure = Figure()
    figure.add_subplot().imshow(np.random.default_rng(0).random((200, 200)))
    figures.save(figure, path)


LARGE: dict[str, Callable[[Path], None]] = {
    "table": lambda path: write_csv(path, ["a"], [["b" * 100]] * 2000),
    "record": lambda path: write_json(path, {"a": "b" * 200_000}),
    "figure": noise,
    "data": lambda path: save_splits(path, {"train": SPLIT}),
    "JSON": lambda path: write_mnist_json(path, {name: random_split() for name in ("train", "valid", "eval")}),
    "weights": folder_of_weights,
}


def random_split() -> Split:
    return Split(np.random.default_rng(0).random((300, 784), np.float32), np.zeros(300, np.int64))


def mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        pytest.skip(f"NOT TESTED, as nothing may be mounted here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of ROOM, mounted in a folder of its own."""
    path = tmp_path / "disk"
    path.mkdir()
    mount("-t", "tmpfs", "-o", f"size={ROOM}k", "tmpfs", str(path))
    yield path
    subprocess.run(["umount", str(path)], check=True)


@pytest.mark.parametrize("kind", LARGE)
def test_full_disk_is_told_and_leaves_the_old_file(disk: Path, kind: str) -> None:
    path = disk / "out"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(OSError, match=rf"^{path}: the disk is full; make room, then run the same command again$"):
        LARGE[kind](path)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(disk.iterdir()) == [path]


def test_disk_with_room_is_written(disk: Path) -> None:
    write_json(disk / "out.json", {"a": 1})
    assert [file.name for file in disk.iterdir()] == ["out.json"]


REFUSED = r"cannot be written: Read-only file system; run as a user, and in a folder, that may write there$"


@pytest.mark.parametrize("name", ["out.json", "new/folder/out.json"])
def test_read_only_folder_is_told(disk: Path, name: str) -> None:
    (disk / "out.json").write_text("old", encoding="utf-8")
    mount("-o", "remount,ro", str(disk))
    with pytest.raises(OSError, match=rf"^{disk / name}: {REFUSED}"):
        write_json(disk / name, {"a": 1})
    assert [(file.name, file.read_text(encoding="utf-8")) for file in disk.iterdir()] == [("out.json", "old")]


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_refusal_of_what_is_read_passes(tmp_path: Path, code: int) -> None:
    """It is not the output that may not be written."""
    with pytest.raises(OSError, match="Refused") as raised, replacing(tmp_path / "out"):
        raise OSError(code, "Refused", str(tmp_path.parent.parent / "source"))
    assert raised.value.errno == code
