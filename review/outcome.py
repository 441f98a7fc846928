"""What a review found: a row per optimizer, what changed, one sentence, and all as JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dvc.utils.flatten import flatten
from pygit2 import Patch

from review.revision import Revision, Runs
from stages.lib.judging.difference import Difference

BETTER = "better beyond noise"
WORSE = "worse beyond noise"
NOISE = "within noise"
UNKNOWN = "cannot tell"  # besides these four, a row is judged 'added' or 'removed'
CODE = ("networks/", "stages/", "dvc.yaml", "requirements.txt")  # what can change a result, besides params.yaml


@dataclass(frozen=True)
class Row:
    """One optimizer's runs on both sides, none where it is not there, and what to make of them."""

    optimizer: str
    judgement: str
    note: str
    old: Runs
    new: Runs
    difference: Difference | None = None  # with its interval; None where there is none

    def record(self) -> dict[str, Any]:
        """For machines; what is not known is None."""
        found: dict[str, Any] = {"optimizer": self.optimizer, "judgement": self.judgement, "note": self.note}
        for key, name in (("difference", "change"), ("low", "low"), ("high", "high"), ("smallest_visible", "smallest")):
            found[key] = getattr(self.difference, name, None)
        for side, runs in (("old", self.old), ("new", self.new)):
            found |= {side: runs.accuracy, f"{side}_seeds": len(runs.seeds), f"{side}_eval": runs.eval_accuracy}
        return found


@dataclass(frozen=True)
class Review:
    """Two revisions and a row per optimizer."""

    old: Revision
    new: Revision
    rows: Sequence[Row]

    def judged(self, judgement: str) -> list[str]:
        """The optimizers that are judged so."""
        return [row.optimizer for row in self.rows if row.judgement == judgement]

    @property
    def verdicts(self) -> list[Row]:
        """Those with a verdict on both sides that is not the same."""
        return [row for row in self.rows if row.old.verdict and row.new.verdict and row.old.verdict != row.new.verdict]

    @property
    def params(self) -> dict[str, tuple[Any, Any]]:
        """Dotted key -> (old value, new value) of all that differs; None stands for blank or absent."""
        old, new = flatten(self.old.params), flatten(self.new.params)
        return {key: (old.get(key), new.get(key)) for key in old | new if old.get(key) != new.get(key)}

    @property
    def code(self) -> dict[str, str]:
        """File -> '+<lines added> -<removed>' of the CODE that differs."""
        old, new = self.old.files, self.new.files
        paths = [path for path in sorted({*old, *new}) if path.startswith(CODE) and old.get(path) != new.get(path)]
        counts = [Patch.create_from(old.get(path, b""), new.get(path, b"")).line_stats for path in paths]
        return {path: f"+{added} -{removed}" for path, (_, added, removed) in zip(paths, counts, strict=True)}

    def __str__(self) -> str:
        """One sentence: what got worse, what better, and how much could not be told."""
        parts = [f"{said}: {', '.join(self.judged(said))}" for said in (WORSE, BETTER, UNKNOWN) if self.judged(said)]
        return "; ".join(parts) or "No optimizer got better or worse beyond noise"

    def json(self) -> str:
        """One object."""
        names = {"old": self.old.name, "new": self.new.name, "worse": self.judged(WORSE)}
        rows = [row.record() for row in self.rows]
        verdicts = [{"optimizer": it.optimizer, "old": it.old.verdict, "new": it.new.verdict} for it in self.verdicts]
        found = {**names, "optimizers": rows, "verdicts": verdicts, "params": self.params, "code": self.code}
        return json.dumps(found, indent=2, allow_nan=False, default=str)
