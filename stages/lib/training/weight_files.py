"""A run's weights as a safetensors file: names and arrays, and nothing in it that could be run."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from stages.lib.files.errors import InputError
from stages.lib.files.replacing import replacing


def save_weights(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays float32 under their names; the same arrays, in any order, give the same bytes."""
    with replacing(path) as temporary:
        temporary.write_bytes(safetensors.save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def load_weights(path: Path) -> dict[str, np.ndarray]:
    """Read what `save_weights` wrote, sorted by name. InputError when it is not float32 arrays of finite numbers."""
    try:
        arrays = safetensors.load(path.read_bytes())
    except (SafetensorError, KeyError) as error:  # KeyError: an element type that NumPy has not
        reason = " ".join(str(error).split())[:80]
        raise InputError(f"{path}: holds no weights ({reason}); run 'dvc repro' to make it anew") from None
    for name, array in arrays.items():
        if array.dtype != np.float32 or not np.isfinite(array).all():
            reason = f"is {array.dtype}, not float32" if array.dtype != np.float32 else "a weight is not finite"
            raise InputError(f"{path}: {name!r:.40}: {reason}; run 'dvc repro' to make it anew")
    return dict(sorted(arrays.items()))
