"""Where a text stops being JSON lists of numbers: simdjson, which reads fast, tells only that it does."""

import math
import re

SPACE = rb"[ \t\n\r]*+"
NUMBER = rb"-?+(?:0|[1-9]\d*+)(?:\.\d++)?+(?:[eE][-+]?+\d++)?+(?![-+.\w])"
VALUE = re.compile(SPACE + rb"(?:\[|" + NUMBER + rb")")
REST_OF_NUMBERS = re.compile(rb"(?:" + SPACE + rb"," + SPACE + NUMBER + rb")*+" + SPACE)  # fast over a whole image
BLANKS = re.compile(SPACE)
HUGE = re.compile(rb"-?+(?<![\d.eE+])\d{19,}+(?![.eE])|[-\d.]++[eE]\+?+\d{3,}+")
WORD = re.compile(rb"-?[A-Za-z]{1,20}")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # simdjson skips it


def first_odd(text: bytes | bytearray) -> str | None:
    """What stands where the text cannot go on, at which byte, and what is allowed there; None if nothing is wrong."""
    position, depth = len(BYTE_ORDER_MARK) * text.startswith(BYTE_ORDER_MARK), 0
    while value := VALUE.match(text, position):
        position = value.end()
        if text[position - 1 : position] == b"[":
            depth += 1
            continue
        position = _end(text, position, depth)
        while depth and text[position : position + 1] == b"]":
            depth -= 1
            position = _end(text, position + 1, depth)
        if not depth:
            return None if position == len(text) else _odd(text, position, "nothing more")
        if text[position : position + 1] != b",":
            return _odd(text, position, "a comma or the end of the list")
        position += 1
    return _odd(text, _end(text, position, 0), "finite numbers, and lists of them")


def first_huge(text: bytes | bytearray) -> str | None:
    """The first number that 64 bits cannot hold, at which byte, and what is allowed."""
    for found in HUGE.finditer(text):
        digits = found[0]
        whole = digits.lstrip(b"-").isdigit()
        if math.isinf(float(digits)) or (whole and (len(digits) > 20 or not -(2**63) <= int(digits) < 2**64)):
            return _odd(text, found.start(), "whole numbers of 64 bits, others as float64")
    return None


def _end(text: bytes | bytearray, position: int, depth: int) -> int:
    """Where the numbers of a list end that go on at `position`, or outside all lists the blanks."""
    found = (REST_OF_NUMBERS if depth else BLANKS).match(text, position)
    return found.end() if found else position


def _odd(text: bytes | bytearray, position: int, allowed: str) -> str:
    word = WORD.match(text, position)
    if position >= len(text):
        shown = "it ends"
    else:
        shown = word[0].decode() if word else repr(bytes(text[position : position + 20]))[1:]
    return f"{shown} at byte {position:,}; allowed: {allowed}"
