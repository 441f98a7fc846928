from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
import tutorial
from safetensors.numpy import save
from short_runs import TUTORIAL, settings

from stages.lib.config.values import OfPaddle
from stages.lib.dataset.splits import Split
from stages.lib.files.errors import InputError
from stages.lib.runs.run import Window, windows
from stages.lib.training.cpu import cpu_kind
from stages.lib.training.loop import batches, train_run
from stages.lib.training.network import initial_network, network_with
from stages.lib.training.plain import Plain
from stages.lib.training.trained import Trained


@dataclass
class Losses:
    """A report that keeps the loss of every step."""

    found: list[float] = field(default_factory=list)

    def __call__(self, _step: int, _steps: int, loss: float) -> None:
        self.found.append(loss)


def run(
    dataset: Path, type_: str = "SGD", lr: float = 0.1, batch_size: int = 100, epochs: float = 1
) -> tuple[Trained, list[float]]:
    losses = Losses()
    trained = train_run(settings(type_, lr, batch_size, epochs), dataset, losses)
    assert trained.run.train_loss == rounded(losses.found)
    return trained, losses.found


def rounded(losses: list[float]) -> tuple[Window, ...]:
    found = windows(losses)
    return tuple(Window(window.step, float(f"{window.loss:.6g}"), float(f"{window.std:.6g}")) for window in found)


@pytest.fixture(scope="module")
def long(dataset: Path) -> Trained:
    """250 steps on few images each."""
    return run(dataset, batch_size=8, epochs=2)[0]


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
        monkeypatch.setattr("stages.lib.training.loop.engine_of", lambda model, _batch_size: Plain(model))


@pytest.mark.usefixtures("_engine")
@pytest.mark.parametrize(("type_", "lr"), [("SGD", 0.02), ("Adam", 0.001)])
def test_losses_and_weights_are_those_of_the_tutorials_loop(
    few: Path, mnist: dict[str, Split], type_: str, lr: float
) -> None:
    result, found = run(few, type_, lr, batch_size=25, epochs=2)  # 9 batches of 25 and one of 5, twice
    train = mnist["train"]
    network = tutorial.with_weights_of(initial_network(TUTORIAL, 3))
    optimizer = getattr(paddle.optimizer, type_)(learning_rate=lr, parameters=network.parameters())
    losses = []
    for batch in islice(batches(230, 25, 3), 20):
        images = paddle.to_tensor(train.images[batch].reshape(-1, 1, 28, 28))
        loss = F.cross_entropy(network(images), paddle.to_tensor(train.labels[batch].reshape(-1, 1)))
        losses.append(float(paddle.mean(loss)))
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
    assert len(found) == 20
    assert found[-1] < found[0] - 0.5
    np.testing.assert_allclose(found, losses, rtol=1e-3)
    assert result.weights is not None
    for name, value in result.weights.items():
        np.testing.assert_allclose(value, network.state_dict()[name].numpy(), rtol=0, atol=1e-3, err_msg=name)


@pytest.mark.usefixtures("_engine")
def test_schedule_is_paddles_in_the_tutorials_loop(few: Path, mnist: dict[str, Split]) -> None:
    """The rate of a step is the schedule's before it; lr is the peak, and T_max the steps of the run."""
    schedule = OfPaddle.model_validate({"type": "CosineAnnealingDecay", "T_max": None})
    asked = settings("Momentum", 0.02, 25, 2).model_copy(update={"schedule": schedule})
    found = Losses()
    recorded = train_run(asked, few, found).run
    assert recorded.schedule == pytest.approx([0.02, 0.01 * (1 + np.cos(np.pi * 19 / 20))], rel=1e-5)  # steps 0 and 19
    train = mnist["train"]
    network = tutorial.with_weights_of(initial_network(TUTORIAL, 3))
    cosine = paddle.optimizer.lr.CosineAnnealingDecay(0.02, T_max=20)
    optimizer = paddle.optimizer.Momentum(learning_rate=cosine, parameters=network.parameters())
    losses = []
    for batch in islice(batches(230, 25, 3), 20):
        images = paddle.to_tensor(train.images[batch].reshape(-1, 1, 28, 28))
        loss = F.cross_entropy(network(images), paddle.to_tensor(train.labels[batch]))
        losses.append(float(loss))
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        cosine.step()
    np.testing.assert_allclose(found.found, losses, rtol=1e-3)
    trained, constant = run(few, "Momentum", 0.02, batch_size=25, epochs=2)
    assert trained.run.lrs == ()
    assert not np.allclose(found.found, constant, rtol=1e-2)


def test_schedule_that_the_run_is_too_long_for_is_refused(few: Path) -> None:
    schedule = OfPaddle.model_validate({"type": "OneCycleLR", "total_steps": 2})
    with pytest.raises(InputError, match=r"params\.yaml: schedule: .*Tried to step 3 times"):
        train_run(settings("SGD", 0.1, 25, 2).model_copy(update={"schedule": schedule}), few, Losses())


def test_optimizers_start_from_the_same_weights_and_batches(few: Path) -> None:
    """An lr too small to move anything shows the weights before the first update and every batch's loss there."""
    results = [run(few, type_, 1e-30) for type_ in ("SGD", "Momentum", "Adagrad", "RMSProp", "Adam")]
    start = initial_network(TUTORIAL, 3).state_dict()
    for result, losses in results:
        assert losses == results[0][1]
        assert result.run.valid == results[0][0].run.valid
        assert result.weights is not None
        for name, value in result.weights.items():
            np.testing.assert_allclose(value, start[name].numpy(), rtol=0, atol=1e-25, err_msg=name)


def test_run_repeats_to_the_byte(few: Path) -> None:
    (one, losses), (two, same) = (run(few, "Adam", 0.001) for _ in range(2))
    assert one.run == two.run
    assert losses == same
    assert one.weights is not None
    assert two.weights is not None
    assert save(one.weights) == save(two.weights)


def test_run_tells_what_it_was(few: Path) -> None:
    trained, _ = run(few, "Adam", 0.001, batch_size=30, epochs=0.5)
    one = trained.run
    assert (one.optimizer, one.lr, one.seed, one.steps, one.steps_per_epoch) == ("mine", 0.001, 3, 4, 8)
    assert (one.diverged, one.cpu) == (False, cpu_kind())


def test_longer_run_begins_with_the_shorter_one(few: Path) -> None:
    (_, one), (_, two) = run(few, epochs=1), run(few, epochs=2)
    assert len(two) == 2 * len(one) == 6
    assert two[:3] == one


@pytest.mark.parametrize(("epochs", "steps"), [(0.5, 4), (0.1, 1), (0.01, 1), (1.25, 10), (0.3, 2)])
def test_part_of_an_epoch_begins_as_the_whole(few: Path, epochs: float, steps: int) -> None:
    """Of 8 steps per epoch; at least one is trained, and only the last is validated on all images."""
    (part, losses), (whole, all_losses) = (run(few, batch_size=30, epochs=share) for share in (epochs, 2))
    assert (part.run.steps_per_epoch, part.run.steps, whole.run.steps) == (8, steps, 16)
    assert losses == all_losses[:steps]
    assert [(score.step, score.images) for score in part.run.valid] == [(0, 20), (steps, 100)]
    assert part.run.valid[0] == whole.run.valid[0]


def test_validation_at_the_start_every_100_steps_and_the_end(long: Trained) -> None:
    """Before the end on every fifth of the 500 images."""
    assert [(score.step, score.images) for score in long.run.valid] == [(0, 100), (100, 100), (200, 100), (250, 500)]
    assert (long.run.train_loss[-1].step, long.run.steps_per_epoch) == (249, 125)


def logits(model: paddle.nn.Layer, images: np.ndarray) -> np.ndarray:
    """Of plain Paddle, by the tutorial's network."""
    outputs: np.ndarray = tutorial.with_weights_of(model)(paddle.to_tensor(images.reshape(-1, 1, 28, 28))).numpy()
    return outputs


def trained_model(trained: Trained) -> paddle.nn.Layer:
    assert trained.weights is not None
    return network_with(TUTORIAL, trained.weights)


def wrong_and_open(outputs: np.ndarray, labels: np.ndarray, places: range) -> tuple[set[int], set[int]]:
    """The places that are surely wrong, and those whose two largest logits lie so close that rounding may swap them."""
    top = np.sort(outputs, axis=1)
    near = {place for place in places if top[place, -1] - top[place, -2] < 1e-4}
    wrong = {place for place in places if np.argmax(outputs[place]) != labels[place]}
    return wrong - near, near


def test_first_and_last_score_are_paddles(long: Trained, mnist: dict[str, Split]) -> None:
    """The first is that on every fifth image."""
    images, labels = mnist["valid"].images, mnist["valid"].labels
    for model, score, every in (
        (initial_network(TUTORIAL, 3), long.run.valid[0], 5),
        (trained_model(long), long.run.valid[-1], 1),
    ):
        outputs = logits(model, images)
        loss = F.cross_entropy(paddle.to_tensor(outputs[::every]), paddle.to_tensor(labels[::every]))
        assert score.loss == pytest.approx(float(loss), rel=1e-4)
        wrong, near = wrong_and_open(outputs, labels, range(0, 500, every))
        assert len(wrong) <= round((1 - score.accuracy) * 500 / every) <= len(wrong) + len(near)


def test_wrong_images_are_those_of_the_last_validation(long: Trained, mnist: dict[str, Split]) -> None:
    found = set(long.run.wrong)
    wrong, near = wrong_and_open(logits(trained_model(long), mnist["valid"].images), mnist["valid"].labels, range(500))
    assert wrong <= found <= wrong | near
    assert list(long.run.wrong) == sorted(found)
    assert 0 < len(found) < 100
    assert long.run.valid[-1].accuracy == pytest.approx(1 - len(found) / 500)


def test_tail_goes_through_the_fifths_of_the_validation_split(few: Path, mnist: dict[str, Split]) -> None:
    """At an lr that moves nothing, each is the loss of the initial weights."""
    trained, _ = run(few, lr=1e-30, batch_size=10, epochs=5)
    valid = mnist["valid"]
    outputs = paddle.to_tensor(logits(initial_network(TUTORIAL, 3), valid.images[:100]))
    losses = [float(F.cross_entropy(outputs[k::5], paddle.to_tensor(valid.labels[:100][k::5]))) for k in range(3)]
    assert trained.run.tail == pytest.approx(losses, rel=1e-4)  # after 104, 108 and 112 steps of 115
    assert len({round(loss, 4) for loss in losses}) == 3


def test_it_learns(long: Trained) -> None:
    assert long.run.valid[-1].accuracy > 0.85


@pytest.mark.parametrize(("type_", "lr", "steps"), [("SGD", 1e15, 1), ("Adam", 1e15, 1), ("SGD", 1e10, 2)])
def test_divergence_ends_the_run_with_a_finite_curve(few: Path, type_: str, lr: float, steps: int) -> None:
    trained, losses = run(few, type_, lr, batch_size=40)
    assert trained.run.diverged
    assert trained.weights is None
    assert len(losses) == steps
    assert trained.run.steps == 6
    assert np.isfinite(losses).all()
    assert [score.step for score in trained.run.valid] == [0]
    assert np.isfinite(trained.run.valid[0].loss)


def test_every_step_is_reported(few: Path) -> None:
    reports: list[tuple[int, int, float]] = []
    trained = train_run(settings("SGD", 0.1, 70, 2), few, lambda step, steps, loss: reports.append((step, steps, loss)))
    assert [report[:2] for report in reports] == [(step, 8) for step in range(1, 9)]
    assert trained.run.train_loss == rounded([loss for _, _, loss in reports])


def test_batch_larger_than_the_split_is_refused(few: Path) -> None:
    with pytest.raises(InputError, match=r"batch_size: 231 is not allowed; allowed: at most 230, the images of the"):
        run(few, batch_size=231)


def test_batch_as_large_as_the_split_is_one_step(few: Path) -> None:
    assert len(run(few, batch_size=230)[1]) == 1
