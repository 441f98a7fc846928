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
    schedule: str = ""  # its class; without one every lr is constant, else it is the peak

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
        """The runs of tune alone: the sweep's own at that lr chose it, and so is lucky."""
        return lr_result(self.tuned) if self.tuned else None

    def results(self) -> dict[float, LrResult]:
        """By lr: all runs of sweep and tune, for the spread between seeds. How far a lucky run lies off is no luck."""
        return full_results([*self.swept, *self.tuned])
