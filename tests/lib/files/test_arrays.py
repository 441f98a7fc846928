import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stages.lib.files.arrays import load_arrays, save_arrays
from stages.lib.files.errors import InputError

ARRAYS = {"labels": np.array([3, 1, 4]), "images": np.ones((3, 2), np.float32)}


class Call:
    """Pickled, a call of a function; unpickled, that call is made."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_arrays_come_back_and_their_bytes_are_always_the_same(tmp_path: Path) -> None:
    for name in ("one.npz", "other.npz"):
        save_arrays(tmp_path / name, ARRAYS)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()
    images, labels = load_arrays(tmp_path / "one.npz", ("images", "labels"))
    for array, expected in ((images, ARRAYS["images"]), (labels, ARRAYS["labels"])):
        assert array.dtype == expected.dtype
        np.testing.assert_array_equal(array, expected)


def test_pickled_object_is_not_made(tmp_path: Path) -> None:
    canary = tmp_path / "ran"
    np.savez(tmp_path / "bad.npz", labels=np.array([Call(canary)], dtype=object))
    np.load(tmp_path / "bad.npz", allow_pickle=True)["labels"]
    assert canary.exists()  # the file is malicious: a plain reader runs it
    canary.rmdir()
    with pytest.raises(InputError, match=r"bad\.npz: is not a whole file of the arrays labels; run 'dvc repro' to"):
        load_arrays(tmp_path / "bad.npz", ["labels"])
    assert not canary.exists()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda _: b"hello",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:-1],
        lambda whole: whole.replace(b"labels", b"others"),
        lambda whole: whole.replace(npy(ARRAYS["labels"])[-8:], b"\1" * 8),
        lambda _: npy(np.zeros(3)),
    ],
    ids=["empty", "text", "half", "a byte less", "another name", "another number", "one array"],
)
def test_other_files_are_refused(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "bad.npz"
    save_arrays(path, ARRAYS)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(
        InputError, match=r"bad\.npz: is not a whole file of the arrays images, labels; run 'dvc repro'"
    ):
        load_arrays(path, ("images", "labels"))


def test_missing_file_names_itself(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"mnist\.npz"):
        load_arrays(tmp_path / "mnist.npz", ["labels"])
