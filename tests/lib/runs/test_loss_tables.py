import numpy as np
import pytest
from recorded import ending, recorded

from stages.lib.runs.tables import LOSS_COLUMNS, VALID_COLUMNS, loss_rows, smoothed, valid_rows


def test_loss_rows() -> None:
    """A row per window, of all runs in their order; an epoch has 500 steps."""
    halved = recorded({0: 2.5, 40: 0.5}, train=[3.0, 1.0], lrs=(0.01, 0.005), seed=1)
    rows = list(loss_rows([halved, ending(0.1, train=[2.0], lr=0.3)]))
    assert rows == [
        ("sgd", 1, 0, 0.0, 0.01, 3.0, 0.5),
        ("sgd", 1, 20, 0.04, 0.005, 1.0, 0.5),
        ("sgd", 0, 0, 0.0, 0.3, 2.0, 0.5),
    ]
    assert len(rows[0]) == len(LOSS_COLUMNS)


def test_valid_rows() -> None:
    rows = list(valid_rows([recorded({0: 2.5, 750: 0.5}, accuracy=0.75, seed=4)]))
    assert rows == [("sgd", 4, 0, 0.0, 0.01, 200, 2.5, 0.1), ("sgd", 4, 750, 1.5, 0.01, 1000, 0.5, 0.75)]
    assert len(rows[0]) == len(VALID_COLUMNS)
    falling = recorded({0: 2.5, 20: 1.0, 41: 0.5}, train=[3.0, 2.0, 1.0], lrs=(0.01, 0.005, 0.001))
    assert [row[4] for row in valid_rows([falling])] == [0.01, 0.005, 0.001]


@pytest.mark.parametrize(
    ("losses", "means"),
    [
        ([8.0], [8.0]),
        ([8.0, 4.0], [8.0, 4.0]),
        ([8.0, 4.0, 0.0], [8.0, 4.0, 0.0]),
        ([9.0, 6.0, 0.0, 3.0], [9.0, 5.0, 3.0, 3.0]),
        ([10.0, 20.0, 0.0, 40.0, 5.0, 10.0, 0.0], [10.0, 10.0, 15.0, 15.0, 11.0, 5.0, 0.0]),
    ],
)
def test_smoothing_by_hand(losses: list[float], means: list[float]) -> None:
    steps, found = smoothed([ending(0.1, train=losses)])
    assert steps.tolist() == [20 * place for place in range(len(losses))]
    np.testing.assert_allclose(found, [means])


def test_smoothing_goes_as_far_as_the_shortest_run() -> None:
    steps, found = smoothed([ending(0.1, train=[1.0, 11.0, 21.0]), ending(0.1, train=[4.0, 14.0], seed=1)])
    assert steps.tolist() == [0, 20]
    np.testing.assert_allclose(found, [[1, 11], [4, 14]])
