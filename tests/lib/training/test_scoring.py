import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from scipy.special import logsumexp

from stages.lib.training.scoring import cross_entropies


def test_cross_entropies_are_paddles() -> None:
    random = np.random.default_rng(0)
    outputs = random.normal(scale=5, size=(200, 10)).astype(np.float32)
    labels = random.integers(0, 10, 200)
    expected = F.cross_entropy(paddle.to_tensor(outputs), paddle.to_tensor(labels), reduction="none").numpy()
    np.testing.assert_allclose(cross_entropies(outputs, labels), expected.ravel(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("scale", [1e2, 1e5, 1e30])
def test_cross_entropies_of_big_outputs_are_paddles(scale: float) -> None:
    """Paddle's loss of one image ends at 64."""
    random = np.random.default_rng(1)
    outputs = (random.normal(size=(50, 10)) * scale).astype(np.float32)
    labels = random.integers(0, 10, 50)
    expected = F.cross_entropy(paddle.to_tensor(outputs), paddle.to_tensor(labels), reduction="none").numpy()
    assert expected.max() == pytest.approx(64, abs=0.1)
    np.testing.assert_allclose(cross_entropies(outputs, labels), expected.ravel(), rtol=1e-5, atol=1e-6)


def test_cross_entropies_are_scipys() -> None:
    random = np.random.default_rng(2)
    outputs = random.normal(scale=3, size=(50, 10)).astype(np.float32)
    labels = random.integers(0, 10, 50)
    wide = outputs.astype(np.float64)
    expected = logsumexp(wide, axis=1) - wide[np.arange(50), labels]
    np.testing.assert_allclose(cross_entropies(outputs, labels), expected, rtol=1e-12, atol=1e-12)


def test_cross_entropies_by_hand() -> None:
    outputs = np.array([[0.0, 0.0], [0.0, np.log(3)], [30.0, 0.0]], np.float32)
    expected = [np.log(2), np.log(4 / 3), 30]
    np.testing.assert_allclose(cross_entropies(outputs, np.array([0, 1, 1])), expected, rtol=1e-6)


@pytest.mark.parametrize("columns", [slice(None), 4], ids=["all", "one"])
@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_outputs_that_are_not_finite_give_a_loss_that_is_not(value: float, columns: slice | int) -> None:
    """Paddle's gives ln 10 or 66: a diverged network would look like one that knows nothing."""
    outputs = np.zeros((2, 10), np.float32)
    outputs[1, columns] = value
    losses = cross_entropies(outputs, np.array([0, 1]))
    assert losses[0] == pytest.approx(np.log(10))
    assert not np.isfinite(losses[1])
