"""All recorded runs of one optimizer, and what the judgement asks of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from stages.lib.runs.run import Run
from stages.lib.searching.lr_result import LrResult, best_lr
from stages.lib.searching.results import full_results, lr_result


@dataclass(frozen=True)
class OptimizerRuns:
    """The runs of train at the configured lr, of sweep over the grid `lrs`, and of tune at the sweep's best lr.

    Where no lr of the grid learns, there is no best one, and `tuned` is empty.
    """

    lrs: tuple[float, ...]
    trained: Sequence[Run]
    swept: Sequence[Run]
    tuned: Sequence[Run]

    @property
    def lr(self) -> float:
        """The configured one."""
        return self.trained[0].lr

    @property
    def steps(self) -> int:
        """The full length: of all runs but the sweep's short ones."""
        return self.trained[0].steps

    @property
    def best_lr(self) -> float | None:
        """The sweep's choice."""
        return best_lr(full_results(self.swept))

    @property
    def at_best(self) -> LrResult | None:
        """All runs at the best lr: the sweep's own full-length one, which chose it, and those of tune."""
        if self.best_lr is None:
            return None
        tuned = lr_result(self.tuned)
        return LrResult(tuned.status, full_results(self.swept)[self.best_lr].losses + tuned.losses)

    def results(self) -> dict[float, LrResult]:
        """By lr: the full-length runs of the sweep, and all those at the best one."""
        results = full_results(self.swept)
        if self.best_lr is not None and self.at_best is not None:
            results[self.best_lr] = self.at_best
        return results
