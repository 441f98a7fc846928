"""Build any class of paddle.optimizer by name, and check name and arguments before any training starts."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import paddle

from stages.lib.checks import shown
from stages.lib.errors import InputError

# given by the training itself, or needing a Python object that params.yaml cannot hold
RESERVED = {"self", "learning_rate", "parameters", "name", "grad_clip", "lr_ratio"}
RESERVED |= {"apply_decay_param_fun", "exclude_from_weight_decay_fn"}
PADDLE_REFUSES = (
    *(TypeError, ValueError, AttributeError, LookupError),
    *(ArithmeticError, RuntimeError, SystemError, AssertionError),
)


def build(
    type_: str, lr: float, arguments: Mapping[str, Any], parameters: Sequence[paddle.Tensor]
) -> paddle.optimizer.Optimizer:
    """The optimizer of class `type_` over `parameters`. InputError unless `check` passes its type and arguments."""
    check(type_, arguments, "the settings of the optimizer")
    return _types()[type_](learning_rate=lr, parameters=list(parameters), **arguments)


def check(type_: str, arguments: Mapping[str, Any], key: str) -> None:
    """InputError, beginning with `key`, unless the class can be made and one step on a small parameter does."""
    types = _types()
    if type_ not in types:
        closure = " (its step needs a closure)" if type_ == "LBFGS" else ""
        raise InputError(f"{key}.type: {shown(type_)} is not allowed{closure}; allowed: {', '.join(types)}")
    known = sorted(set(inspect.signature(types[type_].__init__).parameters) - RESERVED)
    for name in arguments:
        if name not in known:
            raise InputError(f"{key}.{name}: is no argument of {type_}; allowed: lr, {', '.join(known)}")
    try:
        _one_step(type_, arguments)
    except PADDLE_REFUSES as error:
        reason = " ".join(str(error).split())[-200:]
        raise InputError(f"{key}: {shown(dict(arguments))} does not work with {type_}: {reason}") from None


def _types() -> dict[str, type[paddle.optimizer.Optimizer]]:
    base = paddle.optimizer.Optimizer
    found = {}
    for name, value in sorted(vars(paddle.optimizer).items()):
        is_one = inspect.isclass(value) and issubclass(value, base) and value is not base
        if is_one and "closure" not in inspect.signature(value.step).parameters:
            found[name] = value
    return found


def _one_step(type_: str, arguments: Mapping[str, Any]) -> None:
    parameter = paddle.create_parameter([2], "float32")
    optimizer = _types()[type_](learning_rate=0.01, parameters=[parameter], **arguments)
    (parameter * parameter).sum().backward()
    optimizer.step()
