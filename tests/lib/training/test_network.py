from pathlib import Path

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
import tutorial
from exact_sums import assert_sums_are_exact, round_weights

from stages.lib.dataset.splits import Split
from stages.lib.files.errors import InputError
from stages.lib.training.network import (
    Network,
    flat_weights,
    initial_network,
    network_with,
    pdparams,
    set_flat_weights,
    weights_of,
)

SHAPES = {
    "conv1.weight": [20, 1, 5, 5],
    "conv1.bias": [20],
    "conv2.weight": [20, 20, 5, 5],
    "conv2.bias": [20],
    "fc.weight": [980, 10],
    "fc.bias": [10],
}


def with_random_biases() -> Network:
    """Paddle starts biases at zero, where an error in adding them would not show."""
    model = initial_network(3)
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
    np.testing.assert_allclose(model(paddle.to_tensor(batch.images)).numpy(), expected.numpy(), rtol=0, atol=1e-5)


def test_forward_is_the_tutorials_below_zero() -> None:
    """Negative values, which zero padding and ReLU treat unlike positive ones."""
    images = np.random.default_rng(0).normal(size=(8, 784)).astype(np.float32)
    model = with_random_biases()
    expected = tutorial.with_weights_of(model)(paddle.to_tensor(images.reshape(-1, 1, 28, 28)))
    np.testing.assert_allclose(model(paddle.to_tensor(images)).numpy(), expected.numpy(), rtol=0, atol=1e-5)


def test_gradients_are_the_tutorials(batch: Split) -> None:
    model = with_random_biases()
    round_weights(model)
    assert_sums_are_exact(model, batch.images)
    network = tutorial.with_weights_of(model)
    labels = paddle.to_tensor(batch.labels)
    F.cross_entropy(model(paddle.to_tensor(batch.images)), labels).backward()
    F.cross_entropy(network(paddle.to_tensor(batch.images.reshape(-1, 1, 28, 28))), labels).backward()
    expected = {name: parameter.grad.numpy() for name, parameter in network.named_parameters()}
    for name, parameter in model.named_parameters():
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(parameter.grad.numpy(), expected[name], rtol=0, atol=1e-5 * scale, err_msg=name)


def test_shapes_and_names_are_the_tutorials() -> None:
    assert {name: list(value.shape) for name, value in initial_network(0).state_dict().items()} == SHAPES


def test_seed_fixes_the_weights() -> None:
    one, same, other = (pdparams(initial_network(seed)) for seed in (5, 5, 6))
    assert one == same
    assert one != other


def test_weights_start_as_the_tutorials_do() -> None:
    """Paddle's own initialisation, in the order in which the tutorial builds its layers."""
    ours = initial_network(5).state_dict()
    paddle.seed(5)
    for name, value in tutorial.MNIST().state_dict().items():
        np.testing.assert_array_equal(ours[name].numpy(), value.numpy(), err_msg=name)


def test_bytes_do_not_depend_on_earlier_models() -> None:
    before = pdparams(initial_network(1))
    paddle.nn.Conv2D(1, 1, 1)
    assert pdparams(initial_network(1)) == before


def test_paddle_reads_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "0.pdparams"
    model = with_random_biases()
    path.write_bytes(pdparams(model))
    loaded = paddle.load(str(path))
    assert {name: list(value.shape) for name, value in loaded.items()} == SHAPES
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(loaded[name].numpy(), value.numpy())


def test_network_with_the_weights_of_another(batch: Split) -> None:
    network = with_random_biases()
    images = paddle.to_tensor(batch.images)
    np.testing.assert_array_equal(network_with(weights_of(network))(images).numpy(), network(images).numpy())


def test_weights_are_a_copy() -> None:
    model = initial_network(0)
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
    weights = weights_of(initial_network(0)) | {
        name: np.zeros(shape or [1], np.float32) for name, shape in change.items()
    }
    weights = {name: value for name, value in weights.items() if change.get(name, [1]) is not None}
    with pytest.raises(InputError, match=r"7\.safetensors: of another network than .*network\.py; run 'dvc repro'"):
        network_with(weights, "7.safetensors")


def test_flat_weights_are_those_of_all_layers_in_their_order() -> None:
    model = initial_network(5)
    flat = flat_weights(model)
    assert flat.dtype == np.float32
    assert flat.shape == (500 + 20 + 10_000 + 20 + 9_800 + 10,)
    np.testing.assert_array_equal(flat[:500].reshape(20, 1, 5, 5), model.conv1.weight.numpy())
    np.testing.assert_array_equal(flat[-10:], model.fc.bias.numpy())
    other = initial_network(6)
    set_flat_weights(other, flat)
    image = paddle.rand([2, 784])
    np.testing.assert_array_equal(other(image).numpy(), model(image).numpy())
    flat[:] = 0
    assert model.fc.weight.numpy().any()  # a copy


@pytest.mark.parametrize("count", [0, 20_349, 20_351])
def test_another_number_of_weights_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} weights, but the network has 20350"):
        set_flat_weights(initial_network(0), np.zeros(count, np.float32))
