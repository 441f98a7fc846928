"""Weights on the way, from the training to the file that `survey` reads."""

from pathlib import Path

import numpy as np
import paddle
import pytest

from stages.lib.curves import Result
from stages.lib.errors import InputError
from stages.lib.model import flat_weights, initial_model, load_model, set_flat_weights
from stages.lib.progress import silent
from stages.lib.settings import Run, TrainSettings, write_settings
from stages.lib.snapshots import MOST, Snapshots, load_snapshots, save_snapshots, schedule
from stages.lib.training import train_run
from stages.train import train


def run(dataset: Path, lr: float = 0.1, snapshots: bool = True) -> Result:
    """Two epochs of 12 steps, the last of each on 10 images."""
    return train_run(Run("mine", "SGD", {}, 20, lr, 2, seed=3), dataset, silent, snapshots=snapshots)


@pytest.mark.parametrize("steps", [1, 2, 3, 24, 150, 1500, 100_000])
def test_schedule_goes_from_start_to_end_ever_more_widely(steps: int) -> None:
    wanted = sorted(schedule(steps))
    assert (wanted[0], wanted[-1]) == (0, steps)
    assert {0, 1} <= set(wanted)
    assert len(wanted) <= MOST
    gaps = np.diff(wanted)
    assert (gaps[1:] >= gaps[:-1] - 1).all()  # rounding to whole steps apart
    assert len(wanted) >= min(steps + 1, MOST) - 7


def test_flat_weights_are_those_of_all_layers_in_their_order() -> None:
    model = initial_model(5)
    flat = flat_weights(model)
    assert flat.dtype == np.float32
    assert flat.shape == (500 + 20 + 10_000 + 20 + 9_800 + 10,)
    np.testing.assert_array_equal(flat[:500].reshape(20, 1, 5, 5), model.conv1.weight.numpy())
    np.testing.assert_array_equal(flat[-10:], model.fc.bias.numpy())
    other = initial_model(6)
    set_flat_weights(other, flat)
    image = paddle.rand([2, 784])
    np.testing.assert_array_equal(other(image).numpy(), model(image).numpy())
    flat[:] = 0
    assert model.fc.weight.numpy().any()  # a copy


@pytest.mark.parametrize("count", [0, 20_349, 20_351])
def test_another_number_of_weights_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} weights, but the model has 20350"):
        set_flat_weights(initial_model(0), np.zeros(count, np.float32))


def test_snapshots_begin_with_the_initial_weights_and_end_with_the_trained_ones(few: Path, tmp_path: Path) -> None:
    result = run(few)
    assert result.snapshots is not None
    assert result.weights is not None
    assert result.snapshots.steps.dtype == np.int64
    assert result.snapshots.steps.tolist() == sorted(schedule(24))
    np.testing.assert_array_equal(result.snapshots.weights[0], flat_weights(initial_model(3)))
    (tmp_path / "end.pdparams").write_bytes(result.weights)
    np.testing.assert_array_equal(result.snapshots.weights[-1], flat_weights(load_model(tmp_path / "end.pdparams")))


def test_snapshot_in_between_is_where_a_shorter_run_ends(few: Path) -> None:
    long = run(few).snapshots
    short = train_run(Run("mine", "SGD", {}, 20, 0.1, 0.5, seed=3), few, silent, snapshots=True).snapshots
    assert long is not None
    assert short is not None
    assert short.steps[-1] == 6
    np.testing.assert_array_equal(long.weights[long.steps.tolist().index(6)], short.weights[-1])


def test_taking_snapshots_changes_nothing_of_the_run(few: Path) -> None:
    with_them, without = run(few), run(few, snapshots=False)
    assert without.snapshots is None
    assert with_them.curve == without.curve
    assert with_them.weights == without.weights


@pytest.mark.parametrize(
    ("decay", "lr", "steps"), [(0.0, 1e15, [0]), (1e4, 10.0, [0, 1, 2]), (10.0, 10.0, [0, 1, 2, 3])]
)
def test_diverged_run_has_snapshots_as_far_as_its_loss_is_finite(
    few: Path, decay: float, lr: float, steps: list[int]
) -> None:
    """A weight decay of which lr times it is over 2 makes the weights swing ever wider."""
    result = train_run(Run("mine", "SGD", {"weight_decay": decay}, 20, lr, 2, seed=3), few, silent, snapshots=True)
    assert result.curve.diverged
    assert len(result.curve.train_loss) == len(steps)
    assert result.snapshots is not None
    assert result.snapshots.steps.tolist() == steps
    assert np.isfinite(result.snapshots.weights).all()


def test_train_writes_those_of_the_first_seed(few: Path, tmp_path: Path) -> None:
    write_settings(tmp_path / "train.json", TrainSettings("mine", "SGD", {}, 50, 1, (7, 1), lr=0.05))
    names = ("weights", "train_loss", "valid", "metrics", "timing")
    for out in ("one", "two"):
        paths = {name: tmp_path / out / name for name in names}
        train(few, tmp_path / "train.json", **paths, snapshots=tmp_path / out / "taken/mine.npz")
    taken = load_snapshots(tmp_path / "one/taken/mine.npz")
    assert taken.steps.tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(taken.weights[0], flat_weights(initial_model(7)))
    assert (tmp_path / "one/taken/mine.npz").read_bytes() == (tmp_path / "two/taken/mine.npz").read_bytes()
    train(few, tmp_path / "train.json", **{name: tmp_path / "three" / name for name in names})
    assert {file.name for file in (tmp_path / "three").iterdir()} == set(names)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"mine\.npz: holds no snapshots \(.+\); run 'dvc repro train'"):
        load_snapshots(path)


def test_arrays_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    np.savez(path, steps=np.zeros(1, np.int64))
    with pytest.raises(InputError, match="holds no snapshots"):
        load_snapshots(path)
    save_snapshots(path, Snapshots(np.array([0]), np.ones((1, 2), np.float32)))
    assert load_snapshots(path).weights.tolist() == [[1, 1]]
