"""Do two engines compute the same? Asked on data that rounding cannot tip.

Where two pixels of a pool are equal to within rounding, either may get the gradient, and both are right. So images,
kernels and biases are small multiples of powers of two: every sum of a convolution is exact in float32 in any order,
and pixels are equal or clearly not. The images' scales span two powers of ten, that a change which shows at large
values only, or at small ones, shows as well.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import paddle
from paddle import nn

from stages.lib.training.plain import Engine

# Relative to the largest number of an array: engines that compute the same differ by 1e-6.
TOLERANCE = 2e-5
IMAGES = 24


@contextmanager
def apart(model: nn.Layer) -> Iterator[nn.Layer]:
    """A copy of the model; what is done to it leaves the model and Paddle's random numbers as they were."""
    state = paddle.get_rng_state()
    try:
        yield copy.deepcopy(model)
    finally:
        paddle.set_rng_state(state)


def difference(model: nn.Layer, one: Engine, other: Engine) -> str:
    """The first that two engines on the tutorial's shapes find otherwise, or nothing; changes the model's weights."""
    images, labels = exact_data()
    for parameter, value in zip(model.parameters(), exact_weights(), strict=True):
        parameter.set_value(value)
    found, expected = (_results(model, engine, images, labels) for engine in (one, other))
    return next((name for name, value in expected.items() if not _close(found[name], value)), "")


def exact_data() -> tuple[np.ndarray, np.ndarray]:
    """Images float32 [IMAGES, 784] of -1, -3/4 ... 1, times 1/8 to 16, and labels int64 [IMAGES]."""
    rng = np.random.default_rng(0)
    scales = 2.0 ** (np.arange(IMAGES) % 8 - 3)
    images = rng.integers(-4, 5, (IMAGES, 784)) / 4 * scales[:, None]
    return images.astype(np.float32), rng.integers(0, 10, IMAGES)


def exact_weights() -> list[np.ndarray]:
    """Of the tutorial's layers in their order; those of the last, whose sums meet no pool, are any numbers."""
    rng = np.random.default_rng(1)
    steps = [((20, 1, 5, 5), 4), ((20,), 8), ((20, 20, 5, 5), 4), ((20,), 8)]
    exact = [rng.integers(-most, most + 1, shape) / 16 for shape, most in steps]
    weights = [*exact, rng.normal(scale=0.05, size=(980, 10)), rng.normal(size=10)]
    return [array.astype(np.float32) for array in weights]


def _results(model: nn.Layer, engine: Engine, images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """The logits of evaluation, and loss and gradients of training; a parameter without a gradient has NaN."""
    paddle.seed(0)  # a network with random numbers always shows, or never
    outputs = engine.logits(images)
    model.clear_gradients()
    found = {"outputs": outputs, "loss": np.array([engine.loss_and_gradients(images, labels)])}
    for name, parameter in model.named_parameters():
        gradient = np.array(np.nan) if parameter.grad is None else parameter.grad.numpy().ravel()
        found[f"gradient of {name}"] = gradient
    return found


def _close(found: np.ndarray, expected: np.ndarray) -> bool:
    """Within TOLERANCE of the largest of the last axis; NaN is close to nothing."""
    scale = np.abs(expected).max(axis=-1)
    return found.shape == expected.shape and bool((np.abs(found - expected).max(axis=-1) <= TOLERANCE * scale).all())
