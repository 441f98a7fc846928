"""The fast engine against the same network in plain Paddle, on data that rounding cannot tip: see exact_sums."""

import hashlib
from collections.abc import Callable

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
import tutorial
from exact_sums import assert_sums_are_exact, clear, round_weights
from short_runs import TUTORIAL

from stages.lib.dataset.splits import Split
from stages.lib.training.conv import FastEngine
from stages.lib.training.network import initial_network


def model_with(seed: int, bias: float = 0.1, weight: float | None = None) -> paddle.nn.Layer:
    rng, model = np.random.default_rng(seed), initial_network(TUTORIAL, 0)
    for p in model.parameters():
        fan_in = np.prod(p.shape[1:]) if len(p.shape) == 4 else p.shape[0]
        scale = bias if len(p.shape) == 1 else weight or (2 / fan_in) ** 0.5
        p.set_value((rng.standard_normal(p.shape) * scale).astype("f4"))
    return model


def rounded_model(seed: int, bias: float = 0.1) -> paddle.nn.Layer:
    model = model_with(seed, bias)
    round_weights(model)
    return model


def plain(model: paddle.nn.Layer, images: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray, list[np.ndarray]]:
    """Loss, logits and gradients by the tutorial's own forward and Paddle's autograd."""
    network = tutorial.with_weights_of(model)
    outputs = network(paddle.to_tensor(images.reshape(-1, 1, 28, 28)))
    loss = F.cross_entropy(outputs, paddle.to_tensor(labels))
    loss.backward()
    return float(loss), outputs.numpy(), [parameter.grad.numpy() for parameter in network.parameters()]


def check(model: paddle.nn.Layer, images: np.ndarray, labels: np.ndarray, engine: FastEngine | None = None) -> None:
    assert_sums_are_exact(model, images)
    compare(model, images, labels, engine or FastEngine(model, 100))


def compare(model: paddle.nn.Layer, images: np.ndarray, labels: np.ndarray, engine: FastEngine) -> None:
    loss, z, grads = plain(model, images, labels)
    assert engine.loss_and_gradients(images, labels) == pytest.approx(loss, rel=1e-5, abs=1e-6)
    for p, expected in zip(model.parameters(), grads, strict=True):
        got = p.grad.numpy()
        assert got.dtype == np.float32
        assert got.shape == expected.shape
        assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max(), p.name
    out = engine.logits(images)
    assert out.dtype == np.float32
    assert np.abs(out - z).max() <= 1e-5 * np.abs(z).max()


def batch(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pixels like MNIST's, of 0 to 1 in steps of 1/256."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 257, (n, 784)).astype("f4") / 256, rng.integers(0, 10, n)


@pytest.mark.parametrize("n", [1, 7, 99, 100])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_random(n: int, seed: int) -> None:
    check(rounded_model(seed), *batch(n, seed))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_numbers_of_all_digits(seed: int) -> None:
    """Weights and pixels as in training, but only images of which each pool has a clear winner."""
    model, rng = model_with(seed), np.random.default_rng(seed)
    images = rng.random((250, 784), "f4")
    images = images[clear(model, images)][:100]
    assert len(images) == 100
    compare(model, images, rng.integers(0, 10, 100), FastEngine(model, 100))


@pytest.mark.parametrize("bias", [0, 0.1])
def test_mnist(bias: float, mnist: dict[str, Split]) -> None:
    train = mnist["train"]
    check(rounded_model(3, bias), train.images[:100], train.labels[:100])


@pytest.mark.parametrize(("engine_batch", "n"), [(1, 1), (1, 3), (8, 20), (128, 128), (200, 200), (300, 150)])
def test_block_sizes(engine_batch: int, n: int) -> None:
    model = rounded_model(1)
    check(model, *batch(n, 4), FastEngine(model, engine_batch))


def test_short_batch_after_full_batch() -> None:
    model = rounded_model(5)
    engine = FastEngine(model, 100)
    for n in (100, 7, 100, 1):
        check(model, *batch(n, n), engine)


@pytest.mark.parametrize("bias", [0, 0.1])
@pytest.mark.parametrize("value", [0, 1, 0.3125])
def test_constant_images(value: float, bias: float) -> None:
    check(rounded_model(6, bias), np.full((20, 784), value, "f4"), np.arange(20) % 7)


@pytest.mark.parametrize(("levels", "seed"), [(1, 0), (1, 1), (2, 2), (2, 3), (4, 4)])
def test_ties(levels: int, seed: int) -> None:
    """Small integers: every sum is exact in any order, so equal pixels are equal in both programs."""
    rng, model = np.random.default_rng(seed), initial_network(TUTORIAL, 0)
    for p in model.parameters()[:4]:
        p.set_value(rng.integers(-levels, levels + 1, p.shape).astype("f4"))
    model.fc.weight.set_value((rng.standard_normal([980, 10]) / 3000).astype("f4"))
    images = rng.integers(0, levels + 1, (100, 784)) * (rng.random((100, 784)) < 0.5)
    check(model, images.astype("f4"), rng.integers(0, 10, 100))


@pytest.mark.parametrize("factor", [2**8, 2**13])
def test_large_values(factor: int) -> None:
    """Only images whose largest output is 128 above the others: rounding of such numbers moves what lies between."""
    model, (images, labels) = rounded_model(7, bias=0), batch(1000, 7)
    images *= np.float32(factor)
    outputs = np.sort(plain(model, images, labels)[1], axis=1)
    far = outputs[:, -1] - outputs[:, -2] > 128
    assert far.sum() >= 100
    check(model, images[far][:100], labels[far][:100])


@pytest.mark.parametrize("weight", [1e15, 1e30, np.inf, np.nan])
def test_diverged(weight: float) -> None:
    """Overflow shows in the loss, quietly. (Paddle's own pooling may swallow a nan and report a finite loss.)"""
    engine = FastEngine(model_with(8, weight=weight), 100)
    assert not np.isfinite(engine.loss_and_gradients(*batch(100)))
    engine.logits(batch(7)[0])


def clip() -> paddle.nn.ClipGradByGlobalNorm:
    return paddle.nn.ClipGradByGlobalNorm(0.5)


OPTIMIZERS: dict[str, dict[str, Callable[[], object]]] = {
    "SGD": {},
    "Momentum": {},
    "Adagrad": {},
    "RMSProp": {},
    "Adam": {},
    "AdamW": {},
    "Lamb": {},
    "Adamax": {},
    "Adadelta": {},
    "SGD clipped": {"grad_clip": clip, "weight_decay": lambda: 0.01},
    "Momentum decayed": {"weight_decay": lambda: paddle.regularizer.L2Decay(0.01)},
    "Adam clipped": {"grad_clip": clip, "weight_decay": lambda: 0.01},
    "AdamW clipped": {"grad_clip": clip, "weight_decay": lambda: 0.1},
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name: str) -> None:
    """Gradients set by the engine lead to the same steps as the same gradients from Paddle's autograd."""
    options = {key: value() for key, value in OPTIMIZERS[name].items()}
    results = []
    for own in (False, True):
        model = model_with(9)
        kind = getattr(paddle.optimizer, name.split(maxsplit=1)[0])
        optimizer = kind(learning_rate=0.01, parameters=model.parameters(), **options)
        engine = FastEngine(model, 50)
        for i in range(3):
            images, labels = batch(50, i)
            engine.loss_and_gradients(images, labels)
            if own:
                given = [p.grad.clone() for p in model.parameters()]
                model.clear_gradients()
                sum((p * g).sum() for p, g in zip(model.parameters(), given, strict=True)).backward()
            optimizer.step()
            optimizer.clear_grad()
        results.append([p.numpy() for p in model.parameters()])
    start = [p.numpy() for p in model_with(9).parameters()]
    for one, other, first in zip(*results, start, strict=True):
        assert np.array_equal(one, other)
        assert not np.array_equal(one, first)


def fifty_steps() -> str:
    """A hash of 50 losses and of the weights after them."""
    model = model_with(10)
    engine, digest = FastEngine(model, 100), hashlib.sha256()
    optimizer = paddle.optimizer.Adam(0.001, parameters=model.parameters())
    for step in range(50):
        digest.update(np.float64(engine.loss_and_gradients(*batch(100, step % 5))).tobytes())
        optimizer.step()
        optimizer.clear_grad()
    for parameter in model.parameters():
        digest.update(parameter.numpy().tobytes())
    return digest.hexdigest()


def test_three_runs_give_the_same_bytes() -> None:
    assert fifty_steps() == fifty_steps() == fifty_steps()
