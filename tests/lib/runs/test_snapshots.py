import numpy as np
import pytest

from stages.lib.runs.snapshots import MOST, snapshot_steps


@pytest.mark.parametrize("steps", [1, 2, 3, 24, 150, 1500, 100_000])
def test_schedule_goes_from_start_to_end_ever_more_widely(steps: int) -> None:
    wanted = sorted(snapshot_steps(steps))
    assert (wanted[0], wanted[-1]) == (0, steps)
    assert {0, 1} <= set(wanted)
    assert len(wanted) <= MOST
    gaps = np.diff(wanted)
    assert (gaps[1:] >= gaps[:-1] - 1).all()  # rounding to whole steps apart
    assert len(wanted) >= min(steps + 1, MOST) - 7
