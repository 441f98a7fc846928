"""What bad input may end in, and ways to spoil a file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from stages.lib.files.errors import InputError

LONGEST = 600  # characters of a message, beside the path


def cases(count: int) -> settings:
    """The same `count` cases on every machine, however slow it is."""
    return settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def refused_or_right(path: Path, *words: str) -> Iterator[None]:
    """Pass a block that succeeds, or that ends in one line of InputError with the path and one of `words`."""
    try:
        yield
    except InputError as error:
        message = str(error)
        assert message.startswith(str(path)), message
        assert len(message.splitlines()) == 1, message
        assert len(message) < len(str(path)) + LONGEST, message
        assert any(word in message for word in words), message


@st.composite
def spoiled_bytes(draw: Callable[..., Any], content: bytes) -> bytes:
    """`content` cut, with bytes changed (often near its ends, where headers are), put in, or taken out."""
    size = len(content)
    place = st.one_of(
        st.integers(0, size - 1), st.integers(0, min(size, 300) - 1), st.integers(max(size - 300, 0), size - 1)
    )
    spoiled = bytearray(content)
    kind = draw(st.sampled_from(["cut", "change", "change", "insert", "remove", "swap"]))
    if kind == "cut":
        return content[: draw(place)]
    if kind == "swap":
        one, other = sorted((draw(place), draw(place)))
        return content[:one] + content[other:] + content[one:other]
    for start in draw(st.lists(place, min_size=1, max_size=4)):
        if kind == "change":
            spoiled[start % len(spoiled)] ^= draw(st.integers(1, 255))
        elif kind == "insert":
            spoiled[start:start] = draw(st.binary(min_size=1, max_size=8))
        else:
            del spoiled[start : start + draw(st.integers(1, 8))]
    return bytes(spoiled) or b"\0"
