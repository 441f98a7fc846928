from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stages.lib.files.errors import InputError
from stages.lib.files.lines import read_lines, write_lines
from stages.lib.runs.run import Run, Validation, Window, mean_steps_to, steps_to, tail_steps, windows

GOOD: dict[str, Any] = {
    "optimizer": "adam",
    "lr": 0.01,
    "seed": 3,
    "steps": 100,
    "steps_per_epoch": 50,
    "diverged": False,
    "cpu": "some CPU",
    "train_loss": (Window(0, 2.5, 0.0), Window(20, 1.5, 0.25)),
    "valid": (Validation(0, 20, 2.25, 0.125), Validation(100, 100, 0.5, 0.75)),
    "wrong": (4, 17),
}


def run(accuracies: dict[int, float], diverged: bool = False) -> Run:
    """Validation loss is 1 - accuracy."""
    valid = tuple(Validation(step, 100, 1 - accuracy, accuracy) for step, accuracy in accuracies.items())
    return Run(**GOOD | {"valid": valid, "steps": max(accuracies, default=1) or 1, "diverged": diverged})


@pytest.mark.parametrize(
    ("steps", "expected"),
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
def test_windows_of_the_training_loss(steps: int, expected: list[tuple[int, int]]) -> None:
    losses = np.random.default_rng(0).gamma(2.0, size=steps)
    found = list(windows(losses.tolist()))
    assert [window.step for window in found] == [last for _, last in expected]
    for window, (first, last) in zip(found, expected, strict=True):
        part = losses[first : last + 1]
        deviation = np.sqrt(np.mean(part**2) - np.mean(part) ** 2)
        assert window.loss == pytest.approx(part.sum() / len(part))
        assert window.std == pytest.approx(deviation, abs=1e-7)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (1, []),
        (10, [9]),
        (100, [90, 94, 98]),
        (300, [270, 274, 278, 282, 286, 290, 294, 298]),
        (1500, [1350, 1369, 1388, 1407, 1426, 1445, 1464, 1483]),
    ],
)
def test_tail_is_spread_over_the_last_tenth(steps: int, expected: list[int]) -> None:
    assert list(tail_steps(steps)) == expected


@given(st.integers(1, 10**6))
def test_tail_is_short_and_late(steps: int) -> None:
    found = tail_steps(steps)
    assert len(found) <= 8
    assert all(0.9 * steps <= step < steps for step in found)


def test_nothing_of_the_training_loss_is_thrown_away() -> None:
    """Window means, weighted by their sizes, give back the whole mean."""
    losses = np.random.default_rng(1).gamma(2.0, size=137)
    found = list(windows(losses.tolist()))
    sizes = np.diff([-1, *(window.step for window in found)])
    assert np.average([window.loss for window in found], weights=sizes) == pytest.approx(losses.mean())


@pytest.mark.parametrize(
    ("accuracies", "step"),
    [({0: 0.1, 100: 0.969, 200: 0.97, 300: 0.99}, 200), ({0: 0.1, 100: 0.96}, None), ({0: 0.98, 100: 0.1}, 0)],
)
def test_steps_to_97_percent(accuracies: dict[int, float], step: int | None) -> None:
    assert steps_to(0.97, run(accuracies)) == step


QUICK, SLOW, NEVER = run({0: 0.1, 50: 0.97, 100: 0.99}), run({0: 0.1, 100: 0.98}), run({0: 0.1, 100: 0.25})
DIVERGED = run({0: 0.99}, diverged=True)


@pytest.mark.parametrize(
    ("runs", "mean"),
    [((QUICK, SLOW), 75), ((SLOW,), 100), ((QUICK, NEVER), None), ((QUICK, DIVERGED), None), ((), None)],
)
def test_mean_steps_to_97_percent(runs: tuple[Run, ...], mean: float | None) -> None:
    """None where one of them missed it, or diverged, whatever it had before."""
    assert mean_steps_to(0.97, runs) == mean


def test_runs_are_read_as_they_were_written(tmp_path: Path) -> None:
    runs = [Run(**GOOD), run({}, diverged=True), run({0: 0.5}, diverged=True)]
    for name in ("one", "two"):
        write_lines(tmp_path / "new" / name, runs)
    assert read_lines(tmp_path / "new" / "one", Run) == runs
    content = (tmp_path / "new" / "one").read_bytes()
    assert content == (tmp_path / "new" / "two").read_bytes()
    assert content.count(b"\n") == 3
    assert b"\r" not in content


def test_results_are_kept_to_six_digits() -> None:
    one = Run(**GOOD | {"train_loss": (Window(0, 1 / 3, 2e-9 / 3),), "lr": 1 / 3})
    assert one.train_loss == (Window(0, 0.333333, 6.66667e-10),)
    assert one.lr == 1 / 3


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"seed":3', '"seed":-3', "seed: -3 is not allowed"),
        ('"seed":3', '"seed":"3"', "seed: '3' is not allowed"),
        ('"seed":3', '"sed":3', "seed: is missing"),
        ('"lr":0.01', '"lr":NaN', "lr: nan is not allowed"),
        ('"lr":0.01', '"lr":true', "lr: True is not allowed"),
        ('"cpu":"some CPU",', "", "cpu: is missing"),
        ("[20,1.5,0.25]", "[20,1.5]", "train_loss.1."),
        ("[20,1.5,0.25]", "[20,Infinity,0.25]", "inf is not allowed"),
        ("[100,100,0.5,0.75]", "[99,100,0.5,0.75]", "validations from step 0 to the last step"),
        ("[0,20,2.25,0.125],", "", "validations from step 0 to the last step"),
        ("}", "", ""),
    ],
)
def test_line_that_is_no_whole_run_is_refused(tmp_path: Path, old: str, new: str, reason: str) -> None:
    line = Run(**GOOD).model_dump_json()
    assert line.count(old) == 1
    path = tmp_path / "adam.jsonl"
    path.write_text(f"{line}\n{line.replace(old, new)}\n", encoding="utf-8", newline="\n")
    with pytest.raises(InputError) as caught:
        read_lines(path, Run)
    message = str(caught.value)
    assert message.startswith(f"{path}: line 2: ")
    assert reason in message
    assert message.endswith("; run 'dvc repro' to make it anew")
    assert len(message.splitlines()) == 1


def test_run_that_did_not_diverge_is_whole() -> None:
    with pytest.raises(ValidationError, match="validations from step 0"):
        run({0: 0.5})
    assert run({0: 0.5}, diverged=True).valid[0].accuracy == 0.5
