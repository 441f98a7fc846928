"""The arrays in a .pdparams file, read without running what a pickle may ask for.

`paddle.save` writes a pickle, and `paddle.load` runs any function that a pickle names. Here only the few operations
that a file of arrays needs are let through, and the one thing that they can call is a class below that keeps arguments.
"""

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np

from stages.lib.errors import InputError

# what paddle.save writes of a state_dict; missing here are those that import, call or ask for memory by a number
OPERATIONS = {
    *("PROTO", "FRAME", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2"),
    *("SHORT_BINBYTES", "BINBYTES", "SHORT_BINUNICODE", "BINUNICODE", "EMPTY_DICT", "SETITEM", "SETITEMS"),
    *("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "MEMOIZE", "BINGET", "LONG_BINGET", "STACK_GLOBAL", "REDUCE", "BUILD"),
}
LARGEST_FILE = 10**7  # bytes: a hundred times what the weights take
# Twice the same tuple in a tuple, and that twice in another, and so on: n of them, used as a key, take 2^n steps to
# hash. This model's six arrays take 26, and 30 some seconds.
MOST_TUPLES = 30
PARAMETER_NAMES = "StructuredToParameterName@@"  # Paddle's table of its own names, beside the arrays
BROKEN = (
    *(pickle.UnpicklingError, ValueError, TypeError, EOFError, LookupError, AttributeError),
    *(OverflowError, MemoryError, RuntimeError),
)


class _Array:
    """Stands for an array, or its type, in the pickle: it keeps what it is given."""

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments
        self.state: Any = None

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type[_Array]:
        if (module, name) in {("numpy", "ndarray"), ("numpy", "dtype")} or (
            module in {"numpy._core.multiarray", "numpy.core.multiarray"} and name == "_reconstruct"
        ):
            return _Array
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is no array")


def read_weights(path: Path) -> bytes:
    """The bytes of a .pdparams file. InputError, before any is read, when there are more than LARGEST_FILE."""
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise InputError(f"{path}: has {size:,} bytes; allowed: at most {LARGEST_FILE:,}")
    return path.read_bytes()


def load_weights(content: bytes, name: Path) -> dict[str, np.ndarray]:
    """The arrays float32 in the bytes of a .pdparams file, by their names; nothing in it is run.

    InputError, beginning with `name`, when it holds anything but float32 arrays of finite numbers.
    """
    try:
        tuples = 0
        for operation, *_ in pickletools.genops(content):
            tuples += operation.name.startswith("TUPLE")
            if operation.name not in OPERATIONS or tuples > MOST_TUPLES:
                raise pickle.UnpicklingError(f"operation {operation.name} is not of a file of arrays")
        state = _Unpickler(io.BytesIO(content)).load()
        if not isinstance(state, dict):
            raise ValueError(f"it is a {type(state).__name__}, not a dict of arrays")
        arrays = {key: _array(key, value) for key, value in state.items() if key != PARAMETER_NAMES}
    except BROKEN as error:
        reason = " ".join(str(error).split())[:80]
        raise InputError(f"{name}: holds no weights ({reason}); run 'dvc repro' to make it anew") from None
    for key, array in arrays.items():
        if not np.isfinite(array).all():
            raise InputError(f"{name}: {key!r:.40}: a weight is not finite; run 'dvc repro' to make it anew")
    return arrays


def _array(key: object, value: object) -> np.ndarray:
    """The array that NumPy would rebuild from (version, shape, dtype, Fortran order, bytes)."""
    if not isinstance(key, str) or not isinstance(value, _Array):
        raise ValueError("it holds something beside named arrays")
    version, shape, dtype, fortran, content = value.state
    if version != 1 or dtype.arguments[0] != "f4" or dtype.state[1] != "<" or fortran:
        raise ValueError(f"{key!r} is not of little-endian float32 in C order")
    return np.frombuffer(content, "<f4").reshape(shape)
