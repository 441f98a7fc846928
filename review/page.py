"""A review as a page of Markdown."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from review.judgement import BETTER, WORSE
from review.report import Review, change, summary
from stages.lib.judging.log_odds import CONFIDENCE, POWER

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
  (Bonferroni). "Beyond noise" means that 0 is not in it. It is reckoned in log odds, ln(p / (1 - p)), and shown in
  points from the old accuracy: so it is wider towards 50% than towards 0% or 100%.
- Seeds and images count as drawn by chance. The variance between seeds, of log odds, is the larger of the optimizer's
  own and that pooled over all optimizers; images count by how differently the change moves each of them. Runs with
  the same seed are taken as independent; as a rule they go together, and then the interval is too wide, not too
  narrow.
- The smallest visible difference is the true one that {POWER:.0%} of such reviews would find, with as many seeds: the
  loss, if the old accuracy is above 50% (a smaller gain is visible), else the gain.
- A seed that both sides have and that diverges on one of them is a fact and has no interval. Runs with the same bytes
  are unchanged. Seeds that only one side has are other evidence, no change: one of them that diverges judges nothing.
"""


def markdown(review: Review, figures: Mapping[str, str]) -> str:
    """The page; `figures` are file names by what they show: 'differences' and 'loss'."""
    parts = [
        f"# Review: {review.new.name} against {review.old.name}",
        f"{summary(review)}.",
        "## Validation accuracy, old and new",
        "\n".join(_table(review)),
        "\n".join(_notes(review)),
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


def _notes(review: Review) -> Iterator[str]:
    """One line for all optimizers of which the same is to be said, as where all results are stale."""
    for note in dict.fromkeys(row.note for row in review.rows if row.note):
        yield f"- {', '.join(row.optimizer for row in review.rows if row.note == note)}: {note}."


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
    for side in (review.old, review.new):
        if side.unjudged:
            yield f"\n{side.name}: without verdicts and eval accuracies: {side.unjudged}."


def _image(title: str, name: str | None) -> str:
    return f"![{title}]({name})" if name else ""


def _percent(value: float | None, unknown: str = "-") -> str:
    return unknown if value is None else f"{value:.2%}"


def _points(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:+.2f}"


def _shown(value: Any) -> str:
    return "-" if value is None else str(value).replace("|", "\\|")
