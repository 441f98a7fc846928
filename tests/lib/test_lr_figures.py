import struct
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.lib import figures
from stages.lib.course import Course
from stages.lib.grid_verdicts import Example
from stages.lib.lr_figures import TOP, Panel, curves_figure, sensitivity_figure
from stages.lib.sweeps import SweptRun


def run(lr: float, final: float, steps: int = 1500, seed: int = 100, diverged: bool = False) -> SweptRun:
    return SweptRun(lr, seed, Course(steps, (0, 100, steps), (2.5, 1.0, final), diverged))


SGD = [
    run(0.001, 2.0, 150),
    run(0.01, 1.5, 150),
    run(0.01, 0.4),
    run(0.1, 0.1),
    run(0.1, 0.4, seed=101),
    run(0.3, 2.3),
    run(1.0, 40.0, 150, diverged=True),
]
PANELS = [
    Panel("sgd", SGD, 0.03, "too_small", (0.01, 0.1)),
    Panel("hot", [run(0.1, 64.0, 150, diverged=True)], 0.03, "undetermined", None),
]
EXAMPLES = [
    Example("too_small", 0.001, [SGD[0]], True),
    Example("reasonable", 0.1, SGD[3:5], False),
    Example("too_large", 1.0, [SGD[6]], True),
]


def lines(axes: Axes) -> list[list[tuple[float, float]]]:
    return [[(float(x), float(y)) for x, y in np.array(line.get_xydata())] for line in axes.get_lines()]


def many(count: int) -> Figure:
    return sensitivity_figure([Panel(f"name{place:02}", SGD, 0.03, "reasonable", (0.1, 0.1)) for place in range(count)])


@pytest.mark.parametrize("figure", ["sensitivity", "curves"])
def test_bytes_repeat(tmp_path: Path, figure: str) -> None:
    for name in ("one", "two"):
        drawn = sensitivity_figure(PANELS) if figure == "sensitivity" else curves_figure("sgd", EXAMPLES)
        figures.save(drawn, tmp_path / name)
    content = (tmp_path / "one").read_bytes()
    assert content == (tmp_path / "two").read_bytes()
    assert struct.unpack(">4sI", content[12:20]) == (b"IHDR", 800)


def test_longest_run_of_each_rate_and_full_ones_joined() -> None:
    found = lines(sensitivity_figure(PANELS).axes[0])
    assert [point for line in found if len(line) == 1 for point in line] == [
        (0.001, 2.0),
        (0.01, 0.4),
        (0.1, 0.1),
        (0.1, 0.4),
        (0.3, 2.3),
        (1.0, TOP),
    ]
    thick = pytest.approx(np.array([(0.01, 0.4), (0.1, 0.2), (0.3, 2.3)]))
    assert any(len(line) == 3 and np.array(line) == thick for line in found)  # 0.2 is the geometric mean


def test_band_reaches_over_the_seeds() -> None:
    band = np.array(sensitivity_figure(PANELS).axes[0].collections[0].get_paths()[0].vertices)
    assert {round(float(y), 6) for x, y in band if x == 0.1} == {0.1, 0.4}


def test_filled_markers_are_full_length_and_shapes_tell_the_status() -> None:
    axes = sensitivity_figure(PANELS).axes[0]
    points = [line for line in axes.get_lines() if len(np.array(line.get_xdata())) == 1]
    assert [line.get_markerfacecolor() == "white" for line in points] == [True, False, False, False, False, True]
    assert [line.get_marker() for line in points] == ["o", "o", "o", "o", "s", "X"]


def test_configured_rate_verdict_and_range() -> None:
    sgd, hot = sensitivity_figure(PANELS).axes
    assert (sgd.get_title(), hot.get_title()) == ("sgd\n0.03: too small", "hot\n0.03: undetermined")
    assert any(x == [0.03, 0.03] for x in ([point[0] for point in line] for line in lines(sgd)))
    [band] = sgd.patches
    assert band.get_extents().transformed(sgd.transData.inverted()).x0 == pytest.approx(0.01)
    assert band.get_extents().transformed(sgd.transData.inverted()).x1 == pytest.approx(0.1)
    assert not hot.patches


def test_panels_share_log_axes_that_hold_every_loss() -> None:
    for axes in sensitivity_figure(PANELS).axes:
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        low, high = axes.get_ylim()
        assert low < 0.1 < TOP < high


@pytest.mark.parametrize("count", [1, 3, 4, 6, 7, 13])
def test_a_panel_for_every_optimizer(tmp_path: Path, count: int) -> None:
    figure = many(count)
    figures.save(figure, tmp_path / "figure.png")
    assert sum(axes.get_visible() for axes in figure.axes) == count
    assert struct.unpack(">I", (tmp_path / "figure.png").read_bytes()[16:20]) == (800,)


def test_example_curves_and_their_labels() -> None:
    axes = curves_figure("sgd", EXAMPLES).axes[0]
    assert axes.get_yscale() == "log"
    assert axes.get_title().startswith("sgd: ")
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "lr 0.001: too small (short runs of 150 steps)",
        "lr 0.1: reasonable",
        "lr 1: too large, diverged (short runs of 150 steps)",
    ]
    found = lines(axes)
    assert [(0, 2.5), (100, 1.0), (1500, 0.1)] in found
    assert [(0, 2.5), (100, 1.0), (1500, 0.4)] in found
    assert [(150, TOP)] in found  # where it diverged
    looks = {
        (str(line.get_color()), str(line.get_linestyle())) for line in axes.get_lines() if line.get_marker() == "o"
    }
    assert len(looks) == 3
