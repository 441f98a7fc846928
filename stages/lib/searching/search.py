"""The sweep's rule: which learning rates to train at full length, after a short run at every rate of the grid."""

from collections.abc import Mapping, Sequence

from stages.lib.searching.lr_result import TOLERANCE, LrResult, best_lr, too_large_from

# Of the full length: enough to see what diverges and where to begin. Of 1,500 steps it makes 100, where full-length
# runs have a validation too.
SHORT = 1 / 15
# The search goes on outward until a loss is beyond the tolerance by this factor: nearer to it, the interval of a ratio
# from a few seeds, which differ by 6 to 15%, would hold the tolerance, and all rates beyond would stay undetermined.
NEAR = 1.35
AT_ONCE = 2  # rates in a round where the grid has them: the second costs no time on a second core


def next_lrs(short: Mapping[float, LrResult], full: Mapping[float, LrResult]) -> list[float]:
    """Rates to train at full length next, by the short pass over the grid and the full-length runs so far.

    Ask again with their results until nothing is left; `full` is empty at first. From the best rate outward, each side
    is done at the first rate that is definitely worse, at full length or, towards larger rates, by the short pass. That
    proves nothing of smaller ones, as it favours larger rates. If no full-length run learns round the start, that is
    all.
    """
    best = best_lr(full)
    if best is None:
        return _first(short, full)
    grid = sorted(lr for lr in short if lr < too_large_from(short, best))
    centre = grid.index(best)
    sides = [_remaining(grid[:centre][::-1], best, full), _remaining(grid[centre + 1 :], best, full)]
    nearest = [side[0] for side in sides if side]
    if len(nearest) == len(sides):
        return sorted(nearest)
    return sorted(lr for side in sides for lr in side)


def _first(short: Mapping[float, LrResult], full: Mapping[float, LrResult]) -> list[float]:
    """Where to begin: at the short pass's best rate and its neighbour, then below them as long as they diverge."""
    grid = sorted(short)
    if full:
        lowest = min(full)
        below = grid[: grid.index(lowest)]
        return below[-1:] if full[lowest].status == "diverged" else []
    start = best_lr(short)
    if start is None:  # all stuck: the short pass may have been too short to leave chance
        start = min(grid, key=lambda lr: short[lr].loss)
    centre = grid.index(start)
    around = grid[max(centre - 1, 0) : centre + 1]
    return [lr for lr in around if short[lr].status != "diverged"]


def _remaining(rates: Sequence[float], best: float, full: Mapping[float, LrResult]) -> list[float]:
    """The next rates of one side, in order away from the best; none once one is definitely worse.

    Where the last one is beyond the tolerance but not by NEAR, its neighbour likely ends the side: that alone.
    """
    at_once = AT_ONCE
    for place, lr in enumerate(rates):
        if lr not in full:
            return [later for later in rates[place:] if later not in full][:at_once]
        if full[lr].status != "learning" or full[lr].loss > TOLERANCE * NEAR * full[best].loss:
            return []
        at_once = 1 if full[lr].loss > TOLERANCE * full[best].loss else AT_ONCE
    return []
