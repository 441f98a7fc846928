"""Both engines, and which of them runs: the network that is written is the network that trains."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
import tutorial
from paddle import Tensor, nn
from short_runs import TUTORIAL, settings, silent

from stages.lib.dataset.splits import Split
from stages.lib.runs.run import Run
from stages.lib.training import engines
from stages.lib.training.conv import FastEngine
from stages.lib.training.loop import train_run
from stages.lib.training.network import initial_network, network_class
from stages.lib.training.plain import Plain

Network = network_class(TUTORIAL)
Forward = Callable[[nn.Layer, Tensor], Tensor]


def forward(
    *,
    activation: Callable[[Tensor], Tensor] = F.relu,
    pool: Callable[..., Tensor] = F.max_pool2d,
    biased: tuple[float, float, float] = (1, 1, 1),
    before: Callable[[Tensor], Tensor] = lambda x: x,
    features: Callable[[nn.Layer, Tensor], Tensor] = lambda _, x: x,
    outputs: Callable[[nn.Layer, Tensor], Tensor] = lambda _, x: x,
) -> Forward:
    """The network's forward with parts replaced; `biased` are the factors of the three biases."""

    def edited(self: nn.Layer, images: Tensor) -> Tensor:
        x = before(images.reshape([-1, 1, 28, 28]))
        for conv, factor in zip((self.conv1, self.conv2), biased, strict=False):
            x = F.conv2d(F.pad(x, [2, 2, 2, 2]), conv.weight)
            x = activation(pool(x, 2) + factor * conv.bias.reshape([-1, 1, 1]))
        x = features(self, x.flatten(1))
        return outputs(self, F.linear(x, self.fc.weight, biased[2] * self.fc.bias))

    return edited


def swapped_channels(self: nn.Layer, images: Tensor) -> Tensor:
    x = F.relu(self.conv1(images.reshape([-1, 1, 28, 28])))
    x = F.relu(self.conv2(F.max_pool2d(x, 2).flip(axis=1)))
    return self.fc(F.max_pool2d(x, 2).flatten(1))


def frozen_first_layer(self: nn.Layer, images: Tensor) -> Tensor:
    x = F.max_pool2d(F.relu(self.conv1(images.reshape([-1, 1, 28, 28]))), 2).detach()
    return self.fc(F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1))


# Each keeps all shapes, and changes what is computed: everywhere, at some values only, or in one mode only.
EDITS: dict[str, Forward] = {
    "sigmoid": forward(activation=F.sigmoid),
    "tanh": forward(activation=F.tanh),
    "leaky ReLU": forward(activation=lambda x: F.leaky_relu(x, 0.01)),
    "GELU": forward(activation=F.gelu),
    "no ReLU": forward(activation=lambda x: x),
    "average pooling": forward(pool=F.avg_pool2d),
    "no first bias": forward(biased=(0, 1, 1)),
    "no second bias": forward(biased=(1, 0, 1)),
    "no last bias": forward(biased=(1, 1, 0)),
    "constant factor": forward(features=lambda _, x: x * 1.001),
    "other inputs": forward(before=lambda x: (x - 0.13) / 0.31),
    "tanh of the outputs": forward(outputs=lambda _, x: F.tanh(x)),
    "dropout": forward(features=lambda self, x: F.dropout(x, 0.5, training=self.training)),
    "dropout of images": forward(before=lambda x: F.dropout(x, 0.01)),
    "factor in training": forward(outputs=lambda self, x: x * 0.5 if self.training else x),
    "factor in evaluation": forward(outputs=lambda self, x: x if self.training else x * 0.5),
    "reversed channels": swapped_channels,
    "frozen first layer": frozen_first_layer,
}
# These change nothing that the few steps of a test reach, but what a longer training may reach.
RARE: dict[str, Forward] = {
    "ReLU6": forward(activation=F.relu6),
    "clipped outputs": forward(outputs=lambda _, x: paddle.clip(x, -60, 60)),
    "clipped images": forward(before=lambda x: paddle.clip(x, 0, 1)),
}


def train(few: Path) -> Run:
    return train_run(settings("Momentum", 0.05, 50, 2), few, silent).run


def train_plainly(few: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    with monkeypatch.context() as patch:
        patch.setattr("stages.lib.training.loop.engine_of", lambda model, _batch_size: Plain(model))
        return train(few)


@pytest.mark.parametrize("edit", EDITS)
def test_edited_network_trains_as_in_plain_paddle(few: Path, monkeypatch: pytest.MonkeyPatch, edit: str) -> None:
    """To the last digit."""
    unedited = train(few)
    monkeypatch.setattr(Network, "forward", EDITS[edit])
    runs = [train(few), train(few)]
    assert runs[0] == runs[1] == train_plainly(few, monkeypatch)
    assert (runs[0].train_loss, runs[0].valid) != (unedited.train_loss, unedited.valid)


@pytest.mark.parametrize("edit", RARE)
def test_edit_that_shows_only_at_some_values_is_found(monkeypatch: pytest.MonkeyPatch, edit: str) -> None:
    monkeypatch.setattr(Network, "forward", RARE[edit])
    assert isinstance(engines.engine_of(initial_network(TUTORIAL, 0)), Plain)


def wider(self: nn.Layer) -> None:
    self.conv2, self.fc = nn.Conv2D(20, 30, 5, 1, 2), nn.Linear(1470, 10)


def smaller_kernel(self: nn.Layer) -> None:
    self.conv1, self.fc = nn.Conv2D(1, 20, 3, 1, 2), nn.Linear(980, 10)


def normalized(self: nn.Layer) -> None:
    self.norm = nn.LayerNorm([20, 14, 14])


def of_double_precision(self: nn.Layer) -> None:
    self.to(dtype="float64")


@pytest.mark.parametrize("edit", [wider, smaller_kernel, normalized, of_double_precision])
def test_network_of_other_shapes_trains_in_plain_paddle(
    few: Path, monkeypatch: pytest.MonkeyPatch, edit: Callable[[nn.Layer], None]
) -> None:
    original = Network.__init__

    def edited(self: nn.Layer) -> None:
        original(self)
        edit(self)

    def with_all_layers(self: nn.Layer, images: Tensor) -> Tensor:
        x = images.astype(self.fc.weight.dtype).reshape([-1, 1, 28, 28])
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = self.norm(x) if edit is normalized else x
        return self.fc(F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)[:, : self.fc.weight.shape[0]])

    monkeypatch.setattr(Network, "__init__", edited)
    monkeypatch.setattr(Network, "forward", with_all_layers)
    assert train(few) == train_plainly(few, monkeypatch)
    assert engines.difference(initial_network(TUTORIAL, 0)) == "shapes of the parameters"


@pytest.mark.parametrize("edit", [Network.forward, forward()])
def test_same_function_in_other_words_runs_fast(monkeypatch: pytest.MonkeyPatch, edit: Forward) -> None:
    monkeypatch.setattr(Network, "forward", edit)
    assert isinstance(engines.engine_of(initial_network(TUTORIAL, 0)), FastEngine)


def test_buffers_are_for_plain_paddle() -> None:
    """Whatever the forward does with them: what they hold may change with training."""
    model = initial_network(TUTORIAL, 0)
    model.register_buffer("mean", paddle.zeros([1]))
    assert isinstance(engines.engine_of(model), Plain)


def test_question_leaves_the_model_and_paddles_random_numbers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Network, "forward", forward(features=lambda _, x: F.dropout(x)))  # not probed before
    model = initial_network(TUTORIAL, 0)
    model(paddle.ones([2, 1, 28, 28])).sum().backward()
    before = [(p.numpy(), p.grad.numpy(), p.name) for p in model.parameters()]
    paddle.seed(5)
    expected = paddle.rand([3]).numpy()
    paddle.seed(5)
    assert isinstance(engines.engine_of(model), Plain)
    np.testing.assert_array_equal(paddle.rand([3]).numpy(), expected)
    assert model.training
    for parameter, (value, gradient, name) in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.numpy(), value)
        np.testing.assert_array_equal(parameter.grad.numpy(), gradient)
        assert parameter.name == name


def test_plain_engine_trains_in_training_mode_and_answers_in_evaluation_mode(mnist: dict[str, Split]) -> None:
    model = initial_network(TUTORIAL, 0)
    modes = []
    model.register_forward_pre_hook(lambda layer, _: modes.append(layer.training))
    engine, images = Plain(model), mnist["train"].images[:150]
    loss = engine.loss_and_gradients(images, mnist["train"].labels[:150])
    engine.logits(images)
    assert modes == [True, False, False]
    assert loss == pytest.approx(np.log(10), abs=1)
    assert all(np.abs(parameter.grad.numpy()).max() > 0 for parameter in model.parameters())


@pytest.mark.parametrize("engine", [Plain, FastEngine])
@pytest.mark.parametrize("count", [1, 99, 100, 101, 1000])
def test_logits_of_any_number_of_images(engine: type[Plain | FastEngine], count: int, mnist: dict[str, Split]) -> None:
    """Those of the tutorial's network on each image by itself, in their order."""
    model = initial_network(TUTORIAL, 0)
    images = mnist["train"].images[:count]
    outputs = engine(model).logits(images)
    assert outputs.shape == (count, 10)
    assert outputs.dtype == np.float32
    network = tutorial.with_weights_of(model)
    for place in {0, count // 2, count - 1}:
        alone = network(paddle.to_tensor(images[place].reshape(1, 1, 28, 28))).numpy()
        np.testing.assert_allclose(outputs[place : place + 1], alone, rtol=0, atol=1e-5)
