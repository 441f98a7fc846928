"""The judgement of one optimizer: its verdict, and where it stands among the others, with the evidence of both."""

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import fmean

from stages.lib.judging.grid_verdicts import reasonable_range, verdicts
from stages.lib.judging.optimizer_runs import OptimizerRuns
from stages.lib.judging.ranking import Ranked, rank
from stages.lib.judging.reason import CHINESE, ENGLISH, Grounds, reason
from stages.lib.judging.verdict import Spread, Verdict, pooled_spread, ratio, verdict
from stages.lib.runs.evaluation import At, Evaluation
from stages.lib.runs.run import Record, Run, mean_steps_to, wrong_images
from stages.lib.searching.results import full_results, lr_result, short_results, slower_results
from stages.lib.searching.status import status

Z95 = 1.959964  # standard normal quantile of 97.5%


class Standing(Record):
    """One optimizer at one lr, over all seeds: accuracies on the eval and the validation split, each with an interval.

    The fields from `valid_accuracy` to `seeds_to_tell` are those of `Ranked`; `steps_to_target` is None for a miss.
    """

    lr: float
    accuracy: float
    accuracy_min: float
    accuracy_max: float
    low: float
    high: float
    valid_accuracy: float
    valid_low: float
    valid_high: float
    group: int
    behind: float
    seeds_to_tell: int | None
    steps_to_target: float | None


class Judgement(Record):
    """`standings` lack the lr at which a seed diverged, and 'best lr' where no lr of the grid learns."""

    optimizer: str
    lr: float
    verdict: Verdict
    reason: str
    reason_zh: str
    ratio: float | None
    best_lr: float | None
    reasonable_range: tuple[float, float] | None
    verdicts: tuple[tuple[float, Verdict], ...]  # of every lr of the grid
    standings: dict[At, Standing]


def judge_all(
    runs: Mapping[str, OptimizerRuns], evaluations: Sequence[Evaluation], target_accuracy: float
) -> list[Judgement]:
    """The judgements on the optimizers by their names, in their order; steps count to the target on the valid split.

    What seeds do to a final loss is pooled over the best lrs of all optimizers, as each has few seeds, and over all
    other lrs of the sweeps that have two. It does not depend on the configured lr.
    """
    spread = pooled_spread(result for one in runs.values() for result in one.results().values())
    at: dict[At, dict[str, Sequence[Run]]] = {
        "configured lr": {name: one.trained for name, one in runs.items()},
        "best lr": {name: one.tuned for name, one in runs.items()},
    }
    standings = {place: _standings(place, ran, evaluations, target_accuracy) for place, ran in at.items()}
    return [
        _judgement(name, one, spread, {place: found[name] for place, found in standings.items() if name in found})
        for name, one in runs.items()
    ]


def _judgement(name: str, runs: OptimizerRuns, spread: Spread, standings: dict[At, Standing]) -> Judgement:
    best, at_best, here = runs.best_lr, runs.at_best, lr_result(runs.trained)
    compared = ratio(here, at_best, spread) if at_best else None
    found = verdict(here.status, compared, runs.lr, best)
    full, short, slower = full_results(runs.swept), short_results(runs.swept), slower_results(runs.swept, runs.lrs)
    grid = verdicts(runs.lrs, full, short, at_best, spread, slower=slower)
    edge = best in {runs.lrs[0], runs.lrs[-1]}
    grounds = Grounds(name, runs.lr, runs.steps, here, compared, found, best, edge, runs.schedule)
    return Judgement(
        optimizer=name,
        lr=runs.lr,
        verdict=found,
        reason=reason(grounds, ENGLISH),
        reason_zh=reason(grounds, CHINESE),
        ratio=compared.value if compared else None,
        best_lr=best,
        reasonable_range=reasonable_range(grid, best) if best else None,
        verdicts=tuple(grid.items()),
        standings=standings,
    )


def _standings(
    at: At, runs: Mapping[str, Sequence[Run]], evaluations: Sequence[Evaluation], target: float
) -> dict[str, Standing]:
    """Of the optimizers of which every seed has ended; the order and the ties come from the validation split."""
    ended = {name: ran for name, ran in runs.items() if ran and all(status(run) != "diverged" for run in ran)}
    ranked = rank({name: wrong_images(ran) for name, ran in ended.items()})
    on_eval = {name: [one for one in evaluations if (one.optimizer, one.at) == (name, at)] for name in ended}
    return {name: _standing(one, ended[name], on_eval[name], target) for name, one in ranked.items()}


def _standing(ranked: Ranked, runs: Sequence[Run], evaluations: Sequence[Evaluation], target: float) -> Standing:
    accuracies = [one.accuracy for one in evaluations]
    low, high = wilson(fmean(accuracies), evaluations[0].images)
    return Standing(
        lr=runs[0].lr,
        accuracy=fmean(accuracies),
        accuracy_min=min(accuracies),
        accuracy_max=max(accuracies),
        low=low,
        high=high,
        steps_to_target=mean_steps_to(target, runs),
        **vars(ranked),
    )


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95% interval of a share that was seen in `count` draws (Wilson 1927; Brown, Cai, DasGupta 2001, eq. 4)."""
    centre = share + Z95**2 / (2 * count)
    half = Z95 * sqrt(share * (1 - share) / count + Z95**2 / (4 * count**2))
    scale = 1 + Z95**2 / count
    return (centre - half) / scale, (centre + half) / scale
