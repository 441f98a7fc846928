"""Weights are read as data: nothing that a pickle names is run, and no memory is asked for by a number in it."""

import os
import pickle
import pickletools
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest

from stages.lib.errors import InputError
from stages.lib.model import initial_model, load_model, saved
from stages.lib.weights import OPERATIONS, load_weights

NAME = Path("data/models/sgd/0.pdparams")
GOOD = saved(initial_model(0))


class Call:
    """Pickled as a call of `function`, which any plain pickle reader then makes."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.call


def refused(content: bytes) -> str:
    with pytest.raises(InputError) as caught:
        load_weights(content, NAME)
    message = str(caught.value)
    assert message.startswith(f"{NAME}: ")
    assert len(message.splitlines()) == 1
    return message


def test_arrays_are_those_that_paddle_loads(tmp_path: Path) -> None:
    path = tmp_path / "0.pdparams"
    path.write_bytes(GOOD)
    expected = {name: value.numpy() for name, value in paddle.load(str(path)).items()}
    arrays = load_weights(GOOD, path)
    assert list(arrays) == list(expected)
    for name, array in arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, expected[name])


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("wrapped", [lambda call: call, lambda call: {"fc.bias": call}, lambda call: {call: 1}])
def test_code_in_a_file_is_not_run(tmp_path: Path, protocol: int, wrapped: Callable[[Call], Any]) -> None:
    canary = tmp_path / "ran"
    content = pickle.dumps(wrapped(Call(os.mkdir, str(canary))), protocol)
    pickle.loads(content)
    assert canary.exists()  # the file is malicious: a plain reader runs it
    canary.rmdir()
    refused(content)
    (tmp_path / "0.pdparams").write_bytes(content)
    with pytest.raises(InputError, match=r"0\.pdparams: holds no weights"):
        load_model(tmp_path / "0.pdparams")
    assert not canary.exists()


@pytest.mark.parametrize("function", [eval, exec, getattr, __import__, open, np.load, np.fromfile, print])
def test_name_that_is_no_array_is_refused(function: Callable[..., Any]) -> None:
    content = pickle.dumps({"fc.bias": Call(function, "x")}, 4)
    assert "it names " in refused(content)


@pytest.mark.parametrize(
    "name", ["ndarray.tofile", "dtype.__class__", "__builtins__", "ndarray.__class__.__base__.__subclasses__"]
)
def test_way_from_an_array_to_other_things_is_refused(name: str) -> None:
    """STACK_GLOBAL follows dots in the name."""
    names = b"".join(b"\x8c" + bytes([len(word)]) + word.encode() for word in ("numpy", name))
    assert "it names numpy." in refused(b"\x80\x04" + names + b"\x93.")


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04}r\xff\xff\xff\x7f.",  # memory for two thousand million entries
        b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b".",  # a terabyte of bytes
        b"\x80\x04B" + struct.pack("<I", 2**32 - 1) + b".",
        b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"}.",
        b"\x80\x04\x8b\xff\xff\xff\x7f1.",  # a whole number of 2 GB
        GOOD.replace(b"K\x14\x85", b"J\xff\xff\xff\x7f\x85", 1),  # an array of 8 GB
        b"(" * 10**6,
        b"\x80\x04" + b"]" * 10**6 + b".",
    ],
    ids=["memo", "bytes8", "bytes", "frame", "long", "shape", "marks", "lists"],
)
def test_memory_is_not_asked_for(content: bytes) -> None:
    tracemalloc.start()
    refused(content)
    assert tracemalloc.get_traced_memory()[1] < 200_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (True, "it is a bool, not a dict of arrays"),
        ({"fc.bias": 5}, "it holds something beside named arrays"),
        ({5: np.zeros(2, np.float32)}, "it holds something beside named arrays"),
        ({"fc.bias": np.zeros(2)}, "'fc.bias' is not of little-endian float32 in C order"),
        ({"fc.bias": np.zeros(2, ">f4")}, "'fc.bias' is not of little-endian float32 in C order"),
        ({"fc.bias": np.asfortranarray(np.zeros((2, 2), np.float32))}, "'fc.bias' is not of little-endian float32"),
        ({"fc.bias": np.array([{}], object)}, "operation EMPTY_LIST is not of a file of arrays"),
        ({"fc.bias": np.array([1, np.nan], np.float32)}, "'fc.bias': a weight is not finite"),
        ({"fc.bias": np.array([1, -np.inf], np.float32)}, "'fc.bias': a weight is not finite"),
    ],
)
def test_other_values_are_refused(value: object, reason: str) -> None:
    assert reason in refused(pickle.dumps(value, 4))


def test_only_the_operations_of_good_files_are_let_through() -> None:
    """A new version of Paddle that writes others shows here."""
    assert {operation.name for operation, *_ in pickletools.genops(GOOD)} <= OPERATIONS
    assert not OPERATIONS & {
        "GLOBAL",
        "INST",
        "OBJ",
        "NEWOBJ",
        "NEWOBJ_EX",
        "EXT1",
        "EXT2",
        "EXT4",
        "PERSID",
        "BINPERSID",
    }


def test_tuples_that_take_for_ever_to_hash_are_refused() -> None:
    """As a key, each tuple hashes the one before it twice: 2^60 steps, of which none is done."""
    pairs = b"".join(pickle.BINGET + bytes([n]) + pickle.BINGET + bytes([n]) + b"\x86\x94" for n in range(60))
    content = b"\x80\x04}\x8c\x01a\x94" + pairs + b"K\x01s."
    assert "operation TUPLE2 is not of a file of arrays" in refused(content)
