import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.lib.dataset import SPLITS, Split
from stages.lib.errors import InputError
from stages.lib.mnist_json import read_mnist_json, write_mnist_json

Content = list[list[Any]]
NAN, INF = float("nan"), float("inf")


def content(size: int = 2) -> Content:
    """A small file as Python lists: per split `size` images and labels."""
    return [[[[image / 4] * 784 for image in range(size)], [image % 10 for image in range(size)]] for _ in SPLITS]


def written(folder: Path, text: str) -> Path:
    path = folder / "mnist.json.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return path


def pixel(value: object) -> Callable[[Content], None]:
    def change(file: Content) -> None:
        file[1][0][1][5] = value

    return change


def label(value: object) -> Callable[[Content], None]:
    def change(file: Content) -> None:
        file[2][1][1] = value

    return change


def move_a_pixel(file: Content) -> None:
    """783 and 785 pixels, so that all together are as many as should be."""
    file[0][0][1].append(file[0][0][0].pop())


def rows(file: Content) -> None:
    file[0][0][1] = [[0.5] * 28] * 28


def empty_and_pair(file: Content) -> None:
    """784 entries that flatten to 784 numbers."""
    file[0][0][1][3:5] = [[], [0.5, 0.5]]


def test_tutorial_loader_reads_what_is_written(tmp_path: Path, mnist: dict[str, Split]) -> None:
    path = tmp_path / "mnist.json.gz"
    write_mnist_json(path, mnist)
    with gzip.open(path) as file:
        splits = json.load(file)  # as in the tutorial
    assert len(splits) == 3
    for (images, labels), name in zip(splits, ("train", "valid", "eval"), strict=True):
        assert all(len(image) == 784 for image in images)
        np.testing.assert_array_equal(np.array(images), mnist[name].images.astype(np.float64))
        assert labels == mnist[name].labels.tolist()
        assert all(isinstance(digit, int) for digit in labels)


def test_same_splits_give_same_bytes(tmp_path: Path, mnist: dict[str, Split], monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one.gz", tmp_path / "two.gz"
    write_mnist_json(one, mnist)
    monkeypatch.setattr("time.time", lambda: 2e9)  # gzip would write the time
    write_mnist_json(two, mnist)
    assert one.read_bytes() == two.read_bytes()


def test_what_is_written_is_read_back(tmp_path: Path, mnist: dict[str, Split]) -> None:
    path = tmp_path / "mnist.json.gz"
    write_mnist_json(path, mnist)
    for name, split in read_mnist_json(path).items():
        assert split.images.dtype == np.float32
        assert split.labels.dtype == np.int64
        np.testing.assert_array_equal(split.images, mnist[name].images)
        np.testing.assert_array_equal(split.labels, mnist[name].labels)


def test_numbers_are_taken_as_they_are(tmp_path: Path) -> None:
    """Integers 0 to 255, signs, exponents: no scaling; float64 is rounded to the nearest float32."""
    numbers = [0, 255, -1, 0.1, 1e-3, 1e30, 2**63, 16777217] * 98
    file = content()
    file[0][0][1] = numbers
    split = read_mnist_json(written(tmp_path, json.dumps(file)))["train"]
    np.testing.assert_array_equal(split.images[1], np.array(numbers, np.float32))
    np.testing.assert_array_equal(split.images[0], np.zeros(784, np.float32))


def test_splits_may_differ_in_size(tmp_path: Path) -> None:
    file = [content(size)[0] for size in (12, 1, 3)]
    splits = read_mnist_json(written(tmp_path, json.dumps(file)))
    assert {name: split.labels.tolist() for name, split in splits.items()} == {
        "train": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1],
        "valid": [0],
        "eval": [0, 1, 2],
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (pixel(NAN), "is not JSON: NaN at byte 12,596; allowed: finite numbers"),
        (pixel(INF), "is not JSON: Infinity at byte 12,596; allowed: finite numbers"),
        (pixel("0.5"), "valid image 1: pixel 5 is '0.5'; allowed: a finite number"),
        (pixel(True), "valid image 1: pixel 5 is True; allowed: a finite number"),
        (pixel(None), "valid image 1: pixel 5 is None; allowed: a finite number"),
        (pixel({"v": 1}), "valid image 1: pixel 5 is an object; allowed: a finite number"),
        (pixel(1e39), "valid image 1 pixel 5: 1e+39 is too large; allowed: at most 1e+30"),
        (pixel(1e38), "valid image 1 pixel 5: 1e+38 is too large; allowed: at most 1e+30"),
        (pixel(-1e308), "valid image 1 pixel 5: -1e+308 is too large; allowed: at most 1e+30"),
        (pixel(10**30), "is not JSON: "),
        (pixel([0.5]), "valid image 1 holds a list among its pixels; allowed: flat lists of 784 numbers"),
        (pixel([]), "valid image 1: pixel 5 is a list of 0; allowed: a finite number"),
        (empty_and_pair, "train image 1 holds a list among its pixels; allowed: flat lists of 784 numbers"),
        (rows, "train image 1: holds a list of 28; allowed: a flat list of 784 numbers"),
        (lambda file: file[0][0][1].pop(), "train image 1: holds a list of 783; allowed: a flat list of 784 numbers"),
        (lambda file: file[0][0][1].append(0), "train image 1: holds a list of 785; allowed: a flat list of 784"),
        (move_a_pixel, "train image 0: holds a list of 783; allowed: a flat list of 784 numbers"),
        (lambda file: file[0][0].__setitem__(0, 3), "train image 0: holds 3; allowed: a flat list of 784 numbers"),
        (label(10), "eval label 1: is 10; allowed: a whole number 0 to 9"),
        (label(-1), "eval label 1: is -1; allowed: a whole number 0 to 9"),
        (label(1.5), "eval label 1: is 1.5; allowed: a whole number 0 to 9"),
        (label(1.0), "eval label 1: is 1.0; allowed: a whole number 0 to 9"),
        (label(True), "eval label 1: is True; allowed: a whole number 0 to 9"),
        (label("3"), "eval label 1: is '3'; allowed: a whole number 0 to 9"),
        (label(None), "eval label 1: is None; allowed: a whole number 0 to 9"),
        (label([3]), "eval label 1: is a list of 1; allowed: a whole number 0 to 9"),
        (lambda file: file[0][1].pop(), "train: 2 images but 1 labels; allowed: as many of each"),
        (lambda file: file[0][1].append(1), "train: 2 images but 3 labels; allowed: as many of each"),
        (lambda file: file.__setitem__(1, [[], []]), "valid images: holds a list of 0; allowed: a list with at least"),
        (lambda file: file[1].append([]), "valid: holds a list of 3; allowed: a pair [images, labels]"),
        (lambda file: file[2].__setitem__(1, None), "eval labels: holds None; allowed: a list with at least one entry"),
        (lambda file: file.pop(), "holds a list of 2; allowed: a list of the splits train, valid, eval"),
        (lambda file: file.append(content()[0]), "holds a list of 4; allowed: a list of the splits train, valid, eval"),
    ],
)
def test_bad_content_is_refused(tmp_path: Path, change: Callable[[Content], object], message: str) -> None:
    file = content()
    change(file)
    path = written(tmp_path, json.dumps(file))
    with pytest.raises(InputError, match="^" + re.escape(f"{path}: {message}")):
        read_mnist_json(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "is not JSON: "),
        ("", "is not JSON: "),
        (json.dumps(content())[:-1], "is not JSON: "),
        (json.dumps(content()) + "[]", "is not JSON: "),
        (json.dumps({"train": content()[0]}), "holds an object; allowed: a list of the splits train, valid, eval"),
        ("5", "holds 5; allowed: a list of the splits train, valid, eval"),
    ],
    ids=["word", "nothing", "cut", "more", "object", "number"],
)
def test_bad_text_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError, match="^" + re.escape(f"{path}: {message}")):
        read_mnist_json(path)


def flipped(data: bytes) -> bytes:
    return data[:-6] + bytes([data[-6] ^ 1]) + data[-5:]  # in the checksum


@pytest.mark.parametrize(
    "spoil",
    [gzip.decompress, lambda data: data[:-20], flipped, lambda data: data + b"more"],
    ids=["not gzip", "truncated", "wrong checksum", "trailing bytes"],
)
def test_bad_gzip_is_refused(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = written(tmp_path, json.dumps(content()))
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(InputError, match="^" + re.escape(f"{path}: is not a whole gzip file: ")):
        read_mnist_json(path)
