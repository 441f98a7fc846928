"""Whether two trainings of the same settings agree, where another CPU has summed in another order.

Rounding differs from the first step on, and training amplifies it, as it does every small change: single losses on the
way say little. What must agree is where the runs begin, before anything was amplified, and where they end.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Of the loss before the first update, relative: sums of float32 in another order differ by about 1e-6.
START = 1e-4
# Standard errors of the difference of two shares: closer ones, the validation images cannot tell apart.
ERRORS = 3.0

Rows = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Agreement:
    """`within` the tolerance or not, and the largest difference in words."""

    within: bool
    largest: str


def agreement(committed: Rows, again: Rows) -> Agreement:
    """Compare two validation curves, rows of `curves.VALID_COLUMNS`, one run per seed."""
    if [_place(row) for row in committed] != [_place(row) for row in again]:
        return Agreement(False, "the runs have other seeds or steps, or one has diverged")
    pairs = list(zip(committed, again, strict=True))
    starts = [pair for pair in pairs if pair[0]["step"] == "0"]
    worst_start = max((_relative(old, new) for old, new in starts), default=0.0)
    if worst_start > START:
        return Agreement(False, f"the loss before the first update by {worst_start:.2g} of itself, allowed {START:g}")
    ends = {old["seed"]: (old, new) for old, new in pairs}.values()
    old, new = max(ends, key=lambda pair: _gap(*pair) - _allowed(pair[0]))
    gap, allowed = _gap(old, new), _allowed(old)
    words = (
        f"{100 * gap:.2f} points of the final validation accuracy of seed {old['seed']}, allowed {100 * allowed:.2f}"
    )
    return Agreement(gap <= allowed, words)


def _place(row: Mapping[str, str]) -> tuple[str, ...]:
    return row["optimizer"], row["seed"], row["step"], row["images"]


def _relative(old: Mapping[str, str], new: Mapping[str, str]) -> float:
    return abs(float(new["loss"]) - float(old["loss"])) / float(old["loss"])


def _gap(old: Mapping[str, str], new: Mapping[str, str]) -> float:
    return abs(float(new["accuracy"]) - float(old["accuracy"]))


def _allowed(row: Mapping[str, str]) -> float:
    """ERRORS times the standard error of the difference of two shares like this one, each of that many images."""
    share = float(row["accuracy"])
    return ERRORS * math.sqrt(2 * share * (1 - share) / int(row["images"]))
