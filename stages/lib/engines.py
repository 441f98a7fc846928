"""Which code computes the network: the fast one where shapes and device allow it, plain Paddle elsewhere."""

from typing import Protocol

import numpy as np
import paddle
import paddle.nn.functional as F

from stages.lib import conv
from stages.lib.model import Model

AT_ONCE = 100  # images; more do not fit the cache


class Engine(Protocol):
    """Computes a model's outputs, and its loss with the gradients of all parameters."""

    def loss_and_gradients(self, images: np.ndarray, labels: np.ndarray) -> float:
        """The mean cross-entropy of images float32 [n, 784] and labels int64 [n]; gradients go to the parameters."""

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Float32 [n, 10] of images float32 [n, 784]."""


class Plain:
    """The reference: Paddle's own operators and autograd."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def loss_and_gradients(self, images: np.ndarray, labels: np.ndarray) -> float:
        """See `Engine`."""
        loss = F.cross_entropy(self.model(paddle.to_tensor(images)), paddle.to_tensor(labels))
        loss.backward()
        return float(loss)

    def logits(self, images: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        blocks = [images[start : start + AT_ONCE] for start in range(0, len(images), AT_ONCE)]
        with paddle.no_grad():
            return np.concatenate([self.model(paddle.to_tensor(block)).numpy() for block in blocks])


def fastest(model: Model, batch_size: int = AT_ONCE) -> Engine:
    """The fast engine for the tutorial's shapes on a CPU, else the plain one; batches of any size work with both."""
    shapes = [tuple(parameter.shape) for parameter in model.parameters()]
    if shapes == conv.SHAPES and all(parameter.place.is_cpu_place() for parameter in model.parameters()):
        return conv.FastEngine(model, batch_size)
    return Plain(model)
