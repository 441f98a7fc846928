"""The weights that a run leaves on its way."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save
from short_runs import TUTORIAL, settings, silent

from stages.lib.runs.snapshots import snapshot_steps
from stages.lib.training.loop import train_run
from stages.lib.training.network import flat_weights, initial_network, network_with
from stages.lib.training.trained import Trained


def run(dataset: Path, lr: float = 0.1, snapshots: bool = True) -> Trained:
    """Two epochs of 12 steps, the last of each on 10 images."""
    return train_run(settings("SGD", lr, 20, 2), dataset, silent, snapshots=snapshots)


def test_snapshots_begin_with_the_initial_weights_and_end_with_the_trained_ones(few: Path) -> None:
    result = run(few)
    assert result.snapshots is not None
    assert result.weights is not None
    assert result.snapshots.steps.dtype == np.int64
    assert result.snapshots.steps.tolist() == sorted(snapshot_steps(24))
    np.testing.assert_array_equal(result.snapshots.weights[0], flat_weights(initial_network(TUTORIAL, 3)))
    end = network_with(TUTORIAL, result.weights)
    np.testing.assert_array_equal(result.snapshots.weights[-1], flat_weights(end))


def test_snapshot_in_between_is_where_a_shorter_run_ends(few: Path) -> None:
    long = run(few).snapshots
    short = train_run(settings("SGD", 0.1, 20, 0.5), few, silent, snapshots=True).snapshots
    assert long is not None
    assert short is not None
    assert short.steps[-1] == 6
    np.testing.assert_array_equal(long.weights[long.steps.tolist().index(6)], short.weights[-1])


def test_taking_snapshots_changes_nothing_of_the_run(few: Path) -> None:
    with_them, without = run(few), run(few, snapshots=False)
    assert without.snapshots is None
    assert with_them.run == without.run
    assert with_them.weights is not None
    assert without.weights is not None
    assert save(with_them.weights) == save(without.weights)


@pytest.mark.parametrize(
    ("decay", "lr", "steps"), [(0.0, 1e15, [0]), (1e4, 10.0, [0, 1, 2]), (10.0, 10.0, [0, 1, 2, 3])]
)
def test_diverged_run_has_snapshots_as_far_as_its_loss_is_finite(
    few: Path, decay: float, lr: float, steps: list[int]
) -> None:
    """A weight decay of which lr times it is over 2 makes the weights swing ever wider."""
    result = train_run(settings("SGD", lr, 20, 2, weight_decay=decay), few, silent, snapshots=True)
    assert result.run.diverged
    assert result.run.train_loss[-1].step == len(steps) - 1
    assert result.snapshots is not None
    assert result.snapshots.steps.tolist() == steps
    assert np.isfinite(result.snapshots.weights).all()
