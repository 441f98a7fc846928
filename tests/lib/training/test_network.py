from itertools import islice
from pathlib import Path

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
import tutorial
from exact_sums import assert_sums_are_exact, round_weights
from paddle import nn
from safetensors.numpy import save
from short_runs import NETWORKS, TUTORIAL, settings, silent

from stages.lib.dataset.splits import Split
from stages.lib.files.errors import InputError
from stages.lib.training.loop import batches, train_run
from stages.lib.training.network import (
    flat_weights,
    initial_network,
    network_with,
    set_flat_weights,
    weights_of,
)
from stages.lib.training.plain import Plain

SHAPES = {
    "conv1.weight": [20, 1, 5, 5],
    "conv1.bias": [20],
    "conv2.weight": [20, 20, 5, 5],
    "conv2.bias": [20],
    "fc.weight": [980, 10],
    "fc.bias": [10],
}


def with_random_biases() -> nn.Layer:
    """Paddle starts biases at zero, where an error in adding them would not show."""
    model = initial_network(TUTORIAL, 3)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.set_value(np.random.default_rng(1).normal(size=parameter.shape).astype(np.float32))
    return model


@pytest.fixture
def batch(mnist: dict[str, Split]) -> Split:
    return Split(mnist["train"].images[:50], mnist["train"].labels[:50])


def test_forward_is_the_tutorials(batch: Split) -> None:
    model = with_random_biases()
    expected = tutorial.with_weights_of(model)(paddle.to_tensor(batch.images.reshape(-1, 1, 28, 28)))
    np.testing.assert_allclose(
        model(paddle.to_tensor(batch.images.reshape(-1, 1, 28, 28))).numpy(), expected.numpy(), rtol=0, atol=1e-5
    )


def test_forward_is_the_tutorials_below_zero() -> None:
    """Negative values, which zero padding and ReLU treat unlike positive ones."""
    images = np.random.default_rng(0).normal(size=(8, 784)).astype(np.float32)
    model = with_random_biases()
    expected = tutorial.with_weights_of(model)(paddle.to_tensor(images.reshape(-1, 1, 28, 28)))
    np.testing.assert_allclose(
        model(paddle.to_tensor(images.reshape(-1, 1, 28, 28))).numpy(), expected.numpy(), rtol=0, atol=1e-5
    )


def test_gradients_are_the_tutorials(batch: Split) -> None:
    model = with_random_biases()
    round_weights(model)
    assert_sums_are_exact(model, batch.images)
    network = tutorial.with_weights_of(model)
    labels = paddle.to_tensor(batch.labels)
    F.cross_entropy(model(paddle.to_tensor(batch.images.reshape(-1, 1, 28, 28))), labels).backward()
    F.cross_entropy(network(paddle.to_tensor(batch.images.reshape(-1, 1, 28, 28))), labels).backward()
    expected = {name: parameter.grad.numpy() for name, parameter in network.named_parameters()}
    for name, parameter in model.named_parameters():
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(parameter.grad.numpy(), expected[name], rtol=0, atol=1e-5 * scale, err_msg=name)


def test_shapes_and_names_are_the_tutorials() -> None:
    assert {name: list(value.shape) for name, value in initial_network(TUTORIAL, 0).state_dict().items()} == SHAPES


def test_seed_fixes_the_weights() -> None:
    one, same, other = (flat_weights(initial_network(TUTORIAL, seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_weights_start_as_the_tutorials_do() -> None:
    """Paddle's own initialisation, in the order in which the tutorial builds its layers."""
    ours = initial_network(TUTORIAL, 5).state_dict()
    paddle.seed(5)
    for name, value in tutorial.MNIST().state_dict().items():
        np.testing.assert_array_equal(ours[name].numpy(), value.numpy(), err_msg=name)


def test_weights_do_not_depend_on_earlier_models() -> None:
    before = flat_weights(initial_network(TUTORIAL, 1))
    paddle.nn.Conv2D(1, 1, 1)
    np.testing.assert_array_equal(flat_weights(initial_network(TUTORIAL, 1)), before)


def test_network_with_the_weights_of_another(batch: Split) -> None:
    network = with_random_biases()
    images = paddle.to_tensor(batch.images.reshape(-1, 1, 28, 28))
    np.testing.assert_array_equal(network_with(TUTORIAL, weights_of(network))(images).numpy(), network(images).numpy())


def test_weights_are_a_copy() -> None:
    model = initial_network(TUTORIAL, 0)
    weights = weights_of(model)
    assert {name: list(value.shape) for name, value in weights.items()} == SHAPES
    for value in weights.values():
        value[:] = 7
    assert not (flat_weights(model) == 7).any()


@pytest.mark.parametrize(
    "change",
    [{"fc.bias": None}, {"fc.bias": [11]}, {"conv3.weight": [2]}],
    ids=["missing", "shape", "more"],
)
def test_weights_of_another_model_are_refused(change: dict[str, list[int] | None]) -> None:
    weights = weights_of(initial_network(TUTORIAL, 0)) | {
        name: np.zeros(shape or [1], np.float32) for name, shape in change.items()
    }
    weights = {name: value for name, value in weights.items() if change.get(name, [1]) is not None}
    with pytest.raises(
        InputError, match=r"7\.safetensors: of another network than params\.yaml names; run 'dvc repro'"
    ):
        network_with(TUTORIAL, weights, "7.safetensors")


def test_flat_weights_are_those_of_all_layers_in_their_order() -> None:
    model = initial_network(TUTORIAL, 5)
    flat = flat_weights(model)
    assert flat.dtype == np.float32
    assert flat.shape == (500 + 20 + 10_000 + 20 + 9_800 + 10,)
    np.testing.assert_array_equal(flat[:500].reshape(20, 1, 5, 5), model.conv1.weight.numpy())
    np.testing.assert_array_equal(flat[-10:], model.fc.bias.numpy())
    other = initial_network(TUTORIAL, 6)
    set_flat_weights(other, flat)
    image = paddle.rand([2, 1, 28, 28])
    np.testing.assert_array_equal(other(image).numpy(), model(image).numpy())
    flat[:] = 0
    assert model.fc.weight.numpy().any()  # a copy


@pytest.mark.parametrize("count", [0, 20_349, 20_351])
def test_another_number_of_weights_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="cannot reshape array"):
        set_flat_weights(initial_network(TUTORIAL, 0), np.zeros(count, np.float32))


OTHERS = {path.stem: path.read_bytes() for path in NETWORKS.glob("*.py") if path.stem != "tutorial"}


def images_of(batch: Split) -> paddle.Tensor:
    return paddle.to_tensor(batch.images.reshape(-1, 1, 28, 28))


@pytest.mark.parametrize("name", ["linear", "mlp"])
def test_forward_is_that_of_the_tutorials_earlier_chapters(name: str, batch: Split) -> None:
    """In NumPy: products, and 1 / (1 + exp(-x)) between them."""
    model = initial_network(OTHERS[name], 3)
    weights = list(weights_of(model).values())
    assert [array.shape for array in weights[::2]] == {"linear": [(784, 10)], "mlp": [(784, 10), (10, 10), (10, 10)]}[
        name
    ]
    x = batch.images.astype("f8") @ weights[0] + weights[1]
    for weight, bias in zip(weights[2::2], weights[3::2], strict=True):
        x = 1 / (1 + np.exp(-x)) @ weight + bias
    np.testing.assert_allclose(model(images_of(batch)).numpy(), x, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", OTHERS)
def test_a_short_network_of_any_kind_learns_and_repeats_to_the_byte(name: str, dataset: Path) -> None:
    """Dropout, too, is of the run's seed, whatever was drawn before."""
    assert len(OTHERS[name].splitlines()) < 30
    asked = settings("Adam", 0.01, 20, 2, network=OTHERS[name])
    one = train_run(asked, dataset, silent, snapshots=True)
    paddle.rand([3])
    two = train_run(asked, dataset, silent)
    assert one.run == two.run
    assert one.weights is not None
    assert two.weights is not None
    assert save(one.weights) == save(two.weights)
    assert one.run.valid[-1].accuracy > {"linear": 0.7, "mlp": 0.2, "modern": 0.8}[name]
    other = train_run(asked.model_copy(update={"seed": 4}), dataset, silent)
    assert other.run.train_loss != one.run.train_loss


def test_batch_normalization_and_dropout_train_as_a_plain_loop_does(few: Path, mnist: dict[str, Split]) -> None:
    """Loss, weights and buffers; training mode in steps, evaluation mode in validations, which draw nothing."""
    trained = train_run(settings("SGD", 0.1, 25, 1, network=OTHERS["modern"]), few, silent)
    model = initial_network(OTHERS["modern"], 3)
    optimizer = paddle.optimizer.SGD(learning_rate=0.1, parameters=model.parameters())
    for order in islice(batches(230, 25, 3), 10):
        model.train()
        F.cross_entropy(
            model(images_of(mnist_part(mnist, order))), paddle.to_tensor(mnist["train"].labels[order])
        ).backward()
        optimizer.step()
        optimizer.clear_grad()
    model.eval()
    expected = weights_of(model)
    assert trained.weights is not None
    assert {name for name in expected if name.endswith(("_mean", "_variance"))} < set(trained.weights)
    for name, value in expected.items():
        np.testing.assert_allclose(trained.weights[name], value, rtol=1e-4, atol=1e-5, err_msg=name)
    valid = Split(mnist["valid"].images[:100], mnist["valid"].labels[:100])
    loss = float(F.cross_entropy(model(images_of(valid)), paddle.to_tensor(valid.labels)))
    assert trained.run.valid[-1].loss == pytest.approx(loss, rel=1e-4)
    restored = Plain(network_with(OTHERS["modern"], trained.weights)).logits(valid.images)
    np.testing.assert_allclose(restored, model(images_of(valid)).numpy(), rtol=0, atol=1e-4)


def mnist_part(mnist: dict[str, Split], order: np.ndarray) -> Split:
    return Split(mnist["train"].images[order], mnist["train"].labels[order])


BUFFERED = b"""
import paddle

class Network(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", paddle.zeros([784]))
        self.fc = paddle.nn.Linear(784, 10)

    def forward(self, images):
        x = images.flatten(1)
        if self.training:
            self.mean.set_value(0.9 * self.mean + 0.1 * x.mean(0))
        return self.fc(x - self.mean)
"""


@pytest.mark.parametrize("source", [OTHERS["modern"], BUFFERED], ids=["modern", "buffered"])
def test_flat_weights_hold_what_a_network_keeps_beside_its_parameters(source: bytes, few: Path) -> None:
    """So that the losses along a path are those of the network as it was."""
    trained = train_run(settings("SGD", 0.1, 25, 1, network=source), few, silent, snapshots=True)
    assert trained.snapshots is not None
    assert trained.weights is not None
    model = initial_network(source, 0)
    set_flat_weights(model, trained.snapshots.weights[-1])
    for name, value in weights_of(model).items():
        assert value.any()
        np.testing.assert_array_equal(value, trained.weights[name], err_msg=name)
