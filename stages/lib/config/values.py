"""What single values of params.yaml and of the settings may be, as pydantic types that say what is allowed."""

import re
from typing import Annotated, Any, NoReturn

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

LARGEST_FLOAT = 1e300  # also of whole numbers that become floats
LARGEST = 2**31 - 1  # of whole numbers: what every seed, size and count fits into


def refuse(kind: str, key: object, value: object, allowed: str) -> NoReturn:
    """ValidationError of one key of a mapping, from within the validation of the whole."""
    what = PydanticCustomError(kind, "{allowed}", {"allowed": allowed})
    raise ValidationError.from_exception_data("", [{"type": what, "loc": (str(key),), "input": value}])


class Section(BaseModel):
    """A mapping that has its keys and no other."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _has_no_other_key(cls, value: object) -> object:
        """Pydantic does so itself, but does not say which keys there are."""
        if isinstance(value, dict) and cls.model_config["extra"] == "forbid":
            for key in value:
                if key not in cls.model_fields:
                    refuse("unknown_key", key, key, f"the keys {', '.join(sorted(cls.model_fields))}")
        return value


def told(allowed: str) -> WrapValidator:
    """Whatever pydantic finds in a value, one text says what it may be."""

    def check(value: object, pydantics: ValidatorFunctionWrapHandler) -> Any:
        try:
            return pydantics(value)
        except ValidationError:
            raise ValueError(allowed) from None

    return WrapValidator(check)


def listed(least: int, what: str) -> BeforeValidator:
    """A list of at least so many values, which strict pydantic does not take for a tuple."""

    def check(values: object) -> tuple[Any, ...]:
        if not isinstance(values, list | tuple) or len(values) < least:
            raise ValueError(f"a list of at least {least} {what}")
        return tuple(values)

    return BeforeValidator(check)


def numeric(value: object) -> object:
    """The number in a string such as '1e-05', which YAML 1.1 takes for text and `dvc exp run -S lr=1e-5` writes."""
    if isinstance(value, str) and re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", value, re.IGNORECASE):
        return float(value)
    return value


def _each_once(values: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(values)) < len(values):
        raise ValueError("each seed once")
    return values


def _ascending(values: tuple[float, ...]) -> tuple[float, ...]:
    if sorted(set(values)) != list(values):
        raise ValueError("each learning rate once, in ascending order")
    return values


def _argument(value: object) -> Any:
    if isinstance(value, list) and not any(isinstance(item, list) for item in value):
        return [_argument(item) for item in value]
    number = numeric(value)
    if not isinstance(number, str | None) and not (isinstance(number, int | float) and abs(number) <= LARGEST_FLOAT):
        raise ValueError("a finite number, true, false, a word, or a list of these")
    return number


# rates keep the six digits of all tables, as they must be found again in them
Rate = Annotated[
    float,
    Field(gt=0, le=LARGEST_FLOAT),
    BeforeValidator(numeric),
    AfterValidator(lambda rate: float(f"{rate:.6g}")),
    told("a finite number above 0"),
]
Rates = Annotated[tuple[Rate, ...], listed(3, "learning rates"), AfterValidator(_ascending)]
Share = Annotated[float, Field(gt=0, lt=1), BeforeValidator(numeric), told("a number between 0 and 1")]
Count = Annotated[int, Field(ge=1, le=LARGEST), told("a whole number of at least 1")]
Seed = Annotated[int, Field(ge=0, le=LARGEST), told("a whole number of at least 0")]
Seeds = Annotated[tuple[Seed, ...], listed(1, "whole number"), AfterValidator(_each_once)]
Name = Annotated[
    str,
    Field(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"),
    told("names of letters, digits, '-' and '_', at most 64 of them, as they become file names"),
]
Argument = Annotated[Any, AfterValidator(_argument)]


class OfPaddle(Section):
    """A class of Paddle, such as a schedule, and its arguments; whether they exist is for `optimizers` to say."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Argument]

    type: Annotated[str, told("the name of a class")]

    @property
    def arguments(self) -> dict[str, Any]:
        """All other keys but for blank ones."""
        return {key: value for key, value in self.__pydantic_extra__.items() if value is not None}
