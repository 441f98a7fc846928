"""What an engine is, and the reference among them: plain Paddle."""

from typing import Protocol

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

AT_ONCE = 100  # images; more do not fit the cache


class Engine(Protocol):
    """Computes a model's outputs, and its loss with the gradients of all parameters, as `Plain` does."""

    def loss_and_gradients(self, images: np.ndarray, labels: np.ndarray) -> float: ...
    def logits(self, images: np.ndarray) -> np.ndarray: ...


class Plain:
    """The reference: the network's own forward, by Paddle's operators and autograd."""

    def __init__(self, model: nn.Layer) -> None:
        self.model = model

    def loss_and_gradients(self, images: np.ndarray, labels: np.ndarray) -> float:
        """The mean cross-entropy, in training mode, of images float32 [n, 784] and labels int64 [n].

        The gradients go to the parameters.
        """
        self.model.train()
        loss = F.cross_entropy(self._outputs(images), paddle.to_tensor(labels))
        loss.backward()
        return float(loss)

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Float32 [n, 10] of images float32 [n, 784], in evaluation mode."""
        self.model.eval()
        blocks = [images[start : start + AT_ONCE] for start in range(0, len(images), AT_ONCE)]
        with paddle.no_grad():
            return np.concatenate([self._outputs(block).numpy() for block in blocks])

    def _outputs(self, images: np.ndarray) -> paddle.Tensor:
        return self.model(paddle.to_tensor(images.reshape(-1, 1, 28, 28)))
