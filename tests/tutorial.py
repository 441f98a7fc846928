"""The tutorial's network, written as the tutorial writes it: what ours is compared with."""

import paddle
import paddle.nn.functional as F
from paddle.nn import Conv2D, Linear, MaxPool2D


class MNIST(paddle.nn.Layer):
    """Logits [n, 10] of images [n, 1, 28, 28]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = Conv2D(in_channels=1, out_channels=20, kernel_size=5, stride=1, padding=2)
        self.max_pool1 = MaxPool2D(kernel_size=2, stride=2)
        self.conv2 = Conv2D(in_channels=20, out_channels=20, kernel_size=5, stride=1, padding=2)
        self.max_pool2 = MaxPool2D(kernel_size=2, stride=2)
        self.fc = Linear(in_features=980, out_features=10)

    def forward(self, inputs: paddle.Tensor) -> paddle.Tensor:
        """As in the tutorial, line by line."""
        x = self.conv1(inputs)
        x = F.relu(x)
        x = self.max_pool1(x)
        x = self.conv2(x)
        x = F.relu(x)
        x = self.max_pool2(x)
        x = paddle.reshape(x, [x.shape[0], -1])
        return self.fc(x)


def with_weights_of(model: paddle.nn.Layer) -> MNIST:
    """The tutorial's network with the weights of ours."""
    network = MNIST()
    missing, unexpected = network.set_state_dict(model.state_dict())
    assert not missing, missing
    assert not unexpected, unexpected
    return network
