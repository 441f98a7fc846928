"""Each schedule against its formula in NumPy, with t the steps before and T all steps of the run."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stages.lib.config import schedules
from stages.lib.config.optimizers import classes
from stages.lib.files.errors import InputError

STEPS = 40
T = np.arange(STEPS)
Formula = Callable[[np.ndarray], Any]


def one_cycle(t: np.ndarray) -> np.ndarray:
    """Smith and Topin 2018, with cosines: from 1/25 up to 1 until 30% of the steps, down to 0.0001 at the last."""
    top, last = 0.3 * STEPS - 1, STEPS - 1
    up = 1 + (1 / 25 - 1) * (1 + np.cos(np.pi * t / top)) / 2
    down = 0.0001 + (1 - 0.0001) * (1 + np.cos(np.pi * (t - top) / (last - top))) / 2
    return np.where(t <= top, up, down)


FORMULAS: list[tuple[str, dict[str, Any], Formula]] = [
    ("CosineAnnealingDecay", {}, lambda t: (1 + np.cos(np.pi * t / STEPS)) / 2),
    ("CosineAnnealingDecay", {"eta_min": 0.2}, lambda t: 0.2 + 0.8 * (1 + np.cos(np.pi * t / STEPS)) / 2),
    ("CosineAnnealingDecay", {"T_max": 80}, lambda t: (1 + np.cos(np.pi * t / 80)) / 2),
    ("CosineAnnealingDecay", {"T_max": 1.0}, lambda t: (1 + np.cos(np.pi * t / STEPS)) / 2),
    ("CosineAnnealingWarmRestarts", {"T_0": 0.25}, lambda t: (1 + np.cos(np.pi * (t % 10) / 10)) / 2),
    ("CyclicLR", {"base_learning_rate": 0.1, "step_size_up": 5}, lambda t: 1 - 0.9 * np.abs((t % 10) / 5 - 1)),
    ("ExponentialDecay", {"gamma": 0.9}, lambda t: 0.9**t),
    ("InverseTimeDecay", {"gamma": 0.5}, lambda t: 1 / (1 + 0.5 * t)),
    ("LinearLR", {}, lambda t: 1 / 3 + 2 / 3 * t / STEPS),
    ("LinearWarmup", {"warmup_steps": 0.1}, lambda t: np.minimum(t / 4, 1)),
    ("LinearWarmup", {"warmup_steps": 8, "start_lr": 0.5}, lambda t: np.minimum(0.5 + 0.5 * t / 8, 1)),
    ("MultiStepDecay", {"milestones": [0.5, 0.75]}, lambda t: 0.1 ** ((t >= 20) * 1.0 + (t >= 30))),
    ("NaturalExpDecay", {"gamma": 0.1}, lambda t: np.exp(-0.1 * t)),
    (
        "NoamDecay",
        {"d_model": 4, "warmup_steps": 5},
        lambda t: 0.5 * np.minimum(np.maximum(t, 1e-9) ** -0.5, t * 5**-1.5),
    ),
    ("OneCycleLR", {}, one_cycle),
    ("PiecewiseDecay", {"boundaries": [0.5], "values": [1, 0.1]}, lambda t: np.where(t < 20, 1, 0.1)),
    ("PolynomialDecay", {}, lambda t: 0.0001 + (1 - 0.0001) * (1 - t / STEPS)),
    ("PolynomialDecay", {"decay_steps": 10, "end_lr": 0.5}, lambda t: 0.5 + 0.5 * (1 - np.minimum(t, 10) / 10)),
    ("StepDecay", {"step_size": 0.25, "gamma": 0.5}, lambda t: 0.5 ** (t // 10)),
]


@pytest.mark.parametrize(("type_", "arguments", "formula"), FORMULAS)
def test_every_step_follows_the_formula(type_: str, arguments: dict[str, Any], formula: Formula) -> None:
    np.testing.assert_allclose(schedules.factors(type_, arguments, STEPS), formula(T), rtol=1e-9, atol=1e-9)


def test_every_class_is_shown() -> None:
    """So that an upgrade of Paddle shows one that is new."""
    assert {type_ for type_, *_ in FORMULAS} == set(classes(schedules.KIND))


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
@pytest.mark.parametrize(("type_", "arguments", "formula"), FORMULAS)
def test_runs_of_a_few_steps(type_: str, arguments: dict[str, Any], formula: Formula, steps: int) -> None:
    """As a sweep of few images has them; so few cannot tell 0.5 of them from 0.75."""
    if type_ != "MultiStepDecay" or steps == 5:
        assert schedules.factors(type_, arguments, steps).shape == (steps,), formula


@pytest.mark.parametrize(
    ("type_", "arguments", "message"),
    [
        ("ReduceOnPlateau", {}, r"\.type: 'ReduceOnPlateau' is not allowed \(it needs a metric\); allowed: CosineAnn"),
        ("LambdaDecay", {}, r"\.type: 'LambdaDecay' is not allowed \(it needs code\); allowed: Cosine"),
        ("cosine", {}, r"\.type: 'cosine' is not allowed; allowed: CosineAnnealingDecay, .*StepDecay$"),
        ("LRScheduler", {}, r"\.type: 'LRScheduler' is not allowed; allowed: "),
        ("StepDecay", {"step": 1}, ": 'step' is no argument of StepDecay; allowed: type, gamma, step_size$"),
        *(
            ("OneCycleLR", {name: 1}, f": '{name}' is no argument of OneCycleLR; allowed: type, anneal_strategy, ")
            for name in ("max_learning_rate", "last_epoch", "verbose", "self")
        ),
        ("StepDecay", {"step_size": "fast"}, r"\.step_size: 'fast' is not allowed; allowed: a whole number$"),
        ("StepDecay", {"step_size": 2.5}, r"\.step_size: 2\.5 is not allowed; allowed: a whole number$"),
        ("MultiStepDecay", {"milestones": 5}, r"\.milestones: 5 is not allowed; allowed: a list of whole numbers$"),
        ("StepDecay", {}, ": {} does not work with StepDecay: .* missing 1 required positional argument: 'step_size'$"),
        ("CosineAnnealingDecay", {"T_max": -3}, r": {'T_max': -3} does not work with Cosine.*: 'T_max' must be a pos"),
        (
            "OneCycleLR",
            {"total_steps": 5},
            r": {'total_steps': 5} does not work with OneCycleLR: Tried to step 6 times",
        ),
        ("CosineAnnealingDecay", {"eta_min": 2}, ": the rate goes from 1 to 1.9.* times lr; allowed: 0 to 1$"),
        (
            "PiecewiseDecay",
            {"boundaries": [2], "values": [1, -1]},
            ": the rate goes from -1 to 1 times lr; allowed: 0 to",
        ),
    ],
)
def test_not_allowed(type_: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^params.yaml: schedule{message}") as caught:
        schedules.factors(type_, arguments, STEPS)
    assert "\n" not in str(caught.value)
