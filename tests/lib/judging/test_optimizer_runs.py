import math

import pytest
from recorded import DEAD, GONE, ending

from stages.lib.judging.optimizer_runs import OptimizerRuns
from stages.lib.judging.verdict import pooled_spread
from stages.lib.runs.run import Run
from stages.lib.searching.lr_result import LrResult

GRID = (0.1, 0.3)


def runs(full: dict[float, float], tuned: list[float], lr: float = 0.1) -> OptimizerRuns:
    """Seed 100 of the sweep ends at `full` by lr, the seeds of tune at `tuned`."""
    best = min(full, key=lambda lr: full[lr])
    swept = [ending(last, lr=lr, seed=100) for lr, last in full.items()]
    short = [ending(0.001, lr=lr, seed=100, steps=100) for lr in full]
    return OptimizerRuns(GRID, [ending(0.5, lr=lr)], short + swept, seeds(tuned, best))


def seeds(lasts: list[float], lr: float) -> list[Run]:
    return [ending(last, lr=lr, seed=seed) for seed, last in enumerate(lasts)]


@pytest.mark.parametrize(
    ("tuned", "status", "losses"),
    [
        ([0.4, 0.5], "learning", (0.4, 0.5)),
        ([0.4, GONE], "diverged", (0.4,)),
        ([DEAD, 0.4], "stuck", (2.303, 0.4)),
    ],
)
def test_best_lr_has_the_runs_of_tune_and_not_the_one_that_chose_it(
    tuned: list[float], status: str, losses: tuple[float, ...]
) -> None:
    one = runs({0.1: 0.3, 0.3: 0.2}, tuned)
    assert (one.best_lr, one.at_best) == (0.3, LrResult(status, losses))  # type: ignore[arg-type]
    assert one.results() == {0.1: LrResult("learning", (0.3,)), 0.3: LrResult(status, (0.2, *losses))}  # type: ignore[arg-type]


def test_where_nothing_learns_no_lr_is_best() -> None:
    one = runs({0.1: GONE, 0.3: DEAD}, [])
    assert (one.best_lr, one.at_best) == (None, None)
    assert {lr: result.status for lr, result in one.results().items()} == {0.1: "diverged", 0.3: "stuck"}


@pytest.mark.parametrize("lr", [0.1, 0.3])
def test_spread_counts_each_run_once_wherever_the_configured_lr_is(lr: float) -> None:
    """Logs at the best 0.3 of 0, 2 and 1 above ln 1e-3: squares of 2 over 2 degrees; the others have one seed."""
    one = runs({0.1: 0.3, 0.3: 1e-3}, [1e-3 * math.e**2, 1e-3 * math.e], lr)
    spread = pooled_spread(one.results().values())
    assert spread.sd == pytest.approx(1, rel=1e-5)
    assert spread.dof == 2


def test_the_full_length_is_that_of_the_configured_runs() -> None:
    """Where every short run diverged, the sweep has no longer one."""
    one = OptimizerRuns(GRID, [ending(0.5)], [ending(GONE, lr=lr, steps=100) for lr in GRID], [])
    assert (one.lr, one.steps) == (0.01, 1500)
