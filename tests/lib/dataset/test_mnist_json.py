import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.lib.dataset.mnist_json import read_mnist_json, write_mnist_json
from stages.lib.dataset.splits import SPLITS, Split
from stages.lib.files.errors import InputError

Content = list[list[Any]]
NAN, INF = float("nan"), float("inf")
IMAGE = "a list of 784 numbers, or of 28 lists of 28"


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


def rows(file: Content) -> list[list[float]]:
    """Make train image 1 a list of 28 lists of 28, and give those."""
    file[0][0][1] = [[row + column / 32 for column in range(28)] for row in range(28)]
    rows: list[list[float]] = file[0][0][1]
    return rows


def rows_of_27_and_29(file: Content) -> None:
    rows(file)[3].append(rows(file)[2].pop())


def pixel_of_a_row(value: object) -> Callable[[Content], None]:
    def change(file: Content) -> None:
        rows(file)[2][3] = value  # type: ignore[call-overload]

    return change


def empty_and_pair_in_a_row(file: Content) -> None:
    rows(file)[2][3:5] = [[], [0.5, 0.5]]  # type: ignore[list-item]


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


def test_tutorial_reshapes_rows_and_casts_labels(tmp_path: Path) -> None:
    file = content()
    rows(file)
    file[0][1] = [3.0, -0.0]
    file[1][1] = [9, 1e0]
    splits = read_mnist_json(written(tmp_path, json.dumps(file)))
    as_in_the_tutorial = np.reshape(file[0][0][1], [1, 28, 28]).astype("float32")
    np.testing.assert_array_equal(splits["train"].images[1], as_in_the_tutorial.ravel())
    np.testing.assert_array_equal(splits["train"].images[0], np.zeros(784))
    for name, labels in (("train", [3, 0]), ("valid", [9, 1])):
        assert splits[name].labels.dtype == np.int64
        assert splits[name].labels.tolist() == labels


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
        (pixel(NAN), "is not JSON: unexpected character, expected a JSON value, at byte 12,596: 'NaN, "),
        (pixel(INF), "is not JSON: unexpected character, expected a JSON value, at byte 12,596: 'Infinity, "),
        (pixel("0.5"), "valid image 1 pixel 5: is '0.5'; allowed: a number from -1e+30 to 1e+30"),
        (pixel(True), "valid image 1 pixel 5: is True; allowed: a number from -1e+30 to 1e+30"),
        (pixel(None), "valid image 1 pixel 5: is None; allowed: a number from -1e+30 to 1e+30"),
        (pixel({"v": 1}), "valid image 1 pixel 5: is an object; allowed: a number from -1e+30 to 1e+30"),
        (pixel(1e39), "valid image 1 pixel 5: is 1e+39; allowed: a number from -1e+30 to 1e+30"),
        (pixel(1e38), "valid image 1 pixel 5: is 1e+38; allowed: a number from -1e+30 to 1e+30"),
        (pixel(-1e308), "valid image 1 pixel 5: is -1e+308; allowed: a number from -1e+30 to 1e+30"),
        (
            pixel(10**30),
            "is not JSON: a whole number of more than 64 bits, at byte 12,596: 1000000000000000000000000000000;",
        ),
        (pixel(2**64), "is not JSON: a whole number of more than 64 bits, at byte 12,596: 18446744073709551616;"),
        (
            pixel(-(2**63) - 1),
            "is not JSON: a whole number of more than 64 bits, at byte 12,596: -9223372036854775809;",
        ),
        (pixel([0.5]), "valid image 1 pixel 5: is a list of 1; allowed: a number from -1e+30 to 1e+30"),
        (pixel([]), "valid image 1 pixel 5: is a list of 0; allowed: a number from -1e+30 to 1e+30"),
        (empty_and_pair, "train image 1 pixel 3: is a list of 0; allowed: a number from -1e+30 to 1e+30"),
        (pixel_of_a_row("0.5"), "train image 1 pixel 59: is '0.5'; allowed: a number from -1e+30 to 1e+30"),
        (empty_and_pair_in_a_row, "train image 1 pixel 59: is a list of 0; allowed: a number from -1e+30 to 1e+30"),
        (rows_of_27_and_29, f"train image 1 row 2: holds a list of 27; allowed: {IMAGE}"),
        (lambda file: rows(file).pop(), f"train image 1: holds a list of 27; allowed: {IMAGE}"),
        (lambda file: file[0][0].__setitem__(1, [0] * 28), f"train image 1 row 0: holds 0; allowed: {IMAGE}"),
        (lambda file: file[0][0][1].pop(), f"train image 1: holds a list of 783; allowed: {IMAGE}"),
        (lambda file: file[0][0][1].append(0), f"train image 1: holds a list of 785; allowed: {IMAGE}"),
        (move_a_pixel, f"train image 0: holds a list of 783; allowed: {IMAGE}"),
        (lambda file: file[0][0].__setitem__(0, 3), f"train image 0: holds 3; allowed: {IMAGE}"),
        (label(10), "eval label 1: is 10; allowed: a whole number 0 to 9"),
        (label(-1), "eval label 1: is -1; allowed: a whole number 0 to 9"),
        (label(1.5), "eval label 1: is 1.5; allowed: a whole number 0 to 9"),
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
        ("hello", "is not JSON: unexpected character, expected a JSON value, at byte 0: 'hello'; allowed: lists of"),
        ("", "is not JSON: Input is a zero-length, empty document, at byte 0: ''; allowed: lists of finite"),
        (json.dumps(content())[:-1], "is not JSON: unexpected end of data, at byte "),
        (json.dumps(content()) + "[]", "is not JSON: unexpected content after document, at byte "),
        ("[" * 2000 + "]" * 2000, "is not JSON: depth limit exceeded, at byte 1,025: '[[[["),
        (json.dumps({"train": content()[0]}), "holds an object; allowed: a list of the splits train, valid, eval"),
        ("5", "holds 5; allowed: a list of the splits train, valid, eval"),
    ],
    ids=["word", "nothing", "cut", "more", "deep", "object", "number"],
)
def test_bad_text_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError, match="^" + re.escape(f"{path}: {message}")):
        read_mnist_json(path)


def test_text_of_all_gzip_members(tmp_path: Path) -> None:
    text = json.dumps(content()).encode()
    path = tmp_path / "mnist.json.gz"
    path.write_bytes(gzip.compress(text[:5000]) + gzip.compress(b"") + gzip.compress(text[5000:]))
    assert read_mnist_json(path)["eval"].labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    "spoil",
    [
        gzip.decompress,
        lambda whole: whole[:-9],
        lambda whole: whole[:-1],
        lambda whole: whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:],
        lambda whole: whole[:20] + bytes([whole[20] ^ 255]) + whole[21:],
        lambda whole: whole + b"more",
    ],
    ids=["not gzip", "cut text", "cut length", "checksum", "bits", "appended"],
)
def test_bad_gzip_is_refused(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = written(tmp_path, json.dumps(content()))
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(InputError, match="^" + re.escape(f"{path}: is not a whole gzip file: ")):
        read_mnist_json(path)
