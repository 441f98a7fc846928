"""What a review knows of a revision: its params, the runs of each optimizer, and the verdicts on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Lines = Sequence[Mapping[str, str]]  # of a table, by column


@dataclass(frozen=True)
class Runs:
    """One optimizer's runs at its configured lr, by seed. `problem` says why none can be trusted; then there are none.

    `wrong` is which validation images a run got wrong after its last step, bool [images]. `losses` are its lines in the
    tables of validation and training loss, by which two runs are the same; those of runs that diverged are there too.
    """

    wrong: Mapping[int, np.ndarray] = field(default_factory=dict)
    diverged: tuple[int, ...] = ()
    losses: Mapping[int, tuple[Lines, Lines]] = field(default_factory=dict)
    data: str = ""  # the MD5 of the images and labels
    problem: str = ""

    @property
    def seeds(self) -> set[int]:
        """All of them, those of runs that diverged too."""
        return {*self.wrong, *self.diverged}

    @property
    def accuracy(self) -> float | None:
        """The mean validation accuracy; None where a run diverged or there is none."""
        if self.diverged or not self.wrong:
            return None
        return 1 - float(np.mean([wrong.mean() for wrong in self.wrong.values()]))


@dataclass(frozen=True)
class Revision:
    """One side of a review. `unjudged` says why its verdicts and eval accuracies do not belong to its runs."""

    name: str  # as the user gave it
    params: Mapping[str, Any]
    runs: Mapping[str, Runs]
    metrics: Mapping[str, Mapping[str, Any]]  # by optimizer, as judge wrote them; empty where `unjudged`
    sentences: Mapping[str, str]  # of verdicts, by optimizer, their first word
    unjudged: str

    def eval_accuracy(self, optimizer: str) -> float | None:
        """The accuracy on the eval split; None if there is none, or none of the weights that were judged."""
        accuracy = self.metrics.get(optimizer, {}).get("accuracy")
        return accuracy if isinstance(accuracy, int | float) else None

    def verdict(self, optimizer: str) -> tuple[str, str]:
        """The verdict on the lr and the sentence behind it; both '' where there is none that belongs to the runs."""
        return str(self.metrics.get(optimizer, {}).get("verdict") or ""), self.sentences.get(optimizer, "")
