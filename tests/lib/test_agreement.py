import math
from typing import Any

import pytest

from stages.lib.agreement import agreement

SEEDS = ("0", "1")


def curve(**last: Any) -> list[dict[str, str]]:
    """Two runs of three validations; `last` changes the last one of seed 1."""
    rows = []
    for seed in SEEDS:
        rows.append(row(seed, 0, 2.66038, 0.0794, 10000))
        rows.append(row(seed, 100, 0.126069, 0.9635, 2000))
        rows.append(row(seed, 150, 0.06, 0.98, 10000))
    return [*rows[:-1], rows[-1] | {key: str(value) for key, value in last.items()}]


def row(seed: str, step: int, loss: float, accuracy: float, images: int) -> dict[str, str]:
    values = {"optimizer": "adam", "seed": seed, "step": step, "loss": loss, "accuracy": accuracy, "images": images}
    return {key: str(value) for key, value in values.items()}


STANDARD_ERROR = math.sqrt(0.98 * 0.02 / 10000 + 0.98 * 0.02 / 10000)  # of a difference of two binomial shares


@pytest.mark.parametrize(("errors", "within"), [(0, True), (2.9, True), (-2.9, True), (3.1, False), (-3.1, False)])
def test_the_ends_may_differ_by_sampling_error(errors: float, within: bool) -> None:
    accuracy = 0.98 + errors * STANDARD_ERROR
    found = agreement(curve(), curve(accuracy=accuracy))
    assert found.within is within
    points = f"{100 * abs(accuracy - 0.98):.2f} points of the final validation accuracy of seed "
    assert found.largest.startswith(points)
    assert found.largest.endswith(", allowed 0.59")


def test_the_way_may_differ() -> None:
    other = curve()
    other[1]["loss"], other[4]["accuracy"] = "0.5", "0.9"
    assert agreement(curve(), other).within


@pytest.mark.parametrize(("loss", "within"), [(2.66060, True), (2.66100, False)])
def test_the_starts_may_differ_by_rounding_only(loss: float, within: bool) -> None:
    other = curve()
    other[3]["loss"] = str(loss)
    assert agreement(curve(), other).within is within


@pytest.mark.parametrize(
    "other", [curve()[:-1], curve(seed="2"), curve(step="149"), curve(images="2000")], ids=["cut", "seed", "step", "n"]
)
def test_other_runs_are_different(other: list[dict[str, str]]) -> None:
    found = agreement(curve(), other)
    assert (found.within, found.largest) == (False, "the runs have other seeds or steps, or one has diverged")
