import numpy as np
import pytest

from stages.lib.swept_runs import Example, SweptRun, examples, longest, swept_runs
from stages.lib.verdict import Spread

SPREAD = Spread(0.05, 20)


def run(lr: float, final: float, steps: int = 1500, seed: int = 100, status: str = "learning") -> SweptRun:
    return SweptRun(lr, seed, steps, status, np.array([0, steps]), np.array([2.6, final]))


def chosen(found: list[Example]) -> list[tuple[str, float, bool]]:
    return [(example.verdict, example.lr, example.short) for example in found]


def test_runs_of_a_table() -> None:
    lines = ["0.1,7,150,0,2.5,stuck", "0.1,7,150,150,2.3,stuck", "1e-05,8,1500,0,2.5,learning"]
    lines += ["0.1,8,1500,0,2.5,diverged", "1e-05,7,150,0,2.75,learning", "1e-05,8,1500,100,2.0,learning"]
    names = ("lr", "seed", "steps", "step", "valid_loss", "status")
    runs = swept_runs(dict(zip(names, line.split(","), strict=True)) for line in lines)
    assert [(run.lr, run.steps, run.seed, run.status) for run in runs] == [
        (1e-5, 150, 7, "learning"),
        (1e-5, 1500, 8, "learning"),
        (0.1, 150, 7, "stuck"),
        (0.1, 1500, 8, "diverged"),
    ]
    assert [(run.at.tolist(), run.losses.tolist()) for run in runs[:2]] == [([0], [2.75]), ([0, 100], [2.5, 2.0])]


def test_longest_runs_of_each_rate() -> None:
    runs = [run(0.1, 1.0, 150), run(0.1, 0.5), run(0.1, 0.6, seed=101), run(0.01, 2.0, 150)]
    assert longest(runs) == {0.01: [runs[3]], 0.1: runs[1:3]}
    assert list(longest(runs)) == [0.01, 0.1]


FULL = [run(0.001, 1.0), run(0.003, 0.2), run(0.01, 0.1), run(0.03, 0.12), run(0.1, 0.3), run(0.3, 2.0)]
SHORT = [run(lr, 1.2, 150) for lr in (0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)]
SHORT += [run(0.00001, 2.55, 150), run(1.0, 9.0, 150, status="diverged")]


def test_full_length_rates_nearest_to_the_best() -> None:
    assert chosen(examples(FULL + SHORT, 0.01, SPREAD)) == [
        ("too_small", 0.003, False),
        ("reasonable", 0.01, False),
        ("too_large", 0.1, False),
    ]


def test_rates_within_noise_are_not_chosen() -> None:
    """With a wide spread 0.003 and 0.1 may be reasonable, and with a wider one all that did not diverge."""
    assert [lr for _, lr, _ in chosen(examples(FULL + SHORT, 0.01, Spread(2.0, 4)))] == [0.01, 1.0]
    assert [lr for _, lr, _ in chosen(examples(FULL + SHORT, 0.01, Spread(0.3, 20)))] == [0.001, 0.01, 0.3]


def test_short_runs_stand_in_where_there_is_no_full_one() -> None:
    some = [run for run in FULL if run.lr in {0.01, 0.03}]
    assert chosen(examples(some + SHORT, 0.01, SPREAD)) == [
        ("too_small", 0.00001, True),  # its short loss is beyond the tolerance, those between are not
        ("reasonable", 0.01, False),
        ("too_large", 1.0, True),
    ]


def test_all_seeds_of_a_rate_are_shown() -> None:
    second = run(0.1, 0.4, seed=101)
    [*_, large] = examples([*FULL, second], 0.01, SPREAD)
    assert large.runs == [FULL[4], second]


def test_stuck_and_diverged_rates_are_too_large() -> None:
    for status in ("stuck", "diverged"):
        found = examples([FULL[2], run(0.03, 2.3, status=status)], 0.01, SPREAD)
        assert chosen(found) == [("reasonable", 0.01, False), ("too_large", 0.03, False)]


@pytest.mark.parametrize("lrs", [[0.1], [0.001, 0.1], [0.001, 0.01, 0.1]])
def test_without_a_best_rate_the_ends_of_the_grid(lrs: list[float]) -> None:
    runs = [run(lr, 2.3, 150, status="diverged") for lr in lrs]
    assert chosen(examples(runs, None, Spread(float("inf"), 0))) == [
        ("undetermined", lr, False) for lr in sorted({lrs[0], lrs[-1]})
    ]
