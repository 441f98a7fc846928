"""Two hidden layers of ten with sigmoid, as in the tutorial's chapter before convolution."""

import paddle
import paddle.nn.functional as F
from paddle import nn


class Network(nn.Layer):
    """Images float32 [n, 1, 28, 28] -> logits [n, 10]."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(784, 10)
        self.fc2 = nn.Linear(10, 10)
        self.fc3 = nn.Linear(10, 10)

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        x = F.sigmoid(self.fc1(images.flatten(1)))
        x = F.sigmoid(self.fc2(x))
        return self.fc3(x)
