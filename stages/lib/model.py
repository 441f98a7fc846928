"""The tutorial's network: two blocks of convolution, ReLU and max-pooling, and a fully connected layer."""

import io
from pathlib import Path

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from stages.lib.errors import InputError
from stages.lib.weights import load_weights, read_weights


class Model(nn.Layer):
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


def initial_model(seed: int) -> Model:
    """A model with Paddle's default initial weights, the same for the same seed."""
    paddle.seed(seed)
    with paddle.utils.unique_name.guard():  # parameter names, and so saved bytes, do not depend on earlier models
        return Model()


def flat_weights(model: Model) -> np.ndarray:
    """A copy of all weights in one line, float32 [p], in the order of `model.parameters()`."""
    return np.concatenate([parameter.numpy().ravel() for parameter in model.parameters()])


def set_flat_weights(model: Model, weights: np.ndarray) -> None:
    """Give the model weights float32 [p] in the order of `flat_weights`. ValueError when they are not as many."""
    parameters = model.parameters()
    ends = np.cumsum([parameter.size for parameter in parameters])
    if len(weights) != ends[-1]:
        raise ValueError(f"{len(weights)} weights, but the model has {ends[-1]}")
    for parameter, part in zip(parameters, np.split(weights, ends[:-1]), strict=True):
        parameter.set_value(part.reshape(parameter.shape))


def saved(model: Model) -> bytes:
    """The model's weights as the bytes of a .pdparams file, which `paddle.load` reads."""
    file = io.BytesIO()
    paddle.save(model.state_dict(), file)
    return file.getvalue()


def load_model(path: Path) -> Model:
    """A model with the weights of a .pdparams file. InputError when the file does not hold them."""
    return model_of(read_weights(path), path)


def model_of(content: bytes, name: Path) -> Model:
    """A model with the weights in the bytes of a .pdparams file. InputError, beginning with `name`, if not there."""
    model = Model()
    weights = load_weights(content, name)
    if {key: value.shape for key, value in weights.items()} != {
        key: tuple(value.shape) for key, value in model.state_dict().items()
    }:
        raise InputError(f"{name}: holds the weights of another model; run 'dvc repro' to make it anew")
    model.set_state_dict(weights)
    return model
