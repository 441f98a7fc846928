"""One linear layer, as in the tutorial's first chapters, but with ten outputs: a score for each digit."""

import paddle
from paddle import nn


class Network(nn.Layer):
    """Images float32 [n, 1, 28, 28] -> logits [n, 10]."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(784, 10)

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        return self.fc(images.flatten(1))
