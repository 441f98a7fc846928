import math
import re
from typing import Any

import pytest

from stages.lib import checks
from stages.lib.checks import RefusedError

NAN, INF = float("nan"), float("inf")


def refused(key: str, value: object, allowed: str) -> str:
    return "^" + re.escape(f"{key}: {value!r} is not allowed; allowed: {allowed}") + "$"


NO_NUMBERS = [True, False, None, "", "fast", "nan", "inf", "0x10", "1_0", "1,5", "1 ", [1], {"a": 1}]
NOT_POSITIVE = [0, 0.0, -0.0, -1, -1e-9, NAN, INF, -INF, 10**400, 1e301, "0", "-1", "1e400", "1e-400"]


@pytest.mark.parametrize("value", [*NO_NUMBERS, *NOT_POSITIVE])
def test_no_positive_number(value: object) -> None:
    if isinstance(value, int) and value > 1e300:
        expected = r"^lr: 10{76}\.\.\. is not allowed; allowed: a finite number above 0$"
    else:
        expected = refused("lr", value, "a finite number above 0")
    with pytest.raises(RefusedError, match=expected):
        checks.positive(value, "lr")


@pytest.mark.parametrize(("value", "number"), [(1, 1.0), (0.1, 0.1), (5e-324, 5e-324), ("1e-05", 1e-5), ("1E3", 1e3)])
def test_positive_number(value: object, number: float) -> None:
    assert checks.positive(value, "lr") == number


@pytest.mark.parametrize("value", [0, -1, 1.5, 1.0, True, "1", "1e3", None, [1], NAN, INF, 2**31, 10**30])
def test_no_whole_number(value: object) -> None:
    with pytest.raises(RefusedError, match=refused("epochs", value, "a whole number of at least 1")):
        checks.whole(value, "epochs", 1)


@pytest.mark.parametrize("value", [1, 2, 2**31 - 1])
def test_whole_number(value: int) -> None:
    assert checks.whole(value, "epochs", 1) == value


@pytest.mark.parametrize("value", [[], None, 3, "0", (0,), {0: 1}])
def test_seeds_that_are_no_list(value: object) -> None:
    with pytest.raises(RefusedError, match=refused("seeds", value, "a list with at least one whole number")):
        checks.seeds(value, "seeds")


@pytest.mark.parametrize("bad", [-1, 1.5, True, "1", None, [0]])
def test_seed_that_is_no_whole_number(bad: object) -> None:
    with pytest.raises(RefusedError, match=refused("seeds", bad, "a whole number of at least 0")):
        checks.seeds([0, bad], "seeds")


def test_seed_given_twice() -> None:
    with pytest.raises(RefusedError, match=refused("seeds", [1, 2, 1], "each seed once")):
        checks.seeds([1, 2, 1], "seeds")


def test_seeds_keep_their_order() -> None:
    assert checks.seeds([5, 0, 2], "seeds") == (5, 0, 2)


@pytest.mark.parametrize("value", [None, 0.1, {}, "0.1", [], [0.1, 0.2], (0.1, 0.2, 0.3)])
def test_grid_that_is_too_short_or_no_list(value: object) -> None:
    with pytest.raises(RefusedError, match=refused("lrs", value, "a list of at least three learning rates")):
        checks.grid(value, "lrs")


@pytest.mark.parametrize("bad", [0, -0.1, NAN, INF, True, None, "fast", [0.1]])
def test_grid_with_a_bad_rate(bad: object) -> None:
    with pytest.raises(RefusedError, match=refused("lrs", bad, "a finite number above 0")):
        checks.grid([0.1, bad, 1.0], "lrs")


@pytest.mark.parametrize("value", [[0.1, 0.1, 0.2], [0.1, 0.3, 0.2], [3, 2, 1], [0.1, "1e-1", 1]])
def test_grid_out_of_order(value: object) -> None:
    with pytest.raises(RefusedError, match=refused("lrs", value, "each learning rate once, in ascending order")):
        checks.grid(value, "lrs")


def test_grid() -> None:
    assert checks.grid(["1e-05", 0.5, 2], "lrs") == (1e-5, 0.5, 2.0)


@pytest.mark.parametrize("value", [None, NAN, -INF, "1e999", {"a": 1}, [0.5, None], [[NAN]]])
def test_no_argument(value: object) -> None:
    with pytest.raises(RefusedError, match=r"^k: .* is not allowed; allowed: a finite number, true, false, a word, or"):
        checks.argument(value, "k")


@pytest.mark.parametrize(
    ("value", "argument"),
    [(1, 1), (0.5, 0.5), (True, True), (False, False), ("word", "word"), ("9e-1", 0.9), ([0.5, "1e0"], [0.5, 1.0])],
)
def test_argument(value: object, argument: Any) -> None:
    checked = checks.argument(value, "k")
    assert checked == argument
    assert type(checked) is type(argument)


def test_mapping_without_a_key_names_the_first_in_alphabetical_order() -> None:
    with pytest.raises(RefusedError, match=r"^data\.a: None is not allowed; allowed: not to be left out$"):
        checks.mapping({"c": 1}, "data", {"c", "b", "a"})


@pytest.mark.parametrize(
    ("text", "number"), [("1e-05", 1e-5), ("-2.5E+3", -2500.0), (".5", 0.5), ("7.", 7.0), ("007", 7.0)]
)
def test_numeric_string(text: str, number: float) -> None:
    assert checks.numeric(text) == number


@pytest.mark.parametrize("text", ["", "e5", ".", "1e", "1e5x", " 1", "0x1", "nan", "infinity", "1_000", "--1", "1\n"])
def test_other_strings_stay_strings(text: str) -> None:
    assert checks.numeric(text) == text


def test_numeric_passes_other_values_through() -> None:
    value = checks.numeric(NAN)
    assert isinstance(value, float)
    assert math.isnan(value)
