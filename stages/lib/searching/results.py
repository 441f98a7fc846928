"""The runs of one optimizer, grouped by their lr."""

from collections.abc import Iterable, Sequence

from stages.lib.runs.run import Run
from stages.lib.searching.lr_result import LrResult, Status
from stages.lib.searching.status import final_loss, status


def lr_result(runs: Iterable[Run]) -> LrResult:
    """The result of at least one run."""
    judged = [(status(run), final_loss(run)) for run in runs]
    worst: Status = min((one for one, _ in judged), key=("diverged", "stuck", "learning").index)
    return LrResult(worst, tuple(loss for one, loss in judged if one != "diverged"))


def by_lr(runs: Iterable[Run]) -> dict[float, LrResult]:
    """The result of every lr, ascending, by runs that are all of one length."""
    grouped: dict[float, list[Run]] = {}
    for run in runs:
        grouped.setdefault(run.lr, []).append(run)
    return {lr: lr_result(grouped[lr]) for lr in sorted(grouped)}


def of_length(runs: Sequence[Run], steps: int) -> list[Run]:
    """The runs that were to have so many steps."""
    return [run for run in runs if run.steps == steps]


def full_results(runs: Sequence[Run]) -> dict[float, LrResult]:
    """The result of every lr with runs of full length, which is that of the longest."""
    return by_lr(of_length(runs, max(run.steps for run in runs)))


def short_results(runs: Sequence[Run]) -> dict[float, LrResult]:
    """The result of every lr of the grid by its short run."""
    return by_lr(of_length(runs, min(run.steps for run in runs)))
