"""What each kind of value may be, and that its refusal says so."""

import re
from typing import Any

import pytest
from pydantic import ConfigDict, TypeAdapter, ValidationError

from stages.lib.config.values import Argument, Count, Name, Rate, Rates, Seeds, numeric
from stages.lib.files.errors import refusal

NAN, INF = float("nan"), float("inf")
POSITIVE = "a finite number above 0"
NO_NUMBERS = [True, False, None, "", "fast", "nan", "inf", "0x10", "1_0", "1,5", "1 ", [1], {"a": 1}]
NOT_POSITIVE = [0, 0.0, -0.0, -1, -1e-9, NAN, INF, -INF, 10**400, 10**5000, 1e301, "0", "-1", "1e400", "1e-400"]


def read(kind: Any, value: object) -> Any:
    return TypeAdapter(dict[str, kind], config=ConfigDict(strict=True, allow_inf_nan=False)).validate_python(
        {"key": value}
    )["key"]


def check_refusal(kind: Any, value: object, key: str, allowed: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(kind, value)
    message = refusal(caught.value)
    assert re.fullmatch(rf"{key}: .+ is not allowed; allowed: {re.escape(allowed)}", message), message
    assert len(message) < 250


@pytest.mark.parametrize("value", [*NO_NUMBERS, *NOT_POSITIVE], ids=lambda value: str(type(value)))
def test_no_rate(value: object) -> None:
    check_refusal(Rate, value, "key", POSITIVE)


@pytest.mark.parametrize(("value", "rate"), [(1, 1.0), (0.1, 0.1), (5e-324, 5e-324), ("1e-05", 1e-5), ("1E3", 1e3)])
def test_rate(value: object, rate: float) -> None:
    """Also a whole number becomes a float, as Paddle refuses an int."""
    found = read(Rate, value)
    assert found == rate
    assert isinstance(found, float)


def test_rate_keeps_the_six_digits_of_the_tables() -> None:
    assert read(Rate, 0.000316227766) == 0.000316228


@pytest.mark.parametrize("value", [0, -1, 1.5, 1.0, True, "1", "1e3", None, [1], NAN, INF, 2**31, 10**30])
def test_no_count(value: object) -> None:
    check_refusal(Count, value, "key", "a whole number of at least 1")


@pytest.mark.parametrize("value", [1, 2, 2**31 - 1])
def test_count(value: int) -> None:
    assert read(Count, value) == value


@pytest.mark.parametrize("value", [[], None, 3, "0", {0: 1}])
def test_seeds_that_are_no_list(value: object) -> None:
    check_refusal(Seeds, value, "key", "a list of at least 1 whole number")


@pytest.mark.parametrize("bad", [-1, 1.5, True, "1", None, [0], 2**31])
def test_seed_that_is_no_whole_number(bad: object) -> None:
    check_refusal(Seeds, [0, bad], r"key\.1", "a whole number of at least 0")


def test_seed_given_twice() -> None:
    check_refusal(Seeds, [1, 2, 1], "key", "each seed once")


def test_seeds_keep_their_order() -> None:
    assert read(Seeds, [5, 0, 2]) == (5, 0, 2)


@pytest.mark.parametrize("value", [None, 0.1, {}, "0.1", [], [0.1, 0.2]])
def test_grid_that_is_too_short_or_no_list(value: object) -> None:
    check_refusal(Rates, value, "key", "a list of at least 3 learning rates")


@pytest.mark.parametrize("bad", [0, -0.1, NAN, INF, True, None, "fast", [0.1]])
def test_grid_with_a_bad_rate(bad: object) -> None:
    check_refusal(Rates, [0.1, bad, 1.0], r"key\.1", POSITIVE)


@pytest.mark.parametrize("value", [[0.1, 0.1, 0.2], [0.1, 0.3, 0.2], [3, 2, 1], [0.1, "1e-1", 1]])
def test_grid_out_of_order(value: object) -> None:
    check_refusal(Rates, value, "key", "each learning rate once, in ascending order")


def test_grid() -> None:
    assert read(Rates, ["1e-05", 0.5, 2]) == (1e-5, 0.5, 2.0)


@pytest.mark.parametrize("value", ["", "../a", ".a", "a b", "-a", "a" * 65, "a\n", "é", 7, True, None])
def test_no_name(value: object) -> None:
    check_refusal(
        Name, value, "key", "names of letters, digits, '-' and '_', at most 64 of them, as they become file names"
    )


@pytest.mark.parametrize("value", ["a", "7", "Adam_W-2", "a" * 64])
def test_name(value: str) -> None:
    assert read(Name, value) == value


@pytest.mark.parametrize("value", [NAN, -INF, "1e999", {"a": 1}, [[1]], 10**400, b"a"])
def test_no_argument(value: object) -> None:
    check_refusal(Argument, value, "key", "a finite number, true, false, a word, or a list of these")


@pytest.mark.parametrize(
    ("value", "argument"),
    [(1, 1), (0.5, 0.5), (True, True), (False, False), ("word", "word"), ("9e-1", 0.9), ([0.5, "1e0"], [0.5, 1.0])],
)
def test_argument(value: object, argument: Any) -> None:
    checked = read(Argument, value)
    assert checked == argument
    assert type(checked) is type(argument)


@pytest.mark.parametrize(
    ("text", "number"), [("1e-05", 1e-5), ("-2.5E+3", -2500.0), (".5", 0.5), ("7.", 7.0), ("007", 7.0)]
)
def test_numeric_string(text: str, number: float) -> None:
    assert numeric(text) == number


@pytest.mark.parametrize("text", ["", "e5", ".", "1e", "1e5x", " 1", "0x1", "nan", "infinity", "1_000", "--1", "1\n"])
def test_other_strings_stay_strings(text: str) -> None:
    assert numeric(text) == text
