from pathlib import Path

import numpy as np
import pytest
from reviewed import put

from stages.lib.review.loss_curves import loss_curves


def table(path: Path, *rows: str) -> Path:
    put(path / "adam.csv", "\n".join(["optimizer,seed,step,epoch,loss,loss_std", *rows, ""]))
    return path / "adam.csv"


def test_mean_over_neighbours_fewer_at_the_ends(tmp_path: Path) -> None:
    losses = [9.0, 3.0, 6.0, 0.0, 12.0, 3.0, 3.0]
    rows = [f"adam,{seed},{20 * i},0.1,{loss + seed},0" for seed in (0, 1) for i, loss in enumerate(losses)]
    curves = loss_curves(table(tmp_path, *rows))
    assert curves is not None
    assert list(curves[0]) == [0, 20, 40, 60, 80, 100, 120]
    expected = [9.0, 6.0, 6.0, 4.8, 4.8, 6.0, 3.0]
    assert curves[1] == pytest.approx(np.array([expected, [value + 1 for value in expected]]))


def test_ends_where_the_first_seed_diverged(tmp_path: Path) -> None:
    curves = loss_curves(table(tmp_path, "adam,0,0,0,2,0", "adam,0,20,0,1,0", "adam,1,0,0,3,0"))
    assert curves is not None
    assert (list(curves[0]), curves[1].tolist()) == ([0], [[2.0], [3.0]])


@pytest.mark.parametrize("row", ["", "adam,0,x,0,1,0", "adam,0,0,0,nan,0", "adam,0,0"])
def test_what_is_no_curve_is_left_out(tmp_path: Path, row: str) -> None:
    assert loss_curves(table(tmp_path, row) if row else table(tmp_path)) is None
    assert loss_curves(tmp_path / "missing.csv") is None
