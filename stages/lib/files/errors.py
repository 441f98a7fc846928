"""What ends a stage in one line: the error, and how pydantic's errors become it."""

import re

from pydantic import ValidationError

# where pydantic speaks of Python
REWORDED = {
    "invalid_key": "words",
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "too_short": "at least one entry",
}
OF_A_KEY = {"unknown_key", "invalid_key"}  # the place ends with the key that is refused


class InputError(Exception):
    """Input that cannot be used; the message names the file, the key, the value and what is allowed."""


def shown(value: object) -> str:
    """A value as a message shows it: in one line, cut to 80 characters."""
    try:
        text = repr(value)
    except ValueError:  # Python does not write whole numbers of any length
        text = "a number of thousands of digits"
    return text if len(text) <= 80 else f"{text[:77]}..."


def refusal(error: ValidationError) -> str:
    """The first thing that pydantic refused, as 'key: value is not allowed; allowed: ...'.

    A key that is not known comes before one that is missing: a misspelt key is both.
    """
    first = min(error.errors(include_url=False), key=lambda one: one["type"] not in OF_A_KEY)
    place, value = list(first["loc"]), first["input"]
    if first["type"] in OF_A_KEY:
        place.pop()
    elif place[-1:] == ["[key]"]:  # of a dict; the key itself comes before that mark
        place = place[:-2]
    key = ".".join(str(part) if re.fullmatch(r"[\w-]{1,64}", str(part)) else shown(part) for part in place)
    if first["type"] == "missing":
        return f"{key}: is missing beside {shown(list(value))}"
    if first["type"] == "json_invalid":
        return f"is not JSON: {first['ctx']['error']}"
    allowed = REWORDED.get(first["type"]) or first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return f"{key or 'top level'}: {shown(value)} is not allowed; allowed: {allowed}"
