"""Each update rule against its paper's formula in float64; Paddle's documented one where that differs."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import paddle
import pytest

from stages.lib.config import optimizers
from stages.lib.files.errors import InputError

LR = 0.1
KEY = "params.yaml: optimizers.mine"


def sgd(p: np.ndarray, gradients: Sequence[np.ndarray]) -> np.ndarray:
    """Robbins and Monro 1951."""
    for g in gradients:
        p = p - LR * g
    return p


def momentum(p: np.ndarray, gradients: Sequence[np.ndarray], momentum: float = 0.9) -> np.ndarray:
    """Polyak 1964; the same as the "classical momentum" of Sutskever et al. 2013 while the rate is constant."""
    v = np.zeros_like(p)
    for g in gradients:
        v = momentum * v + g
        p = p - LR * v
    return p


def nesterov(p: np.ndarray, gradients: Sequence[np.ndarray], use_nesterov: bool, momentum: float) -> np.ndarray:
    """Sutskever et al. 2013 in the variable of Bengio et al. 2013, whose gradient is taken where the weights are."""
    assert use_nesterov
    v = np.zeros_like(p)
    for g in gradients:
        v = momentum * v + g
        p = p - LR * (g + momentum * v)
    return p


def adagrad(
    p: np.ndarray, gradients: Sequence[np.ndarray], epsilon: float = 1e-6, initial_accumulator_value: float = 0.0
) -> np.ndarray:
    """Duchi et al. 2011, diagonal; the start of the sum is Paddle's addition."""
    total = np.full_like(p, initial_accumulator_value)
    for g in gradients:
        total = total + g * g
        p = p - LR * g / (np.sqrt(total) + epsilon)
    return p


def rmsprop(
    p: np.ndarray,
    gradients: Sequence[np.ndarray],
    *,
    rho: float = 0.95,
    epsilon: float = 1e-6,
    momentum: float = 0.0,
    centered: bool = False,
) -> np.ndarray:
    """Tieleman and Hinton 2012 (no epsilon there), centered as Graves 2013; epsilon is inside the root in Paddle."""
    square, mean, v = np.zeros_like(p), np.zeros_like(p), np.zeros_like(p)
    for g in gradients:
        square = rho * square + (1 - rho) * g * g
        mean = rho * mean + (1 - rho) * g
        v = momentum * v + LR * g / np.sqrt(square - (mean * mean if centered else 0) + epsilon)
        p = p - v
    return p


def adam(
    p: np.ndarray,
    gradients: Sequence[np.ndarray],
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    weight_decay: float = 0.0,
) -> np.ndarray:
    """Kingma and Ba 2015, algorithm 1; with weight decay Loshchilov and Hutter 2019, algorithm 2."""
    m, v = np.zeros_like(p), np.zeros_like(p)
    for t, g in enumerate(gradients, 1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        update = m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
        p = p - LR * (update + weight_decay * p)
    return p


def adamw(p: np.ndarray, gradients: Sequence[np.ndarray], weight_decay: float = 0.01) -> np.ndarray:
    """Paddle decays by 0.01 unless told otherwise."""
    return adam(p, gradients, weight_decay=weight_decay)


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize(
    ("type_", "arguments", "formula"),
    [
        ("SGD", {}, sgd),
        ("Momentum", {}, momentum),
        ("Momentum", {"momentum": 0.5}, momentum),
        ("Momentum", {"momentum": 0.8, "use_nesterov": True}, nesterov),
        ("Adagrad", {}, adagrad),
        ("Adagrad", {"epsilon": 0.1, "initial_accumulator_value": 0.2}, adagrad),
        ("RMSProp", {}, rmsprop),
        ("RMSProp", {"epsilon": 0.01, "rho": 0.8, "momentum": 0.5}, rmsprop),
        ("RMSProp", {"epsilon": 0.01, "centered": True}, rmsprop),
        ("Adam", {}, adam),
        ("Adam", {"epsilon": 0.1, "beta1": 0.7, "beta2": 0.9}, adam),
        ("AdamW", {}, adamw),
        ("AdamW", {"weight_decay": 0.3}, adamw),
    ],
)
def test_steps_follow_the_formula(
    type_: str, arguments: dict[str, Any], formula: Callable[..., np.ndarray], steps: int
) -> None:
    random = np.random.default_rng(7)
    start = random.normal(size=(4, 5)).astype(np.float32)
    # magnitudes from 1e-4 to 10, so that every epsilon matters somewhere
    gradients = (random.normal(size=(steps, 4, 5)) * 10.0 ** random.uniform(-4, 1, (4, 5))).astype(np.float32)
    parameter = paddle.create_parameter([4, 5], "float32")
    parameter.set_value(start)
    optimizer = optimizers.build(type_, LR, arguments, [parameter])
    for gradient in gradients:
        (parameter * paddle.to_tensor(gradient)).sum().backward()  # whose gradient is `gradient`
        optimizer.step()
        optimizer.clear_grad()
    expected = formula(start.astype(np.float64), gradients.astype(np.float64), **arguments)
    np.testing.assert_allclose(parameter.numpy(), expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("clip", [0.5, 3, 100])
def test_gradients_are_clipped_by_their_global_norm(clip: float) -> None:
    """Pascanu et al. 2013, algorithm 1, over all parameters as one vector: here of norm 5."""
    parameters = [paddle.create_parameter([1], "float32") for _ in range(2)]
    starts = [parameter.numpy() for parameter in parameters]
    optimizer = optimizers.build("SGD", LR, {"grad_clip": clip}, parameters)
    (3 * parameters[0] - 4 * parameters[1]).sum().backward()
    optimizer.step()
    for parameter, start, gradient in zip(parameters, starts, (3, -4), strict=True):
        expected = start - LR * gradient * min(1, clip / 5)
        np.testing.assert_allclose(parameter.numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("type_", optimizers.classes(optimizers.KIND))
def test_every_optimizer_may_clip(type_: str) -> None:
    optimizers.check(type_, {"grad_clip": 1}, KEY)


@pytest.mark.parametrize(
    ("type_", "arguments"),
    [
        ("SGD", {}),
        ("Momentum", {"momentum": 0, "weight_decay": 1}),  # whole numbers are numbers
        ("Momentum", {"momentum": 0.9, "use_nesterov": True}),
        ("Adagrad", {}),
        ("RMSProp", {"centered": True}),
        ("Adam", {"beta1": 0.5, "weight_decay": 0.01}),
        ("AdamW", {"weight_decay": 0.01}),
        ("Adadelta", {}),
        ("Adamax", {}),
        ("Lamb", {}),
        ("NAdam", {}),
        ("RAdam", {}),
        ("Rprop", {"etas": [0.4, 1.3]}),
    ],
)
def test_allowed(type_: str, arguments: dict[str, Any]) -> None:
    optimizers.check(type_, arguments, KEY)


@pytest.mark.parametrize(
    ("type_", "arguments", "message"),
    [
        ("SDG", {}, r"\.type: 'SDG' is not allowed; allowed: .*Adagrad, Adam, .*Momentum, .*RMSProp, .*SGD$"),
        ("adam", {}, r"\.type: 'adam' is not allowed; allowed: "),
        ("Optimizer", {}, r"\.type: 'Optimizer' is not allowed; allowed: "),
        ("lr", {}, r"\.type: 'lr' is not allowed; allowed: "),
        ("LBFGS", {}, r"\.type: 'LBFGS' is not allowed \(it needs a closure\); allowed: "),
        ("SGD", {"momentum": 0.9}, r": 'momentum' is no argument of SGD; allowed: type, lr, schedule, .*weight_decay$"),
        ("Adam", {"beta_1": 0.9}, r": 'beta_1' is no argument of Adam; allowed: type, lr, schedule, .*beta1, beta2"),
        ("SGD", {"a\nb": 0.9}, r": 'a\\nb' is no argument of SGD; allowed: "),
        *(
            ("SGD", {name: 1.0}, f": '{name}' is no argument of SGD; allowed: type, lr, schedule, ")
            for name in ("learning_rate", "parameters", "name", "self")
        ),
        (
            "SGD",
            {"grad_clip": 0},
            r"\.grad_clip: 0 is not allowed; allowed: a number above 0, the largest global norm$",
        ),
        ("SGD", {"grad_clip": "norm"}, r"\.grad_clip: 'norm' is not allowed; allowed: a number above 0"),
        ("Momentum", {"momentum": "fast"}, r"\.momentum: 'fast' is not allowed; allowed: a number$"),
        ("SGD", {"weight_decay": "L2Decay"}, r"\.weight_decay: 'L2Decay' is not allowed; allowed: a number$"),
        ("Adam", {"beta1": [0.9]}, r"\.beta1: \[0\.9\] is not allowed; allowed: a number$"),
        ("Adam", {"beta1": True}, r"\.beta1: True is not allowed; allowed: a number$"),
        ("Momentum", {"use_nesterov": 1}, r"\.use_nesterov: 1 is not allowed; allowed: true or false$"),
        ("ASGD", {"batch_num": 1.5}, r"\.batch_num: 1\.5 is not allowed; allowed: a whole number$"),
        ("Rprop", {"etas": [0.5]}, r"\.etas: \[0\.5\] is not allowed; allowed: a list of two numbers$"),
        ("RMSProp", {"rho": 10**400}, r"\.rho: 10+\.\.\. is not allowed; allowed: a number$"),
        ("Adam", {"beta1": 1.5}, r": \{'beta1': 1.5\} does not work with Adam: .*beta1"),
        ("Rprop", {"etas": [1.5, 0.5]}, r": \{'etas': \[1.5, 0.5\]\} does not work with Rprop: "),
    ],
)
def test_not_allowed(type_: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^{KEY}{message}") as caught:
        optimizers.check(type_, arguments, KEY)
    assert "\n" not in str(caught.value)


WRONG = {
    "float": "L2Decay",
    "bool": "yes",
    "int": 0.5,
    "tuple[float, float]": 0.5,
    "GradientClipBase": 0,
}  # by Paddle's annotation


@pytest.mark.parametrize("type_", optimizers.classes(optimizers.KIND))
def test_wrong_type_of_any_argument_is_told_what_is_allowed(type_: str) -> None:
    """For each argument that Paddle has, so that an upgrade shows one of a kind that is new."""
    parameters = inspect.signature(optimizers.classes(optimizers.KIND)[type_].__init__).parameters
    for name in parameters.keys() - optimizers.RESERVED:
        kind = str(parameters[name].annotation).split(" | ")[0]
        with pytest.raises(InputError, match=rf"\.{name}: .* is not allowed; allowed: (a|true) "):
            optimizers.check(type_, {name: WRONG[kind]}, KEY)
