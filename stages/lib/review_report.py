"""A review as Markdown for people and as JSON for machines."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.lib.difference import CONFIDENCE, POWER
from stages.lib.judgement import BETTER, UNKNOWN, WORSE, Row
from stages.lib.revisions import Revision

MOST = 20  # lines of a list that may be long
HEADER = (
    "optimizer",
    "old (seeds)",
    "new (seeds)",
    "difference, points",
    "interval, points",
    "judgement",
    "smallest visible, points",
    "eval, not judged",
)
ASSUMED = f"""\
- Accuracies are those of the validation split after the last step. The eval split is shown and not judged on: a gate
  that is asked every day would use it up.
- An interval is for the difference of two means, {CONFIDENCE:.0%} for all optimizers of this page together
  (Bonferroni). "Beyond noise" means that 0 is not in it.
- Seeds and images count as drawn by chance. The variance between seeds is the larger of the optimizer's own and that
  pooled over all optimizers; images count by how differently the change moves each of them. Runs with the same seed
  are taken as independent; as a rule they go together, and then the interval is too wide, not too narrow.
- The smallest visible difference is the true one that {POWER:.0%} of such reviews would find, with as many seeds.
- A seed that diverges on one side only is a fact and has no interval. Runs with the same bytes are unchanged.
"""


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
        rows.append(
            {
                "optimizer": row.optimizer,
                "judgement": row.judgement,
                "note": row.note,
                "old": row.old,
                "new": row.new,
                "old_seeds": row.old_seeds,
                "new_seeds": row.new_seeds,
                "difference": change(row),
                "low": _finite(found.low) if found else None,
                "high": _finite(found.high) if found else None,
                "smallest_visible": _finite(found.smallest) if found else None,
                "old_eval": review.old.eval_accuracy(row.optimizer),
                "new_eval": review.new.eval_accuracy(row.optimizer),
            }
        )
    content = {
        "old": review.old.name,
        "new": review.new.name,
        "worse": review.worse,
        "optimizers": rows,
        "verdicts": [{"optimizer": name, "old": old[0], "new": new[0]} for name, old, new in review.verdicts()],
        "params": {key: list(values) for key, values in review.params.items()},
        "code": dict(review.code),
    }
    return json.dumps(content, indent=2, allow_nan=False, default=str) + "\n"


def change(row: Row) -> float | None:
    """New minus old accuracy; None where one of them is not known."""
    return None if row.old is None or row.new is None else row.new - row.old


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def markdown(review: Review, figures: Mapping[str, str]) -> str:
    """The page; `figures` are file names by what they show: 'differences' and 'loss'."""
    parts = [
        f"# Review: {review.new.name} against {review.old.name}",
        f"{summary(review)}.",
        "## Validation accuracy, old and new",
        "\n".join(_table(review)),
        "\n".join(f"- {row.optimizer}: {row.note}." for row in review.rows if row.note),
        _image("Differences with their intervals", figures.get("differences")),
        "## What changed",
        "\n".join(_changes(review)),
        "## Verdicts on the learning rate",
        "\n".join(_verdicts(review)),
        "## Loss curves",
        _image("Training loss, old dashed and new solid", figures.get("loss")) or "No optimizer has curves on a side.",
        "## What was assumed",
        ASSUMED.strip(),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(review: Review) -> Iterator[str]:
    yield "| " + " | ".join(HEADER) + " |"
    yield "|---" * len(HEADER) + "|"
    for row in review.rows:
        found = row.difference
        known = found is not None and math.isfinite(found.smallest)
        cells = [
            row.optimizer,
            f"{_percent(row.old)} ({row.old_seeds})",
            f"{_percent(row.new)} ({row.new_seeds})",
            _points(change(row)),
            f"{_points(found.low)} to {_points(found.high)}" if found and known else "-",
            f"**{row.judgement}**" if row.judgement in {WORSE, BETTER} else row.judgement,
            f"{100 * found.smallest:.2f}" if found and known else "-",
            " -> ".join(_percent(side.eval_accuracy(row.optimizer), "none") for side in (review.old, review.new)),
        ]
        yield "| " + " | ".join(cells) + " |"


def _changes(review: Review) -> Iterator[str]:
    if review.params:
        yield from ("| params.yaml | old | new |", "|---|---|---|")
        yield from (f"| {key} | {_shown(old)} | {_shown(new)} |" for key, (old, new) in review.params.items())
    else:
        yield "The params are the same."
    yield ""
    yield "Code, lines added and removed:" if review.code else "The code is the same."
    yield from _list(f"`{name}` {change}" for name, change in review.code.items())
    if review.uncommitted:
        yield from ("", "The workspace holds what is not committed:")
        yield from _list(f"`{name}`" for name in review.uncommitted)


def _list(items: Iterator[str]) -> Iterator[str]:
    every = list(items)
    yield ""  # as Markdown wants before a list
    yield from (f"- {item}" for item in every[:MOST])
    if len(every) > MOST:
        yield f"- ... and {len(every) - MOST} more"


def _verdicts(review: Review) -> Iterator[str]:
    none = True
    for name, (before, why_before), (after, why_after) in review.verdicts():
        none = False
        yield f"- **{name}: {before} -> {after}**"
        yield f"    - old: {why_before or 'no reason is given'}"
        yield f"    - new: {why_after or 'no reason is given'}"
    if none:
        yield "No verdict has changed where both sides have one."


def _image(title: str, name: str | None) -> str:
    return f"![{title}]({name})" if name else ""


def _percent(value: float | None, unknown: str = "-") -> str:
    return unknown if value is None else f"{value:.2%}"


def _points(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:+.2f}"


def _shown(value: Any) -> str:
    return "-" if value is None else str(value).replace("|", "\\|")
