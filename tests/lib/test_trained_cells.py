import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from stages.lib.course import Course
from stages.lib.curves import VALID_COLUMNS, Curve, Score, train_metrics, valid_rows
from stages.lib.records import write_csv, write_json
from stages.lib.sweeps import SweptRun
from stages.lib.trained_cells import pooled_spread, trained_cell
from stages.lib.verdict import Cell, Spread


def curve(losses: Mapping[int, float], diverged: bool = False) -> Curve:
    """A run of 1,500 steps with its validation losses by step."""
    scores = [Score(step, 100, loss, 0.25) for step, loss in losses.items()]
    return Curve(500, 1500, [1.0], scores, diverged)


GOOD = curve({0: 2.5, 1400: 0.125, 1500: 0.25})
BETTER = curve({0: 2.25, 1300: 0.75, 1500: 0.0625})
DIVERGED = curve({0: 2.5, 100: 0.5}, diverged=True)
DEAD = curve({0: 2.5, 1200: 2.303, 1300: 2.303, 1400: 2.302, 1500: 2.304})


def trained(folder: Path, curves: Mapping[int, Curve]) -> Cell:
    """As judge reads what train and tune write."""
    write_csv(folder / "valid.csv", VALID_COLUMNS, valid_rows("mine", curves))
    write_json(folder / "metrics.json", train_metrics(0.01, curves))
    return trained_cell(folder / "valid.csv", folder / "metrics.json")


@pytest.mark.parametrize(
    ("curves", "status", "ends"),
    [
        ({7: GOOD}, "learning", [0.1875]),
        ({7: GOOD, 1: BETTER}, "learning", [0.1875, 0.0625]),
        ({1: GOOD, 11: DIVERGED}, "diverged", [0.1875]),
        ({1: DIVERGED, 11: GOOD}, "diverged", [0.1875]),
        ({1: DIVERGED, 11: DIVERGED}, "diverged", []),
        ({7: GOOD, 1: DEAD}, "stuck", [0.1875, 2.303]),
        ({7: curve({0: 2.5, 1500: 6.0})}, "diverged", []),
    ],
)
def test_cell_of_the_runs_of_train(tmp_path: Path, curves: dict[int, Curve], status: str, ends: list[float]) -> None:
    """A run ends at the mean of its last tenth; the diverged seed 11 is not 1."""
    found = trained(tmp_path, curves)
    assert found.status == status
    assert found.losses == pytest.approx(tuple(ends))


def swept(lr: float, end: float, seed: int = 100, steps: int = 1500) -> SweptRun:
    return SweptRun(lr, seed, Course(steps, (0, steps), (2.5, end)))


def test_spread_of_the_tuned_cells_and_of_full_length_sweeps_with_more_seeds() -> None:
    """Log ratios of 2, 1 and 2: squares (2 + 0.5 + 2) with 3 degrees; single seeds and short runs add nothing."""
    tuned = [Cell("learning", (0.1, 0.1 * math.e**2)), Cell("learning", (0.2,)), Cell("diverged", (0.1,))]
    sweeps = [
        [
            swept(0.1, 0.1),
            swept(0.1, 0.1 * math.e, 101),
            swept(0.3, 0.1),
            swept(0.1, 0.9, 1, 100),
            swept(0.1, 0.1, 2, 100),
        ],
        [swept(0.01, 0.1), swept(0.01, 0.1 * math.e**2, 101)],
    ]
    spread = pooled_spread(tuned, sweeps)
    assert spread.sd == pytest.approx(np.sqrt(4.5 / 3))
    assert spread.dof == 3
    assert pooled_spread(iter(tuned), iter(sweeps)) == spread


def test_one_seed_everywhere_tells_no_spread() -> None:
    assert pooled_spread([Cell("learning", (0.1,))], [[swept(0.1, 0.1), swept(0.3, 0.2)]]) == Spread(math.inf, 0)
