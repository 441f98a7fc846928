"""Weights are read as data, whole and finite, or refused in one line."""

from pathlib import Path

import numpy as np
import pytest
from safetensors import numpy as safetensors

from stages.lib.files.errors import InputError
from stages.lib.training.weight_files import load_weights, save_weights

RNG = np.random.default_rng(0)
WEIGHTS = {name: RNG.normal(size=shape).astype("f4") for name, shape in (("fc.weight", (4, 3)), ("fc.bias", (3,)))}
GOOD = safetensors.save(WEIGHTS)
# the beginning of a file of one array of two numbers, of a type that NumPy has not
FOREIGN_TYPE = b'\x40\0\0\0\0\0\0\0{"x":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}         \0\0\0\0'


def refused(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_weights(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.endswith("; run 'dvc repro' to make it anew")
    assert len(message.splitlines()) == 1
    return message


def test_weights_are_read_as_they_were_written(tmp_path: Path) -> None:
    save_weights(tmp_path / "new" / "0.safetensors", WEIGHTS)
    found = load_weights(tmp_path / "new" / "0.safetensors")
    assert list(found) == ["fc.bias", "fc.weight"]
    for name, array in found.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, WEIGHTS[name])


def test_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    """Whatever their order, and their order in memory."""
    turned = {name: np.asfortranarray(array) for name, array in reversed(WEIGHTS.items())}
    for name, weights in {"one": WEIGHTS, "two": turned}.items():
        save_weights(tmp_path / name, weights)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert safetensors.load((tmp_path / "one").read_bytes()).keys() == WEIGHTS.keys()


@pytest.mark.parametrize("content", [b"", b"hello, world", bytes(1000), b"\xff" * 1000, b"\x80\x04}.", FOREIGN_TYPE])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    assert "holds no weights (" in refused(tmp_path / "0.safetensors", content)


@pytest.mark.parametrize("size", range(0, len(GOOD), 7))
def test_cut_file_is_refused(tmp_path: Path, size: int) -> None:
    assert "holds no weights (" in refused(tmp_path / "0.safetensors", GOOD[:size])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    content = safetensors.save(WEIGHTS | {"fc.bias": np.array([1, value], np.float32)})
    assert "'fc.bias': a weight is not finite" in refused(tmp_path / "0.safetensors", content)


@pytest.mark.parametrize("dtype", ["f8", "f2", "i4", "bool"])
def test_other_numbers_are_refused(tmp_path: Path, dtype: str) -> None:
    content = safetensors.save({"fc.bias": np.ones(2, dtype)})
    assert f"'fc.bias': is {np.dtype(dtype)}, not float32" in refused(tmp_path / "0.safetensors", content)
