"""What a sweep says of every learning rate of its grid, also of those that were not trained at full length."""

import math
from collections.abc import Iterable, Mapping

from stages.lib.judging.verdict import Spread, Verdict, ratio, verdict
from stages.lib.searching.lr_result import LrResult, best_lr, too_large_from

Results = Mapping[float, LrResult]


def verdicts(
    lrs: Iterable[float], full: Results, short: Results, at_best: LrResult | None, spread: Spread, *, slower: Results
) -> dict[float, Verdict]:
    """The verdict on every lr of the grid `lrs` by its `full`-length and `short` runs, against those `at_best`.

    An lr that was not trained at full length is judged by its neighbours, as loss against lr is U-shaped: it is as bad
    as one between it and the best lr; or too small, if its result in `slower` is; or too large, if the short runs prove
    that.
    """
    best = best_lr(full)
    if best is None or at_best is None:
        return dict.fromkeys(lrs, "undetermined")
    known, below = (
        {lr: verdict(one.status, ratio(one, at_best, spread), lr, best) for lr, one in results.items()}
        for results in (full, slower)
    )
    smallest = max((lr for lr, one in (below | known).items() if one == "too_small"), default=0.0)
    largest = min((lr for lr, one in known.items() if one == "too_large"), default=math.inf)
    largest = min(largest, too_large_from(short, best))
    inferred: dict[float, Verdict] = {lr: "too_small" for lr in lrs if lr <= smallest}
    inferred |= {lr: "too_large" for lr in lrs if lr >= largest}
    return {lr: known.get(lr) or inferred.get(lr, "undetermined") for lr in lrs}


def reasonable_range(verdicts: Mapping[float, Verdict], best_lr: float) -> tuple[float, float]:
    """The first and the last of the neighbouring reasonable lrs around `best_lr`, which counts as one.

    The true edges lie between them and the next lr that was judged.
    """
    lrs = sorted(verdicts)
    first = last = lrs.index(best_lr)
    while first > 0 and verdicts[lrs[first - 1]] == "reasonable":
        first -= 1
    while last < len(lrs) - 1 and verdicts[lrs[last + 1]] == "reasonable":
        last += 1
    return lrs[first], lrs[last]


def example_lrs(
    verdicts: Mapping[float, Verdict], best_lr: float | None, full: Iterable[float]
) -> dict[float, Verdict]:
    """The nearest too small lr, the best one, and the nearest too large one, ascending, so far as they exist.

    Those with runs of `full` length come before others. Where no lr is best, the first and the last of the grid.
    """
    if best_lr is None:
        return dict.fromkeys((min(verdicts), max(verdicts)), "undetermined")
    whole, chosen = set(full), {best_lr: "reasonable"}  # the verdict on it, by definition
    for side in ("too_small", "too_large"):
        found = [lr for lr, one in verdicts.items() if one == side]
        nearest = sorted(found, key=lambda lr: (lr not in whole, abs(math.log(lr / best_lr))))
        chosen |= dict.fromkeys(nearest[:1], side)
    return dict(sorted(chosen.items()))  # type: ignore[arg-type]
