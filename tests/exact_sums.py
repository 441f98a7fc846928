"""Data that rounding cannot tip, to compare gradients on.

Where two pixels of a pool are equal to within rounding, or a pixel is within rounding of zero, the gradient may go
either way, and on another CPU it does. Either the sums are exact in any order, so that pixels are equal or clearly not;
or every pixel is clear.
"""

import numpy as np
import paddle
import paddle.nn.functional as F


def layers(model: paddle.nn.Layer) -> list[tuple[np.ndarray, np.ndarray]]:
    """Kernel and bias of both convolutions, float64."""
    return [(conv.weight.numpy().astype("f8"), conv.bias.numpy().astype("f8")) for conv in (model.conv1, model.conv2)]


def convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Paddle's, in float64."""
    result: np.ndarray = F.conv2d(paddle.to_tensor(x), paddle.to_tensor(kernel), padding=2).numpy()
    return result


def pools(y: np.ndarray) -> np.ndarray:
    """[n, c, h, w] -> [n, c, h / 2, w / 2, 4], in ascending order."""
    n, c, h, w = y.shape
    return np.sort(y.reshape(n, c, h // 2, 2, w // 2, 2).swapaxes(3, 4).reshape(n, c, h // 2, w // 2, 4), axis=-1)


def round_weights(model: paddle.nn.Layer) -> None:
    """Make the convolutions' weights multiples of powers of two, so that sums over MNIST's pixels are exact."""
    for parameter, steps in zip(model.parameters(), (16, 256, 32, 256), strict=False):
        parameter.set_value(np.rint(parameter.numpy() * steps) / np.float32(steps))


def step(array: np.ndarray) -> float:
    """The largest power of two of which all numbers are multiples."""
    power = 2.0**20
    while (array % power).any():
        power /= 2
    return power


def assert_sums_are_exact(model: paddle.nn.Layer, images: np.ndarray) -> None:
    """No sum of a convolution, or part of one, needs more than the 24 bits that float32 has."""
    x = images.reshape(-1, 1, 28, 28).astype("f8")
    for kernel, bias in layers(model):
        largest = convolved(np.abs(x), np.abs(kernel)).max() + np.abs(bias).max()
        assert largest <= 2**24 * min(step(x) * step(kernel), step(bias))
        x = np.maximum(pools(convolved(x, kernel))[..., -1] + bias[:, None, None], 0)


def clear(model: paddle.nn.Layer, images: np.ndarray, margin: float = 1e-5) -> np.ndarray:
    """Bool [n]: the images of which every pool has one largest pixel, and it is not zero, by the margin."""
    x, found = images.reshape(-1, 1, 28, 28).astype("f8"), np.ones(len(images), bool)
    for kernel, bias in layers(model):
        ordered = pools(convolved(x, kernel) + bias[:, None, None])
        top, second = ordered[..., -1], ordered[..., -2]
        fine = (top < -margin) | ((top > margin) & (top - second > margin))
        found &= fine.all(axis=(1, 2, 3))
        x = np.maximum(top, 0)
    return found
