import numpy as np
import pytest

from review.figures import differences_figure, figures, loss_figure
from review.outcome import NOISE, WORSE, Row
from review.revision import Runs
from stages.lib.judging.difference import Difference

CURVES = Runs(curves={0: [(0, 2.0), (20, 1.0)], 1: [(0, 2.0), (20, 0.5)]})
WORSE_ROW = Row("sgd", WORSE, "", Runs(), Runs(), Difference(-0.05, -0.08, -0.02, 0.04))
NOISE_ROW = Row("adam", NOISE, "unchanged", Runs(), Runs())


def test_interval_and_judgement_are_drawn_in_points() -> None:
    (axes,) = differences_figure([WORSE_ROW, NOISE_ROW]).axes
    bar, mark = axes.lines[:2]
    assert [round(float(x), 9) for x in np.asarray(bar.get_xdata())] == [-8, -2]
    assert (float(np.asarray(mark.get_xdata())[0]), mark.get_marker()) == (-5, "v")
    assert [text.get_text() for text in axes.get_yticklabels()] == ["adam", "sgd"]  # from below
    assert {text.get_text().strip() for text in axes.texts} == {WORSE, NOISE}


def test_curves_of_both_sides_lie_in_one_panel() -> None:
    sides = {"sgd": (CURVES, CURVES), "new": (Runs(), CURVES), "gone": (CURVES, Runs())}
    figure = loss_figure([Row(name, NOISE, "", *pair) for name, pair in sides.items()])
    shown = {axes.get_title(): [line.get_linestyle() for line in axes.lines[:-1]] for axes in figure.axes}
    assert shown == {"sgd": ["-", "--"], "new (only new)": ["-"], "gone (only old)": ["--"]}
    mean = figure.axes[0].lines[0]
    assert list(np.asarray(mean.get_ydata())) == [2.0, 0.75]


def curve(*losses: float) -> list[tuple[int, float]]:
    return [(20 * place, loss) for place, loss in enumerate(losses)]


def test_training_of_all_seeds_is_smoothed_as_far_as_the_shortest_goes() -> None:
    trained = Runs(curves={0: curve(9, 3, 6, 0), 1: curve(10, 4, 7), 2: []})
    mean = figures([Row("sgd", NOISE, "", Runs(), trained)])["loss"].axes[0].lines[0]
    assert list(np.asarray(mean.get_xdata())) == [0, 20, 40]
    assert list(np.asarray(mean.get_ydata())) == pytest.approx([9.5, 6.5, 6.5])  # the middle one over its neighbours


def test_nothing_to_draw_no_figure() -> None:
    assert figures([NOISE_ROW, Row("adam", NOISE, "", Runs(problem="stale"), Runs())]) == {}
    trained = Runs(curves={0: curve(2, 1), 1: []})  # the second one diverged at once
    assert list(figures([NOISE_ROW, WORSE_ROW, Row("new", "added", "", Runs(), trained)])) == ["differences", "loss"]
