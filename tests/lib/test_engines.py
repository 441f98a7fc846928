"""Both engines, and which of them runs."""

import numpy as np
import paddle
import pytest

from stages.lib import engines
from stages.lib.conv import FastEngine
from stages.lib.dataset import Split
from stages.lib.model import Model, initial_model


def wider_model() -> Model:
    """The tutorial's network with 30 channels instead of 20 in its second block."""
    model = initial_model(0)
    model.conv2 = paddle.nn.Conv2D(20, 30, 5, 1, 2)
    model.fc = paddle.nn.Linear(1470, 10)
    return model


def test_the_tutorials_network_on_a_cpu_runs_fast() -> None:
    assert isinstance(engines.fastest(initial_model(0)), FastEngine)


def test_another_network_runs_in_plain_paddle() -> None:
    assert isinstance(engines.fastest(wider_model()), engines.Plain)


def test_the_plain_engine_gives_a_loss_and_gradients(mnist: dict[str, Split]) -> None:
    model = wider_model()
    images, labels = mnist["train"].images[:150], mnist["train"].labels[:150]
    assert engines.Plain(model).loss_and_gradients(images, labels) == pytest.approx(np.log(10), abs=1)
    assert all(np.abs(parameter.grad.numpy()).max() > 0 for parameter in model.parameters())


@pytest.mark.parametrize("engine", [engines.Plain, FastEngine])
@pytest.mark.parametrize("count", [1, 99, 100, 101, 1000])
def test_logits_of_any_number_of_images(
    engine: type[engines.Plain | FastEngine], count: int, mnist: dict[str, Split]
) -> None:
    """Those of the model on each image by itself, in their order."""
    model = initial_model(0)
    images = mnist["train"].images[:count]
    outputs = engine(model).logits(images)
    assert outputs.shape == (count, 10)
    assert outputs.dtype == np.float32
    for place in {0, count // 2, count - 1}:
        alone = model(paddle.to_tensor(images[place : place + 1])).numpy()
        np.testing.assert_allclose(outputs[place : place + 1], alone, rtol=0, atol=1e-5)
