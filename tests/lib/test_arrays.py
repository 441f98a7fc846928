import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stages.lib.arrays import BrokenError, load_arrays, save_arrays

LABELS = np.array([3, 1, 4])
EXPECTED = {"labels": (np.int64, (-1,))}


class Call:
    """Pickled, a call of a function; unpickled, that call is made."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.path),)


def member(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def archive(path: Path, content: bytes, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("labels.npy", content)
    return path


def test_arrays_come_back_and_their_bytes_are_always_the_same(tmp_path: Path) -> None:
    for name in ("one.npz", "other.npz"):
        save_arrays(tmp_path / name, {"labels": LABELS, "images": np.ones((3, 2), np.float32)})
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()
    images, labels = load_arrays(tmp_path / "one.npz", {"images": (np.float32, (-1, 2)), **EXPECTED})
    np.testing.assert_array_equal(labels, LABELS)
    np.testing.assert_array_equal(images, np.ones((3, 2)))


def test_pickled_object_is_not_made(tmp_path: Path) -> None:
    canary = tmp_path / "ran"
    content = member(np.array([Call(canary)], dtype=object))
    np.load(io.BytesIO(content), allow_pickle=True)
    assert canary.exists()  # the file is malicious: a plain reader runs it
    canary.rmdir()
    with pytest.raises(BrokenError, match="allow_pickle=False"):
        load_arrays(archive(tmp_path / "bad.npz", content), EXPECTED)
    assert not canary.exists()


def flipped(content: bytes) -> bytes:
    """One bit of the array's last number, in the archive."""
    place = content.index(member(LABELS)) + len(member(LABELS)) - 8
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def test_changed_bit_is_seen(tmp_path: Path) -> None:
    path = archive(tmp_path / "bad.npz", member(LABELS))
    path.write_bytes(flipped(path.read_bytes()))
    with pytest.raises(BrokenError, match=r"Bad CRC-32 for file 'labels\.npy'"):
        load_arrays(path, EXPECTED)


@pytest.mark.parametrize(
    ("content", "compression", "message"),
    [
        (member(LABELS), zipfile.ZIP_DEFLATED, "array labels is compressed"),
        (member(LABELS) + b"\0", zipfile.ZIP_STORED, "array labels has more bytes than its shape"),
        (member(LABELS)[:-1], zipfile.ZIP_STORED, "EOF"),
        (member(LABELS.astype(np.int32)), zipfile.ZIP_STORED, r"array labels is int32 \[3\], not int64 \[-1\]"),
        (member(LABELS[:, None]), zipfile.ZIP_STORED, r"array labels is int64 \[3, 1\], not int64 \[-1\]"),
        (member(LABELS[:0]), zipfile.ZIP_STORED, r"array labels is int64 \[0\], not int64 \[-1\]"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, content: bytes, compression: int, message: str) -> None:
    with pytest.raises(BrokenError, match=message):
        load_arrays(archive(tmp_path / "bad.npz", content, compression), EXPECTED)


def test_missing_array_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenError, match="images"):
        load_arrays(archive(tmp_path / "bad.npz", member(LABELS)), {"images": (np.float32, (-1, 784))})
