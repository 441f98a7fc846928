"""The tutorial's network: two blocks of convolution, ReLU and max-pooling, and a fully connected layer."""

import paddle
import paddle.nn.functional as F
from paddle import nn


class Network(nn.Layer):
    """Images float32 [n, 1, 28, 28] -> logits [n, 10]; layers named as in the tutorial."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(in_channels=1, out_channels=20, kernel_size=5, stride=1, padding=2)
        self.conv2 = nn.Conv2D(in_channels=20, out_channels=20, kernel_size=5, stride=1, padding=2)
        self.fc = nn.Linear(in_features=980, out_features=10)

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        x = F.max_pool2d(F.relu(self.conv1(images)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(x.flatten(1))
