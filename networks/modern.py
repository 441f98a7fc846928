"""A small network of today: batch normalization, strides in place of pooling, and dropout."""

import paddle
from paddle import nn


def block(channels: int, out: int, stride: int) -> nn.Layer:
    convolution = nn.Conv2D(channels, out, kernel_size=3, stride=stride, padding=1, bias_attr=False)
    return nn.Sequential(convolution, nn.BatchNorm2D(out), nn.ReLU())


class Network(nn.Layer):
    """Images float32 [n, 1, 28, 28] -> logits [n, 10]."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(block(1, 16, 2), block(16, 32, 2), block(32, 32, 2))  # 14, 7 and 4 pixels wide
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(32 * 4 * 4, 10)

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        return self.fc(self.dropout(self.blocks(images).flatten(1)))
