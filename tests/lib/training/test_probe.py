"""The data of the probe: see test_engines for what it finds."""

import numpy as np
from exact_sums import assert_sums_are_exact, convolved, layers, pools
from paddle import nn
from short_runs import TUTORIAL

from stages.lib.training import probe
from stages.lib.training.conv import SHAPES, FastEngine
from stages.lib.training.network import initial_network
from stages.lib.training.plain import Plain


def probed() -> nn.Layer:
    model = initial_network(TUTORIAL, 0)
    for parameter, value in zip(model.parameters(), probe.exact_weights(), strict=True):
        parameter.set_value(value)
    return model


def test_rounding_cannot_tip_it() -> None:
    images, labels = probe.exact_data()
    assert [tuple(value.shape) for value in probe.exact_weights()] == SHAPES
    assert (images.shape, str(images.dtype), str(labels.dtype)) == ((probe.IMAGES, 784), "float32", "int64")
    assert_sums_are_exact(probed(), images)


def test_pixels_before_the_relu_are_small_and_large_of_both_signs() -> None:
    x = probe.exact_data()[0].reshape(-1, 1, 28, 28).astype("f8")
    for kernel, bias in layers(probed()):
        top = pools(convolved(x, kernel))[..., -1] + bias[:, None, None]
        assert (top < -1).mean() > 0.002
        assert (top > 6).mean() > 0.01
        assert (np.abs(top) < 0.3).mean() > 0.01
        x = np.maximum(top, 0)


def test_agreement_is_far_within_the_tolerance() -> None:
    model, (images, labels) = probed(), probe.exact_data()
    fast, plain = (probe._results(model, engine, images, labels) for engine in (FastEngine(model), Plain(model)))
    for name, expected in plain.items():
        scale = np.abs(expected).max(axis=-1, keepdims=True)
        assert (np.abs(fast[name] - expected) <= probe.TOLERANCE / 4 * scale).all(), name
