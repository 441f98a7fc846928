import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
import tutorial

from stages.lib.dataset import Split
from stages.lib.errors import InputError
from stages.lib.model import Model, initial_model, load_model, saved

SHAPES = {
    "conv1.weight": [20, 1, 5, 5],
    "conv1.bias": [20],
    "conv2.weight": [20, 20, 5, 5],
    "conv2.bias": [20],
    "fc.weight": [980, 10],
    "fc.bias": [10],
}


def with_random_biases() -> Model:
    """Paddle starts biases at zero, where an error in adding them would not show."""
    model = initial_model(3)
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
    network = tutorial.with_weights_of(model)
    labels = paddle.to_tensor(batch.labels)
    F.cross_entropy(model(paddle.to_tensor(batch.images)), labels).backward()
    F.cross_entropy(network(paddle.to_tensor(batch.images.reshape(-1, 1, 28, 28))), labels).backward()
    expected = {name: parameter.grad.numpy() for name, parameter in network.named_parameters()}
    for name, parameter in model.named_parameters():
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(parameter.grad.numpy(), expected[name], rtol=0, atol=1e-5 * scale, err_msg=name)


def test_shapes_and_names_are_the_tutorials() -> None:
    assert {name: list(value.shape) for name, value in initial_model(0).state_dict().items()} == SHAPES


def test_seed_fixes_the_weights() -> None:
    one, same, other = (saved(initial_model(seed)) for seed in (5, 5, 6))
    assert one == same
    assert one != other


def test_weights_start_as_the_tutorials_do() -> None:
    """Paddle's own initialisation, in the order in which the tutorial builds its layers."""
    ours = initial_model(5).state_dict()
    paddle.seed(5)
    for name, value in tutorial.MNIST().state_dict().items():
        np.testing.assert_array_equal(ours[name].numpy(), value.numpy(), err_msg=name)


def test_bytes_do_not_depend_on_earlier_models() -> None:
    before = saved(initial_model(1))
    paddle.nn.Conv2D(1, 1, 1)
    assert saved(initial_model(1)) == before


def test_paddle_reads_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "0.pdparams"
    model = with_random_biases()
    path.write_bytes(saved(model))
    loaded = paddle.load(str(path))
    assert {name: list(value.shape) for name, value in loaded.items()} == SHAPES
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(loaded[name].numpy(), value.numpy())


def test_saved_model_is_loaded(tmp_path: Path, batch: Split) -> None:
    path = tmp_path / "0.pdparams"
    model = with_random_biases()
    path.write_bytes(saved(model))
    images = paddle.to_tensor(batch.images)
    np.testing.assert_array_equal(load_model(path)(images).numpy(), model(images).numpy())


def good() -> bytes:
    return saved(initial_model(0))


@pytest.mark.parametrize(
    "content",
    [
        lambda: b"",
        lambda: b"hello, world",
        lambda: good()[:1000],
        lambda: good()[:-1],
        lambda: bytes(1000),
        lambda: pickle.dumps([1, 2]),
        lambda: pickle.dumps(3),
    ],
    ids=["empty", "text", "short", "cut", "zeros", "list", "number"],
)
def test_file_that_holds_no_weights_is_refused(tmp_path: Path, content: Callable[[], bytes]) -> None:
    path = tmp_path / "0.pdparams"
    path.write_bytes(content())
    with pytest.raises(InputError, match=r"0\.pdparams: holds .*; run 'dvc repro' to make it anew"):
        load_model(path)


@pytest.mark.filterwarnings("ignore:Skip loading for")  # Paddle's own words before ours
@pytest.mark.parametrize(
    "change",
    [{"fc.bias": None}, {"fc.bias": [11]}, {"conv3.weight": [2]}],
    ids=["missing", "shape", "more"],
)
def test_weights_of_another_model_are_refused(tmp_path: Path, change: dict[str, list[int] | None]) -> None:
    path = tmp_path / "0.pdparams"
    state = dict(initial_model(0).state_dict()) | {name: paddle.zeros(shape or [1]) for name, shape in change.items()}
    paddle.save({name: value for name, value in state.items() if change.get(name, [1]) is not None}, str(path))
    with pytest.raises(InputError, match=r"0\.pdparams: holds the weights of another model; run 'dvc repro'"):
        load_model(path)
