"""The tutorial's network: two blocks of convolution, ReLU and max-pooling, and a fully connected layer."""

import io
from collections.abc import Mapping

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from stages.lib.files.errors import InputError


class Network(nn.Layer):
    """Logits [n, 10] of images [n, 784] or [n, 1, 28, 28], float32; layers named as in the tutorial."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(in_channels=1, out_channels=20, kernel_size=5, stride=1, padding=2)
        self.conv2 = nn.Conv2D(in_channels=20, out_channels=20, kernel_size=5, stride=1, padding=2)
        self.fc = nn.Linear(in_features=980, out_features=10)

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        """The tutorial's function in another order, because Paddle's CPU kernels are twice as fast this way.

        Pooling before bias and ReLU is the same, as max(x) + b = max(x + b) and ReLU is monotone; padding first
        and a bias of shape [C, 1, 1] avoid a slow convolution and a slow broadcast.
        """
        x = images.reshape([-1, 1, 28, 28])
        for conv in (self.conv1, self.conv2):
            x = F.conv2d(F.pad(x, [2, 2, 2, 2]), conv.weight)
            x = F.relu(F.max_pool2d(x, 2) + conv.bias.reshape([-1, 1, 1]))
        return self.fc(x.flatten(1))


def initial_network(seed: int) -> Network:
    """A network with Paddle's default initial weights, the same for the same seed."""
    paddle.seed(seed)
    with paddle.utils.unique_name.guard():  # parameter names, and so saved bytes, do not depend on earlier networks
        return Network()


def flat_weights(network: Network) -> np.ndarray:
    """A copy of all weights in one line, float32 [p], in the order of `network.parameters()`."""
    return np.concatenate([parameter.numpy().ravel() for parameter in network.parameters()])


def set_flat_weights(network: Network, weights: np.ndarray) -> None:
    """Give the network weights float32 [p] in the order of `flat_weights`. ValueError when they are not as many."""
    parameters = network.parameters()
    ends = np.cumsum([parameter.size for parameter in parameters])
    if len(weights) != ends[-1]:
        raise ValueError(f"{len(weights)} weights, but the network has {ends[-1]}")
    for parameter, part in zip(parameters, np.split(weights, ends[:-1]), strict=True):
        parameter.set_value(part.reshape(parameter.shape))


def weights_of(network: Network) -> dict[str, np.ndarray]:
    """A copy of the weights, float32, under the names of `state_dict`."""
    return {name: value.numpy() for name, value in network.state_dict().items()}


def pdparams(network: Network) -> bytes:
    """The network's weights as the bytes of a .pdparams file, which `paddle.load` reads."""
    file = io.BytesIO()
    paddle.save(network.state_dict(), file)
    return file.getvalue()


def network_with(weights: Mapping[str, np.ndarray], name: str = "the weights") -> Network:
    """A network with weights by `weights_of`. InputError, beginning with `name`, when they are another network's."""
    network = Network()
    expected = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    if {key: value.shape for key, value in weights.items()} != expected:
        raise InputError(
            f"{name}: of another network than stages/lib/training/network.py; run 'dvc repro' to train anew"
        )
    network.set_state_dict(dict(weights))
    return network
