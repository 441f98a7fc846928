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


def slower_results(runs: Sequence[Run], lrs: Iterable[float]) -> dict[float, LrResult]:
    """For every lr below all that were trained at full length: a loss that it does not beat, if those run learn.

    Far below the best lr, a third of the lr takes three times the steps to get as far; where an optimizer's steps
    shrink with time, as AdaGrad's, it takes more. So it comes where the smallest trained lr was by then.
    """
    full = of_length(runs, max(run.steps for run in runs))
    smallest = min(run.lr for run in full)
    known = [run for run in full if run.lr == smallest]
    if lr_result(known).status != "learning":
        return {}
    return {
        lr: LrResult("learning", tuple(_loss_at(lr / smallest, run) for run in known)) for lr in lrs if lr < smallest
    }


def _loss_at(share: float, run: Run) -> float:
    """The loss of the first validation after that share of the steps."""
    return next(score.loss for score in run.valid if score.step >= share * run.steps)


def short_results(runs: Sequence[Run]) -> dict[float, LrResult]:
    """The result of every lr of the grid by its short run."""
    return by_lr(of_length(runs, min(run.steps for run in runs)))
