"""What a review found: two revisions, what differs, and a row per optimizer; in one sentence and as JSON."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from review.judgement import BETTER, UNKNOWN, WORSE, Row
from review.revision import Revision


@dataclass(frozen=True)
class Review:
    """Two revisions, what differs in params and code, and a row per optimizer."""

    old: Revision
    new: Revision
    params: Mapping[str, tuple[Any, Any]]
    code: Mapping[str, str]
    uncommitted: Sequence[str]
    rows: Sequence[Row]

    @property
    def worse(self) -> list[str]:
        """The optimizers that got worse beyond noise."""
        return [row.optimizer for row in self.rows if row.judgement == WORSE]

    def verdicts(self) -> Iterator[tuple[str, tuple[str, str], tuple[str, str]]]:
        """Optimizer, and old and new verdict with its reason, where the verdict differs and both are known."""
        for row in self.rows:
            old, new = self.old.verdict(row.optimizer), self.new.verdict(row.optimizer)
            if old[0] and new[0] and old[0] != new[0]:
                yield row.optimizer, old, new


def changed_params(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Dotted key -> (old value, new value) of all that differs; None stands for blank or absent."""
    one, other = dict(_flat(old)), dict(_flat(new))
    keys = [*one, *(key for key in other if key not in one)]
    return {key: (one.get(key), other.get(key)) for key in keys if one.get(key) != other.get(key)}


def _flat(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            yield from _flat(inner, f"{above}{key}.")
        else:
            yield f"{above}{key}", inner


def summary(review: Review) -> str:
    """One sentence: what got worse, what better, and how much could not be told."""
    parts = []
    for judgement in (WORSE, BETTER, UNKNOWN):
        names = [row.optimizer for row in review.rows if row.judgement == judgement]
        if names:
            parts.append(f"{judgement}: {', '.join(names)}")
    return "; ".join(parts) if parts else "No optimizer got better or worse beyond noise"


def as_json(review: Review) -> str:
    """One object; numbers that are not known, or not finite, are null."""
    rows = []
    for row in review.rows:
        found = row.difference
        bounds = (found.low, found.high, found.smallest) if found else (None, None, None)
        rows.append(
            {key: value for key, value in vars(row).items() if key != "difference"}
            | {"difference": change(row)}
            | dict(zip(("low", "high", "smallest_visible"), map(_finite, bounds), strict=True))
            | {f"{side}_eval": getattr(review, side).eval_accuracy(row.optimizer) for side in ("old", "new")}
        )
    content = {
        "old": review.old.name,
        "new": review.new.name,
        "worse": review.worse,
        "optimizers": rows,
        "verdicts": [{"optimizer": name, "old": old[0], "new": new[0]} for name, old, new in review.verdicts()],
        "params": review.params,
        "code": review.code,
    }
    return json.dumps(content, indent=2, allow_nan=False, default=str) + "\n"


def change(row: Row) -> float | None:
    """New minus old accuracy of what was compared; None where one of them is not known."""
    if row.difference:
        return row.difference.change
    return None if row.old is None or row.new is None else row.new - row.old


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
