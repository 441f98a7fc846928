import math

import numpy as np
import pytest

from review.figures import differences_figure, figures, loss_figure
from review.judgement import NOISE, UNKNOWN, WORSE, Row
from review.revision import Runs
from stages.lib.judging.difference import Difference

WORSE_ROW = Row("sgd", WORSE, "", 0.95, 0.9, 3, 3, Difference(-0.05, -0.08, -0.02, 0.04, 6))
NOISE_ROW = Row("adam", NOISE, "unchanged", 0.95, 0.95, 3, 3, None)
BLIND_ROW = Row("adam", UNKNOWN, "one seed", 0.95, 0.9, 1, 1, Difference(-0.05, -math.inf, math.inf, math.inf, 0))
CURVES = (np.array([0, 20]), np.array([[2.0, 1.0], [2.0, 0.5]]))


def test_interval_and_judgement_are_drawn_in_points() -> None:
    (axes,) = differences_figure([WORSE_ROW, NOISE_ROW]).axes
    bar, mark = axes.lines[:2]
    assert [round(float(x), 9) for x in np.asarray(bar.get_xdata())] == [-8, -2]
    assert (float(np.asarray(mark.get_xdata())[0]), mark.get_marker()) == (-5, "v")
    assert [text.get_text() for text in axes.get_yticklabels()] == ["adam", "sgd"]  # from below
    assert {text.get_text().strip() for text in axes.texts} == {WORSE, NOISE}


def test_curves_of_both_sides_lie_in_one_panel() -> None:
    figure = loss_figure({"sgd": CURVES, "gone": CURVES}, {"sgd": CURVES, "new": CURVES})
    shown = {axes.get_title(): [line.get_linestyle() for line in axes.lines[:-1]] for axes in figure.axes}
    assert shown == {"sgd": ["-", "--"], "new (only new)": ["-"], "gone (only old)": ["--"]}
    mean = figure.axes[0].lines[0]
    assert list(np.asarray(mean.get_ydata())) == [2.0, 0.75]


def lines(seed: int, *losses: float) -> list[dict[str, str]]:
    return [{"seed": f"{seed}", "step": f"{20 * i}", "loss": f"{loss}"} for i, loss in enumerate(losses)]


def test_training_of_all_seeds_is_smoothed_as_far_as_the_shortest_goes() -> None:
    trained = Runs(losses={0: ([], lines(0, 9, 3, 6, 0)), 1: ([], lines(1, 10, 4, 7)), 2: ([], [])})
    mean = figures([], {}, {"sgd": trained})["loss"].axes[0].lines[0]
    assert list(np.asarray(mean.get_xdata())) == [0, 20, 40]
    assert list(np.asarray(mean.get_ydata())) == pytest.approx([9.5, 6.5, 6.5])  # the middle one over its neighbours


def test_nothing_to_draw_no_figure() -> None:
    assert figures([NOISE_ROW, BLIND_ROW], {"adam": Runs(problem="stale")}, {}) == {}
    trained = Runs(losses={0: ([], lines(0, 2, 1)), 1: ([], [])})  # the second one diverged at once
    assert list(figures([NOISE_ROW, WORSE_ROW], {}, {"sgd": trained})) == ["differences", "loss"]
