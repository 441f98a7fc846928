from itertools import chain, islice
from pathlib import Path

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
import tutorial

from stages.lib.curves import Result
from stages.lib.dataset import Split
from stages.lib.engines import Plain
from stages.lib.errors import InputError
from stages.lib.model import initial_model, load_model
from stages.lib.settings import Run
from stages.lib.training import batches, train_run


def silent(_step: int, _steps: int, _loss: float) -> None:
    """A report that says nothing."""


def run(dataset: Path, type_: str = "SGD", lr: float = 0.1, batch_size: int = 100, epochs: float = 1) -> Result:
    return train_run(Run("mine", type_, {}, batch_size, lr, epochs, seed=3), dataset, silent)


def weights(result: Result, folder: Path) -> dict[str, np.ndarray]:
    assert result.weights is not None
    path = folder / "weights.pdparams"
    path.write_bytes(result.weights)
    return {name: value.numpy() for name, value in load_model(path).state_dict().items()}


@pytest.fixture(scope="module")
def long(dataset: Path) -> Result:
    """250 steps on few images each."""
    return run(dataset, batch_size=8, epochs=2)


@pytest.mark.parametrize(
    ("images", "size", "sizes"), [(10, 4, [4, 4, 2]), (8, 4, [4, 4]), (3, 3, [3]), (3, 1, [1] * 3)]
)
def test_every_image_once_an_epoch(images: int, size: int, sizes: list[int]) -> None:
    found = list(islice(batches(images, size, seed=0), 3 * len(sizes)))
    assert [len(batch) for batch in found] == sizes * 3
    for epoch in range(3):
        order = np.concatenate(found[epoch * len(sizes) : (epoch + 1) * len(sizes)])
        assert sorted(order.tolist()) == list(range(images))


def order_of(epoch: int, seed: int) -> list[int]:
    found = np.concatenate(list(islice(batches(100, 10, seed), 20)))
    return found[epoch * 100 : epoch * 100 + 100].tolist()


def test_seed_and_epoch_fix_the_batches() -> None:
    assert order_of(0, seed=1) == order_of(0, seed=1)
    orders = [order_of(epoch, seed) for epoch in (0, 1) for seed in (0, 1)]
    for place, order in enumerate(orders):
        assert order != list(range(100))
        assert order not in orders[:place]


def test_batch_size_does_not_change_the_order() -> None:
    orders = [list(chain(*islice(batches(12, size, 5), 24 // size))) for size in (3, 4)]
    assert orders[0] == orders[1]


@pytest.fixture(params=["fast", "plain"])
def _engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test with both engines: plain Paddle is what other devices get."""
    if request.param == "plain":
        monkeypatch.setattr("stages.lib.training.fastest", lambda model, _batch_size: Plain(model))


@pytest.mark.usefixtures("_engine")
@pytest.mark.parametrize(("type_", "lr"), [("SGD", 0.02), ("Adam", 0.001)])
def test_losses_and_weights_are_those_of_the_tutorials_loop(
    few: Path, mnist: dict[str, Split], tmp_path: Path, type_: str, lr: float
) -> None:
    result = run(few, type_, lr, batch_size=25, epochs=2)  # 9 batches of 25 and one of 5, twice
    train = mnist["train"]
    network = tutorial.with_weights_of(initial_model(3))
    optimizer = getattr(paddle.optimizer, type_)(learning_rate=lr, parameters=network.parameters())
    losses = []
    for batch in islice(batches(230, 25, 3), 20):
        images = paddle.to_tensor(train.images[batch].reshape(-1, 1, 28, 28))
        loss = F.cross_entropy(network(images), paddle.to_tensor(train.labels[batch].reshape(-1, 1)))
        losses.append(float(paddle.mean(loss)))
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
    assert len(result.curve.train_loss) == 20
    assert result.curve.train_loss[-1] < result.curve.train_loss[0] - 0.5
    np.testing.assert_allclose(result.curve.train_loss, losses, rtol=1e-3)
    for name, value in weights(result, tmp_path).items():
        np.testing.assert_allclose(value, network.state_dict()[name].numpy(), rtol=0, atol=1e-3, err_msg=name)


def test_optimizers_start_from_the_same_weights_and_batches(few: Path, tmp_path: Path) -> None:
    """An lr too small to move anything shows the weights before the first update and every batch's loss there."""
    results = [run(few, type_, 1e-30) for type_ in ("SGD", "Momentum", "Adagrad", "RMSProp", "Adam")]
    start = initial_model(3).state_dict()
    for result in results:
        assert result.curve.train_loss == results[0].curve.train_loss
        assert result.curve.valid == results[0].curve.valid
        for name, value in weights(result, tmp_path).items():
            np.testing.assert_allclose(value, start[name].numpy(), rtol=0, atol=1e-25, err_msg=name)


def test_run_repeats_to_the_byte(few: Path) -> None:
    one, two = (run(few, "Adam", 0.001) for _ in range(2))
    assert one.curve == two.curve
    assert one.weights is not None
    assert one.weights == two.weights


def test_longer_run_begins_with_the_shorter_one(few: Path) -> None:
    one, two = run(few, epochs=1).curve, run(few, epochs=2).curve
    assert len(two.train_loss) == 2 * len(one.train_loss) == 6
    assert two.train_loss[:3] == one.train_loss


@pytest.mark.parametrize(("epochs", "steps"), [(0.5, 4), (0.1, 1), (0.01, 1), (1.25, 10), (0.3, 2)])
def test_part_of_an_epoch_begins_as_the_whole(few: Path, epochs: float, steps: int) -> None:
    """Of 8 steps per epoch; at least one is trained, and only the last is validated on all images."""
    part, whole = run(few, batch_size=30, epochs=epochs).curve, run(few, batch_size=30, epochs=2).curve
    assert (part.steps_per_epoch, part.steps, whole.steps) == (8, steps, 16)
    assert part.train_loss == whole.train_loss[:steps]
    assert [(score.step, score.images) for score in part.valid] == [(0, 20), (steps, 100)]
    assert part.valid[0] == whole.valid[0]


def test_validation_at_the_start_every_100_steps_and_the_end(long: Result) -> None:
    """Before the end on every fifth of the 500 images."""
    assert [(score.step, score.images) for score in long.curve.valid] == [(0, 100), (100, 100), (200, 100), (250, 500)]
    assert (len(long.curve.train_loss), long.curve.steps_per_epoch) == (250, 125)


def logits(model: paddle.nn.Layer, images: np.ndarray) -> np.ndarray:
    """Of plain Paddle, by the tutorial's network."""
    outputs: np.ndarray = tutorial.with_weights_of(model)(paddle.to_tensor(images.reshape(-1, 1, 28, 28))).numpy()
    return outputs


def trained_model(result: Result, folder: Path) -> paddle.nn.Layer:
    assert result.weights is not None
    path = folder / "weights.pdparams"
    path.write_bytes(result.weights)
    return load_model(path)


def test_first_and_last_score_are_paddles(long: Result, mnist: dict[str, Split], tmp_path: Path) -> None:
    """The first is that on every fifth image."""
    images, labels = mnist["valid"].images, mnist["valid"].labels
    for model, score, every in (
        (initial_model(3), long.curve.valid[0], 5),
        (trained_model(long, tmp_path), long.curve.valid[-1], 1),
    ):
        outputs = logits(model, images)[::every]
        loss = F.cross_entropy(paddle.to_tensor(outputs), paddle.to_tensor(labels[::every]))
        assert score.loss == pytest.approx(float(loss), rel=1e-4)
        assert score.accuracy == pytest.approx((outputs.argmax(axis=1) == labels[::every]).mean(), abs=0.002)


def expected_mistakes(outputs: np.ndarray, labels: np.ndarray, places: range) -> list[tuple[int, int, int]]:
    """Image by image; the two largest logits lie too far apart for rounding to swap them."""
    top = np.sort(outputs, axis=1)
    assert (top[list(places), -1] - top[list(places), -2]).min() > 1e-4
    guesses = [(place, int(labels[place]), int(np.argmax(outputs[place]))) for place in places]
    return [guess for guess in guesses if guess[1] != guess[2]]


def test_mistakes_are_those_of_the_last_validation(long: Result, mnist: dict[str, Split], tmp_path: Path) -> None:
    outputs = logits(trained_model(long, tmp_path), mnist["valid"].images)
    expected = expected_mistakes(outputs, mnist["valid"].labels, range(500))
    assert long.curve.mistakes == expected
    assert 0 < len(expected) < 100
    assert long.curve.valid[-1].accuracy == pytest.approx(1 - len(expected) / 500)


def test_mistakes_on_every_fifth_image_are_told_by_their_place_in_the_split(few: Path, mnist: dict[str, Split]) -> None:
    """A run that diverges after its first validation leaves those of its initial weights."""
    curve = run(few, lr=1e15, batch_size=40).curve
    assert curve.diverged
    outputs = logits(initial_model(3), mnist["valid"].images[:100])
    assert curve.mistakes == expected_mistakes(outputs, mnist["valid"].labels[:100], range(0, 100, 5))
    assert max(place for place, _, _ in curve.mistakes) > 20


def test_it_learns(long: Result) -> None:
    assert long.curve.valid[-1].accuracy > 0.85
    assert long.seconds > 0


@pytest.mark.parametrize(("type_", "lr", "losses"), [("SGD", 1e15, 1), ("Adam", 1e15, 1), ("SGD", 1e10, 2)])
def test_divergence_ends_the_run_with_a_finite_curve(few: Path, type_: str, lr: float, losses: int) -> None:
    result = run(few, type_, lr, batch_size=40)
    assert result.curve.diverged
    assert result.weights is None
    assert len(result.curve.train_loss) == losses
    assert result.curve.steps == 6
    assert np.isfinite(result.curve.train_loss).all()
    assert [score.step for score in result.curve.valid] == [0]
    assert np.isfinite(result.curve.valid[0].loss)


def test_every_step_is_reported(few: Path) -> None:
    reports: list[tuple[int, int, float]] = []
    settings = Run("mine", "SGD", {}, 70, 0.1, 2, seed=0)
    result = train_run(settings, few, lambda step, steps, loss: reports.append((step, steps, loss)))
    assert reports == [(step, 8, loss) for step, loss in enumerate(result.curve.train_loss, 1)]


def test_batch_larger_than_the_split_is_refused(few: Path) -> None:
    with pytest.raises(InputError, match=r"batch_size: 231 is not allowed; allowed: at most 230, the images of the"):
        run(few, batch_size=231)


def test_batch_as_large_as_the_split_is_one_step(few: Path) -> None:
    assert len(run(few, batch_size=230).curve.train_loss) == 1
