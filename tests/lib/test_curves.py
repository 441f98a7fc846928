from typing import Any

import numpy as np
import pytest

from stages.lib.course import Course
from stages.lib.curves import (
    LOSS_COLUMNS,
    MISTAKE_COLUMNS,
    VALID_COLUMNS,
    Curve,
    Score,
    final_train_loss,
    loss_rows,
    mean_before,
    mistake_rows,
    steps_to_target,
    train_metrics,
    valid_rows,
)


def curve(losses: list[float], accuracies: dict[int, float] | None = None, diverged: bool = False) -> Curve:
    """A run of epochs of 50 steps; validation loss is 1 - accuracy."""
    scores = [Score(step, 100, 1 - accuracy, accuracy) for step, accuracy in (accuracies or {}).items()]
    return Curve(50, max(1, len(losses)), losses, scores, diverged)


@pytest.mark.parametrize(
    ("steps", "windows"),
    [
        (0, []),
        (1, [(0, 0)]),
        (2, [(0, 0), (1, 1)]),
        (21, [(0, 0), (1, 20)]),
        (22, [(0, 0), (1, 20), (21, 21)]),
        (41, [(0, 0), (1, 20), (21, 40)]),
        (55, [(0, 0), (1, 20), (21, 40), (41, 54)]),
    ],
)
def test_windows_of_the_training_loss(steps: int, windows: list[tuple[int, int]]) -> None:
    losses = np.random.default_rng(0).gamma(2.0, size=steps)
    rows = list(loss_rows("adam", {3: curve(losses.tolist())}))
    assert [row[:4] for row in rows] == [("adam", 3, last, last / 50) for _, last in windows]
    for row, (first, last) in zip(rows, windows, strict=True):
        window = losses[first : last + 1]
        deviation = np.sqrt(np.mean(window**2) - np.mean(window) ** 2)
        assert row[4] == pytest.approx(window.sum() / len(window))
        assert row[5] == pytest.approx(deviation, abs=1e-7)


def test_nothing_of_the_training_loss_is_thrown_away() -> None:
    """Window means, weighted by their sizes, give back the whole mean."""
    losses = np.random.default_rng(1).gamma(2.0, size=137)
    rows = list(loss_rows("adam", {0: curve(losses.tolist())}))
    sizes = np.diff([-1, *(int(str(row[2])) for row in rows)])
    assert np.average([float(str(row[4])) for row in rows], weights=sizes) == pytest.approx(losses.mean())


def test_rows_of_all_seeds_in_order() -> None:
    rows = list(loss_rows("sgd", {1: curve([3.0, 1.0]), 0: curve([2.0])}))
    assert rows == [("sgd", 1, 0, 0.0, 3.0, 0.0), ("sgd", 1, 1, 0.02, 1.0, 0.0), ("sgd", 0, 0, 0.0, 2.0, 0.0)]
    assert len(LOSS_COLUMNS) == len(rows[0])


def test_validation_rows() -> None:
    rows = list(valid_rows("sgd", {4: curve([], {0: 0.125, 75: 0.5})}))
    assert rows == [("sgd", 4, 0, 0.0, 100, 0.875, 0.125), ("sgd", 4, 75, 1.5, 100, 0.5, 0.5)]
    assert len(VALID_COLUMNS) == len(rows[0])


def test_mistake_rows_of_all_runs_that_did_not_diverge() -> None:
    """What a diverged run got wrong is of its last validation, not of its end."""
    kinds = {4: curve([1.0]), 2: curve([1.0], diverged=True), 3: curve([1.0]), 1: curve([1.0])}
    for seed, one in kinds.items():
        one.mistakes = [(seed, 3, 8), (5 * seed, 0, 6)] if seed != 3 else []
    rows = [(4, 4, 3, 8), (4, 20, 0, 6), (1, 1, 3, 8), (1, 5, 0, 6)]
    assert list(mistake_rows(kinds)) == rows
    assert MISTAKE_COLUMNS == ("seed", "image", "label", "predicted")


def test_course_of_a_curve() -> None:
    assert curve([2.0, 1.0, 1.0], {0: 0.125, 2: 0.5, 3: 0.75}).course() == Course(3, (0, 2, 3), (0.875, 0.5, 0.25))
    assert Curve(50, 150, diverged=True).course() == Course(150, (), (), diverged=True)


@pytest.mark.parametrize(
    ("losses", "final"), [([5.0], 5.0), ([9.0, 4.0, 2.0], 3.0), ([9.0] * 21 + [2.0, 4.0], 3.0), ([9.0] + [2.0] * 20, 2)]
)
def test_final_training_loss_is_that_of_the_last_window(losses: list[float], final: float) -> None:
    assert final_train_loss(curve(losses)) == final


@pytest.mark.parametrize(
    ("losses", "step", "mean"),
    [
        ([7.0, 3.0], 0, 7.0),
        ([7.0, 3.0, 9.0], 2, 5.0),
        ([float(i) for i in range(30)], 25, 14.5),
        ([float(i) for i in range(30)], 20, 9.5),
        ([7.0], 1, 7.0),
        ([], 0, None),
    ],
)
def test_mean_of_the_20_losses_before_a_step(losses: list[float], step: int, mean: float | None) -> None:
    """Of steps 5 to 24 before step 25: their mean is 14.5."""
    assert mean_before(curve(losses), step) == mean


@pytest.mark.parametrize(
    ("accuracies", "step"),
    [({0: 0.1, 100: 0.969, 200: 0.97, 300: 0.99}, 200), ({0: 0.1, 100: 0.96}, None), ({0: 0.98, 100: 0.1}, 0)],
)
def test_steps_to_97_percent(accuracies: dict[int, float], step: int | None) -> None:
    assert steps_to_target(curve([], accuracies)) == step


GOOD = curve([2.0, 1.0], {0: 0.5, 100: 0.97})
BETTER = curve([2.0, 0.5], {0: 0.97, 100: 0.99})
SLOW = curve([2.0, 1.5], {0: 0.1, 100: 0.25})
DIVERGED = curve([2.0, 9.0, 99.0], {0: 0.1}, diverged=True)
DIVERGED_AT_ONCE = curve([], {}, diverged=True)


@pytest.mark.parametrize(
    ("curves", "metrics"),
    [
        (
            {0: GOOD, 1: BETTER},
            {"steps": 2, "train_loss": 0.75, "valid_loss": 0.02, "valid_accuracy": 0.98, "steps_to_97": 50.0},
        ),
        (
            {0: GOOD, 1: SLOW},
            {"steps": 2, "train_loss": 1.25, "valid_loss": 0.39, "valid_accuracy": 0.61, "steps_to_97": None},
        ),
        (
            {0: GOOD, 7: DIVERGED, 5: DIVERGED_AT_ONCE},
            {"steps": 3, "status": "diverged", "diverged_seeds": "7 5"},
        ),
        ({2: DIVERGED_AT_ONCE}, {"steps": 0, "status": "diverged", "diverged_seeds": "2"}),
    ],
    ids=["mean", "target missed", "one good", "none"],
)
def test_metrics(curves: dict[int, Curve], metrics: dict[str, Any]) -> None:
    unknown = {"train_loss": None, "valid_loss": None, "valid_accuracy": None, "steps_to_97": None}
    expected = {"lr": 0.25, **unknown, "status": "finished", "diverged_seeds": "", **metrics}
    found = train_metrics(0.25, curves)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == (pytest.approx(value) if isinstance(value, float) else value), key
