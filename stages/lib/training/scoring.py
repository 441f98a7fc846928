"""How wrong a model's outputs are."""

import numpy as np

FARTHEST = 64.0  # as in Paddle's own cross-entropy, no output counts as more than this below the largest


def cross_entropies(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Float64 [n]: -log softmax(outputs)[label] of outputs float32 [n, classes] and labels int64 [n]."""
    shifted = outputs.astype(np.float64)
    with np.errstate(invalid="ignore"):  # infinite outputs give NaN: the caller asks whether the loss is finite
        shifted -= shifted.max(axis=1, keepdims=True)
    np.maximum(shifted, -FARTHEST, out=shifted)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
