"""A review as a page of Markdown."""

from collections.abc import Collection

from review.outcome import BETTER, WORSE, Review, Row
from stages.lib.judging.log_odds import CONFIDENCE, POWER

ROWS = """\
| optimizer | old (seeds) | new (seeds) | difference, points | interval, points | judgement \
| smallest visible, points | eval, not judged |
|---|---|---|---|---|---|---|---|"""
PARAMS = "| params.yaml | old | new |\n|---|---|---|"
ASSUMED = f"""\
Judged is the accuracy on the validation split after the last step; the eval split is only shown, as a gate that is
asked every day would use it up. An interval is for the difference of two means, {CONFIDENCE:.0%} for all optimizers of
this page together; seeds and images count as drawn by chance. "Beyond noise" means that 0 is not in it. The smallest
visible difference is the true one that {POWER:.0%} of such reviews would find: the loss if the old accuracy is above
50%, else the gain. How all is computed, and how often it is wrong: docs/review.md."""


def markdown(review: Review, drawn: Collection[str]) -> str:
    """The page; `drawn` are the names of the figures beside it: 'differences' and 'loss'."""
    notes = dict.fromkeys(row.note for row in review.rows if row.note)  # one line for all optimizers with the same
    params = [f"| {key} | {_shown(old)} | {_shown(new)} |" for key, (old, new) in review.params.items()]
    code = [f"- `{name}` {change}" for name, change in review.code.items()]
    sides = (review.old, review.new)
    parts = [
        f"# Review: {review.new.name} against {review.old.name}",
        f"{review}.",
        "## Validation accuracy, old and new",
        "\n".join([ROWS, *map(_row, review.rows)]),
        "\n".join(
            f"- {', '.join(row.optimizer for row in review.rows if row.note == note)}: {note}." for note in notes
        ),
        "![Differences with their intervals](differences.png)" if "differences" in drawn else "",
        "## What changed",
        "\n".join([PARAMS, *params]) if params else "The params are the same.",
        "Code, lines added and removed:" if code else "The code is the same.",
        "\n".join(code),
        "## Verdicts on the learning rate",
        "\n".join(map(_verdicts, review.verdicts)) or "No verdict has changed where both sides have one.",
        *(f"{side.name}: without verdicts and eval accuracies: {side.unjudged}." for side in sides if side.unjudged),
        "## Loss curves",
        "![Training loss, old dashed and new solid](loss.png)" if "loss" in drawn else "No side has curves.",
        "## What was assumed",
        ASSUMED,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _row(row: Row) -> str:
    found = row.difference
    cells = [
        row.optimizer,
        *(f"{_percent(runs.accuracy)} ({len(runs.seeds)})" for runs in (row.old, row.new)),
        f"{100 * found.change:+.2f}" if found else "-",
        f"{100 * found.low:+.2f} to {100 * found.high:+.2f}" if found else "-",
        f"**{row.judgement}**" if row.judgement in {WORSE, BETTER} else row.judgement,
        f"{100 * found.smallest:.2f}" if found else "-",
        " -> ".join(_percent(runs.eval_accuracy, "none") for runs in (row.old, row.new)),
    ]
    return f"| {' | '.join(cells)} |"


def _verdicts(row: Row) -> str:
    reasons = f"    - old: {row.old.reason}\n    - new: {row.new.reason}"
    return f"- **{row.optimizer}: {row.old.verdict} -> {row.new.verdict}**\n{reasons}"


def _percent(value: float | None, unknown: str = "-") -> str:
    return unknown if value is None else f"{value:.2%}"


def _shown(value: object) -> str:
    return "-" if value is None else str(value).replace("|", "\\|")
