"""Build any class of paddle.optimizer by name, and check name and arguments before any training starts."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import paddle
from pydantic import ConfigDict, PositiveFloat, Strict, TypeAdapter, ValidationError

from stages.lib.files.errors import InputError, shown

# a module, the base of its classes, and those that are refused, with what they need that params.yaml cannot give
Kind = tuple[Any, type, Mapping[str, str]]
KIND: Kind = (paddle.optimizer, paddle.optimizer.Optimizer, {"Optimizer": "", "LBFGS": "a closure"})
# given by the training itself, or needing a Python object that params.yaml cannot hold
RESERVED = {"self", "learning_rate", "max_learning_rate", "parameters", "name", "lr_ratio"}
RESERVED |= {"last_epoch", "verbose", "scale_fn"}
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
    "Sequence[int]": ("a list of whole numbers", list[int]),
    "Sequence[float]": ("a list of numbers", list[float]),
    "GradientClipBase": ("a number above 0, the largest global norm", PositiveFloat),
    "tuple[float, float]": ("a list of two numbers", Annotated[tuple[float, float], Strict(False)]),
}


def build(
    type_: str, lr: float, arguments: Mapping[str, Any], parameters: Sequence[paddle.Tensor]
) -> paddle.optimizer.Optimizer:
    """The optimizer of class `type_` over `parameters`, that clips gradients by their global norm if told to.

    configure has seen to it that `check` passes.
    """
    clip = {"grad_clip": paddle.nn.ClipGradByGlobalNorm(arguments["grad_clip"])} if "grad_clip" in arguments else {}
    kind = getattr(paddle.optimizer, type_)
    return kind(learning_rate=lr, parameters=list(parameters), **{**arguments, **clip})


def check(type_: str, arguments: Mapping[str, Any], key: str) -> None:
    """InputError, beginning with `key`, unless the class can be made and one step on a small parameter does."""
    check_arguments(class_of(KIND, type_, key), arguments, key, "type, lr, schedule")
    parameter = paddle.create_parameter([2], "float32")
    try:
        optimizer = build(type_, 0.01, arguments, [parameter])
        (parameter * parameter).sum().backward()
        optimizer.step()
    except PADDLE_REFUSES as error:
        reason = " ".join(str(error).split())[-200:]
        raise InputError(f"{key}: {shown(dict(arguments))} does not work with {type_}: {reason}") from None


def classes(kinds: Kind) -> dict[str, Any]:
    """By their names, all of a module that derive from a class and are not refused."""
    module, base, refused = kinds
    found = {name: value for name, value in sorted(vars(module).items()) if inspect.isclass(value)}
    return {name: value for name, value in found.items() if issubclass(value, base) and name not in refused}


def class_of(kinds: Kind, type_: str, key: str) -> Any:
    """The class of that name. InputError, beginning with `key`, if it is none of these."""
    if type_ in classes(kinds):
        return classes(kinds)[type_]
    why = f" (it needs {kinds[2][type_]})" if kinds[2].get(type_) else ""
    raise InputError(f"{key}.type: {shown(type_)} is not allowed{why}; allowed: {', '.join(classes(kinds))}")


def check_arguments(type_: Any, arguments: Mapping[str, Any], key: str, others: str) -> None:
    """InputError, beginning with `key`, for what is no argument of a class of Paddle, or of another type than it says.

    `others` are the keys beside the arguments.
    """
    parameters = sorted(inspect.signature(type_.__init__).parameters.items())
    known = {name: parameter for name, parameter in parameters if name not in RESERVED}
    for name, value in arguments.items():
        if name not in known:
            allowed = f"{others}, {', '.join(known)}"
            raise InputError(f"{key}: {shown(name)} is no argument of {type_.__name__}; allowed: {allowed}")
        kinds = [KINDS[part] for part in str(known[name].annotation).split(" | ") if part in KINDS]
        if kinds and not any(_is_a(kind, value) for _, kind in kinds):
            allowed = ", or ".join(words for words, _ in kinds)
            raise InputError(f"{key}.{name}: {shown(value)} is not allowed; allowed: {allowed}")


def _is_a(kind: Any, value: object) -> bool:
    try:
        TypeAdapter(kind, config=ConfigDict(strict=True)).validate_python(value)
    except ValidationError:
        return False
    return True
