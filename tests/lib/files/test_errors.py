"""One line for whatever pydantic refuses."""

from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from stages.lib.files.errors import refusal, shown


class Inner(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    count: Annotated[int, Field(gt=0)] = 1


def _even(value: int) -> int:
    if value % 2:
        raise ValueError("an even number")
    return value


class Outer(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    inner: Inner
    even: Annotated[int, AfterValidator(_even)] = 2
    named: dict[Annotated[str, Field(max_length=3)], int] = {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"inner": {"count": "1"}}, "inner.count: '1' is not allowed; allowed: a valid integer"),
        ({"inner": {"count": 0}}, "inner.count: 0 is not allowed; allowed: greater than 0"),
        ({"inner": {}, "even": 3}, "even: 3 is not allowed; allowed: an even number"),
        ({"inner": {"other": 1}}, "inner.other: 1 is not allowed; allowed: "),
        ({"inner": 5}, "inner: 5 is not allowed; allowed: a mapping"),
        ({"inner": {}, "named": 5}, "named: 5 is not allowed; allowed: a mapping"),
        ({"even": 2}, "inner: is missing beside ['even']"),
        ({"inner": {}, 7: 1}, "top level: 7 is not allowed; allowed: words"),
        ({"inner": {}, "named": {"a\nbcd": 1}}, "named: 'a\\nbcd' is not allowed; allowed: "),
        ({"inner": {}, "named": {"a\n": "b"}}, "named.'a\\n': 'b' is not allowed; allowed: a valid integer"),
        (5, "top level: 5 is not allowed; allowed: a mapping"),
    ],
)
def test_refusal_names_key_value_and_what_is_allowed(content: Any, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(content)
    assert refusal(caught.value).startswith(message)
    assert len(refusal(caught.value).splitlines()) == 1


def test_refusal_of_what_is_no_json_has_the_place() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate_json('{"inner": }')
    assert refusal(caught.value) == "is not JSON: expected value at line 1 column 11"


@pytest.mark.parametrize(
    "value", ["x" * 1000, [["a"] * 50] * 50, "a\nb", "\u2028", 10**5000], ids=lambda value: str(type(value))
)
def test_value_is_shown_in_one_short_line(value: object) -> None:
    assert len(shown(value)) <= 80
    assert len(shown(value).splitlines()) == 1
