"""Spoiled mnist.json.gz: prepare writes right arrays, or nothing and one line of what is wrong where."""

import gzip
import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoiled import cases, refused_or_right, spoiled_bytes

from stages.lib.dataset.splits import SPLITS
from stages.prepare import prepare

pytestmark = pytest.mark.long

Json = Any
GOOD: Json = [[[[0.25] * 784, [[0.5] * 28] * 28], [3, 7]], [[[0.125] * 784], [1.0]], [[[255] * 784], [9]]]
TEXT = json.dumps(GOOD).encode()
LEAVES = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    st.sampled_from(
        [-1, 10, 2**63, 2**64, 10**400, 1e30, 1.0000001e30, -1e38, 5e-324, -0.0, "0.5", "\ud800", "[", "NaN"]
    ),
)
VALUES = st.one_of(
    LEAVES,
    st.lists(LEAVES, max_size=3),
    st.dictionaries(st.text(max_size=3), LEAVES, max_size=2),
    st.sampled_from([[[0.5] * 28] * 28, [[0.5] * 29] * 28, [0.5] * 28, [0.5] * 783, [True] * 784, [[]] * 784]),
)


def places(content: Json, path: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    """The ways to the lists in it, and to the first and last numbers of each."""
    if not isinstance(content, list):
        return [path]
    found = [path] if path else []
    for place in sorted({0, 1, len(content) - 1} & set(range(len(content)))):
        found += places(content[place], (*path, place))
    return found


@st.composite
def spoiled_content(draw: Callable[..., Any]) -> Json:
    """GOOD with one to three of its lists or numbers replaced, taken out, repeated or added."""
    content = json.loads(TEXT)
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(places(content) or [(0,)]))
        parent = content
        for place in way:
            parent = parent[place]
        match draw(st.sampled_from(["replace", "replace", "remove", "repeat", "add"])):
            case "replace":
                parent[last : last + 1] = [deepcopy(draw(VALUES))]
            case "remove":
                del parent[last : last + 1]
            case "repeat":
                parent[last:last] = deepcopy(parent[last : last + 1])
            case "add":
                parent.append(deepcopy(draw(VALUES)))
    return content


def check(folder: Path, content: bytes) -> bool:
    """prepare(content): all or nothing, and the old arrays stay. Whether it is all."""
    source, target = folder / "mnist.json.gz", folder / "out" / "mnist.npz"
    source.write_bytes(content)
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(b"old")
    with refused_or_right(source, "allowed: "):
        prepare(source, target)
    assert [file.name for file in target.parent.iterdir()] == ["mnist.npz"]
    if target.read_bytes() == b"old":
        return False
    with np.load(target) as arrays:
        for name, (images, labels) in zip(SPLITS, json.loads(gzip.decompress(content)), strict=True):
            as_in_the_tutorial = [np.reshape(np.array(image, np.float64), 784) for image in images]
            np.testing.assert_array_equal(arrays[f"{name}_images"], np.array(as_in_the_tutorial).astype(np.float32))
            assert np.isfinite(arrays[f"{name}_images"]).all()
            assert arrays[f"{name}_labels"].tolist() == labels
            assert not any(isinstance(label, bool) for label in labels)
    return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("json")


@cases(500)
@given(content=spoiled_content())
def test_content(folder: Path, content: Json) -> None:
    check(folder, gzip.compress(json.dumps(content).encode(), compresslevel=1))


@cases(200)
@given(text=spoiled_bytes(TEXT))
def test_text(folder: Path, text: bytes) -> None:
    check(folder, gzip.compress(text, compresslevel=1))


@cases(200)
@given(content=spoiled_bytes(gzip.compress(TEXT, mtime=0)))
def test_gzip(folder: Path, content: bytes) -> None:
    check(folder, content)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-7", "cp037"])
def test_encoding(folder: Path, encoding: str) -> None:
    check(folder, gzip.compress(TEXT.decode().encode(encoding)))


@pytest.mark.parametrize("depth", [100, 1_000_000])
@pytest.mark.parametrize("shape", ["[", '[{"a":'])
def test_depth(folder: Path, depth: int, shape: str) -> None:
    assert not check(folder, gzip.compress(shape.encode() * depth))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_good_is_right(folder: Path, encoding: str) -> None:
    """Or else the cases above would prove nothing."""
    assert check(folder, gzip.compress(TEXT.decode().encode(encoding)))
