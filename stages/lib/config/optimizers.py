"""Build any class of paddle.optimizer by name, and check name and arguments before any training starts."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import paddle
from pydantic import ConfigDict, Strict, TypeAdapter, ValidationError

from stages.lib.files.errors import InputError, shown

# given by the training itself, or needing a Python object that params.yaml cannot hold
RESERVED = {"self", "learning_rate", "parameters", "name", "grad_clip", "lr_ratio"}
RESERVED |= {"apply_decay_param_fun", "exclude_from_weight_decay_fn"}
PADDLE_REFUSES = (
    *(TypeError, ValueError, AttributeError, LookupError),
    *(ArithmeticError, RuntimeError, SystemError, AssertionError),
)
# what params.yaml can hold of what Paddle's annotations name, such as float in 'float | WeightDecayRegularizer | None'
KINDS: Mapping[str, tuple[str, Any]] = {
    "bool": ("true or false", bool),
    "int": ("a whole number", int),
    "float": ("a number", float),
    "tuple[float, float]": ("a list of two numbers", Annotated[tuple[float, float], Strict(False)]),
}


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
    known = {
        name: parameter
        for name, parameter in sorted(inspect.signature(types[type_].__init__).parameters.items())
        if name not in RESERVED
    }
    for name, value in arguments.items():
        if name not in known:
            raise InputError(f"{key}: {shown(name)} is no argument of {type_}; allowed: type, lr, {', '.join(known)}")
        kinds = [KINDS[part] for part in str(known[name].annotation).split(" | ") if part in KINDS]
        if kinds and not any(_is_a(kind, value) for _, kind in kinds):
            allowed = ", or ".join(words for words, _ in kinds)
            raise InputError(f"{key}.{name}: {shown(value)} is not allowed; allowed: {allowed}")
    try:
        _one_step(types[type_], arguments)
    except PADDLE_REFUSES as error:
        reason = " ".join(str(error).split())[-200:]
        raise InputError(f"{key}: {shown(dict(arguments))} does not work with {type_}: {reason}") from None


def _is_a(kind: Any, value: object) -> bool:
    try:
        TypeAdapter(kind, config=ConfigDict(strict=True)).validate_python(value)
    except ValidationError:
        return False
    return True


def _types() -> dict[str, type[paddle.optimizer.Optimizer]]:
    base = paddle.optimizer.Optimizer
    found = {}
    for name, value in sorted(vars(paddle.optimizer).items()):
        is_one = inspect.isclass(value) and issubclass(value, base) and value is not base
        if is_one and "closure" not in inspect.signature(value.step).parameters:
            found[name] = value
    return found


def _one_step(kind: type[paddle.optimizer.Optimizer], arguments: Mapping[str, Any]) -> None:
    parameter = paddle.create_parameter([2], "float32")
    optimizer = kind(learning_rate=0.01, parameters=[parameter], **arguments)
    (parameter * parameter).sum().backward()
    optimizer.step()
