"""What a model says of images, and how wrong it is."""

import numpy as np
import paddle

from stages.lib.model import Model

AT_ONCE = 500  # images; more would not fit the cache


def logits(model: Model, images: np.ndarray) -> np.ndarray:
    """Float32 [n, 10] of images float32 [n, 784]."""
    with paddle.no_grad():
        blocks = [
            model(paddle.to_tensor(images[start : start + AT_ONCE])).numpy() for start in range(0, len(images), AT_ONCE)
        ]
    return np.concatenate(blocks)


def cross_entropies(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Float64 [n]: -log softmax(outputs)[label] of outputs float32 [n, classes] and labels int64 [n]."""
    shifted = outputs.astype(np.float64)
    with np.errstate(invalid="ignore"):  # infinite outputs give NaN: the caller asks whether the loss is finite
        shifted -= shifted.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
