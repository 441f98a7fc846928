"""Checks of single values from params.yaml: each returns the value, or refuses it and says what is allowed."""

import re
from collections.abc import Set
from typing import Any

LARGEST_FLOAT = 1e300  # also of whole numbers that become floats
LARGEST = 2**31 - 1  # of whole numbers: what every seed, size and count fits into


class RefusedError(Exception):
    """A value that is not allowed at its key; `params.load_params` puts the file's name before the message."""

    def __init__(self, key: str, value: object, allowed: str) -> None:
        super().__init__(f"{key}: {shown(value)} is not allowed; allowed: {allowed}")


def shown(value: object) -> str:
    """A value as a message shows it: in one line, cut to 80 characters."""
    try:
        text = repr(value)
    except ValueError:  # Python does not write whole numbers of any length
        text = "a number of thousands of digits"
    return text if len(text) <= 80 else f"{text[:77]}..."


def mapping(value: object, key: str, names: Set[str]) -> dict[str, Any]:
    """A mapping with exactly the keys `names`; `key` is '' at the top of the file."""
    allowed = ", ".join(sorted(names))
    if not isinstance(value, dict):
        raise RefusedError(key or "the file", value, f"a mapping with the keys {allowed}")
    for name in value:
        if name not in names:
            raise RefusedError(key or "top level", name, f"the keys {allowed}")
    for name in sorted(names - set(value)):
        raise RefusedError(f"{key}.{name}" if key else name, None, "not to be left out")
    return value


def optimizer_name(value: object, key: str) -> str:
    """The user's name of an optimizer."""
    if not isinstance(value, str) or not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]{0,63}", value):
        allowed = "names of letters, digits, '-' and '_', at most 64 of them, as they become file names"
        raise RefusedError(key, value, allowed)
    return value


def positive(value: object, key: str) -> float:
    """A finite number above 0, to the six digits that all tables keep: a rate must be found again in them."""
    number = numeric(value)
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number <= LARGEST_FLOAT:
        raise RefusedError(key, value, "a finite number above 0")
    return float(f"{number:.6g}")


def whole(value: object, key: str, least: int) -> int:
    """A whole number from `least` to LARGEST."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LARGEST:
        raise RefusedError(key, value, f"a whole number of at least {least}")
    return value


def seeds(values: object, key: str) -> tuple[int, ...]:
    """At least one seed, each once."""
    if not isinstance(values, list) or not values:
        raise RefusedError(key, values, "a list with at least one whole number")
    checked = tuple(whole(value, key, 0) for value in values)
    if len(set(checked)) < len(checked):
        raise RefusedError(key, values, "each seed once")
    return checked


def grid(values: object, key: str) -> tuple[float, ...]:
    """At least three different positive numbers, in ascending order."""
    if not isinstance(values, list) or len(values) < 3:
        raise RefusedError(key, values, "a list of at least three learning rates")
    checked = tuple(positive(value, key) for value in values)
    if sorted(set(checked)) != list(checked):
        raise RefusedError(key, values, "each learning rate once, in ascending order")
    return checked


def argument(value: object, key: str) -> Any:
    """What an optimizer's argument may be; whether it fits the optimizer is for `optimizers.check` to say."""
    if isinstance(value, list) and not any(isinstance(item, list) for item in value):
        return [argument(item, key) for item in value]
    number = numeric(value)
    finite = isinstance(number, str) or (isinstance(number, int | float) and -LARGEST_FLOAT <= number <= LARGEST_FLOAT)
    if not finite:
        raise RefusedError(key, value, "a finite number, true, false, a word, or a list of these")
    return number


def numeric(value: object) -> object:
    """The number in a string such as '1e-05', which YAML 1.1 takes for text and `dvc exp run -S lr=1e-5` writes."""
    if isinstance(value, str) and re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", value, re.IGNORECASE):
        return float(value)
    return value
