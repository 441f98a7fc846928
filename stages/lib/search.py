"""The sweep's rule: which learning rates to train at full length, after a short run at every rate of the grid."""

from collections.abc import Mapping, Sequence

from stages.lib.verdict import TOLERANCE, Cell, best_lr

# Seeds at the best rate, which every verdict is relative to, and where a single lucky run would be chosen; and at
# rates whose loss is within a factor of NEAR of the tolerance, where one run does not decide.
SEEDS = 2
NEAR = 1.15


def next_lrs(short: Mapping[float, Cell], full: Mapping[float, Cell], seeds: int) -> list[float]:
    """Rates that need one more run at full length, by the short pass over the grid and the full-length runs so far.

    Ask again with their results until nothing is left. `seeds` is how many a rate can have; `full` is empty at first.
    From the best rate outward, each side is done at the first rate that is beyond the tolerance, at full length or,
    towards larger rates, because its short run diverged: the full-length run begins with the same steps. The short
    pass proves nothing else, as it favours larger rates. If no full-length run learns round the start, that is all.
    """
    best = best_lr(full)
    if best is None:
        return _first(short, full)
    grid = sorted(short)
    centre = grid.index(best)
    below, above = grid[:centre][::-1], grid[centre + 1 :]
    again = [best] if len(full[best].losses) < min(SEEDS, seeds) else []
    return _outward(below, best, short, full, seeds) + again + _outward(above, best, short, full, seeds)


def _first(short: Mapping[float, Cell], full: Mapping[float, Cell]) -> list[float]:
    """Where to begin: at the short pass's best rate and its neighbours, then below them as long as they diverge."""
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


def _outward(
    rates: Sequence[float], best: float, short: Mapping[float, Cell], full: Mapping[float, Cell], seeds: int
) -> list[float]:
    """The next run on one side, `rates` in order away from the best; nothing once a rate is beyond the tolerance."""
    for lr in rates:
        if lr not in full:
            return [lr] if lr < best or short[lr].status != "diverged" else []
        if full[lr].status != "learning":
            return []
        value = full[lr].loss / full[best].loss
        if TOLERANCE / NEAR < value < TOLERANCE * NEAR and len(full[lr].losses) < min(SEEDS, seeds):
            return [lr]
        if value > TOLERANCE:
            return []
    return []
