import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.lib.drawing import figures
from stages.lib.drawing.lr_figures import TOP, Example, Range, curves_figure, sensitivity_figure


def run(lr: float, loss: float, runs: str = "full", status: str = "learning") -> dict[str, Any]:
    return {"optimizer": "sgd", "lr": lr, "runs": runs, "loss": loss, "status": status, "verdict": "too_small"}


SGD = [
    run(0.001, 2.0, "short"),
    run(0.01, 1.5, "short"),
    run(0.01, 0.4),
    run(0.03, 0.3, "configured"),
    run(0.1, 0.1),
    run(0.1, 0.4, "best"),
    run(0.3, 2.3, status="stuck"),
    run(1.0, 40.0, "short", "diverged"),
    run(2.0, 0.2, "short", "diverged"),
]
HOT = [run(0.1, 64.0, "short", "diverged"), run(0.03, 64.0, "configured", "diverged")]
ROWS = [*SGD, *({**row, "optimizer": "hot", "verdict": "undetermined"} for row in HOT)]
BANDS: dict[str, Range | None] = {"sgd": (0.01, 0.1), "hot": None}
EXAMPLES = [
    Example(0.001, "too_small", 150, [([0, 150], [2.5, 2.0], "learning")]),
    Example(0.1, "reasonable", None, [([0, 100, 1500], [2.5, 1.0, end], "learning") for end in (0.1, 0.4)]),
    Example(1.0, "too_large", 150, [([0, 100, 150], [2.5, 9.0, 40.0], "diverged")]),
]


def lines(axes: Axes) -> list[list[tuple[float, float]]]:
    return [[(float(x), float(y)) for x, y in np.array(line.get_xydata())] for line in axes.get_lines()]


def many(count: int) -> Figure:
    names = [f"name{place:02}" for place in range(count)]
    rows = [{**row, "optimizer": name} for name in names for row in SGD]
    return sensitivity_figure(rows, dict.fromkeys(names, (0.1, 0.1)), {})


@pytest.mark.parametrize("figure", ["sensitivity", "curves"])
def test_bytes_repeat(tmp_path: Path, figure: str) -> None:
    for name in ("one", "two"):
        drawn = (
            sensitivity_figure(ROWS, BANDS, {}) if figure == "sensitivity" else curves_figure("sgd", EXAMPLES, ([], []))
        )
        figures.save(drawn, tmp_path / name)
    content = (tmp_path / "one").read_bytes()
    assert content == (tmp_path / "two").read_bytes()
    assert struct.unpack(">4sI", content[12:20]) == (b"IHDR", 800)


def test_longest_run_of_each_rate_and_full_ones_joined() -> None:
    found = lines(sensitivity_figure(ROWS, BANDS, {}).axes[1])
    assert [point for line in found if len(line) == 1 for point in line] == [
        (0.001, 2.0),
        (0.01, 0.4),
        (0.03, 0.3),
        (0.1, 0.1),
        (0.1, 0.4),
        (0.3, 2.3),
        (1.0, TOP),
        (2.0, TOP),
    ]
    thick = pytest.approx(np.array([(0.01, 0.4), (0.03, 0.3), (0.1, 0.2), (0.3, 2.3)]))
    assert any(len(line) == 4 and np.array(line) == thick for line in found)  # 0.2 is the geometric mean


def test_band_reaches_over_the_seeds() -> None:
    band = np.array(sensitivity_figure(ROWS, BANDS, {}).axes[1].collections[0].get_paths()[0].vertices)
    assert {round(float(y), 6) for x, y in band if x == 0.1} == {0.1, 0.4}


def test_filled_markers_are_full_length_and_shapes_tell_the_status() -> None:
    axes = sensitivity_figure(ROWS, BANDS, {}).axes[1]
    points = [line for line in axes.get_lines() if len(np.array(line.get_xdata())) == 1]
    assert [line.get_markerfacecolor() == "white" for line in points] == [True, *[False] * 5, True, True]
    assert [line.get_marker() for line in points] == [*"ooooo", "s", "X", "X"]


def test_configured_rate_verdict_and_range() -> None:
    hot, sgd = sensitivity_figure(ROWS, BANDS, {}).axes
    assert (sgd.get_title(), hot.get_title()) == ("sgd\n0.03: too small", "hot\n0.03: undetermined")
    assert any(x == [0.03, 0.03] for x in ([point[0] for point in line] for line in lines(sgd)))
    [band] = sgd.patches
    assert band.get_extents().transformed(sgd.transData.inverted()).x0 == pytest.approx(0.01)
    assert band.get_extents().transformed(sgd.transData.inverted()).x1 == pytest.approx(0.1)
    assert not hot.patches


def test_panels_share_log_axes_that_hold_every_loss() -> None:
    for axes in sensitivity_figure(ROWS, BANDS, {}).axes:
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
    axes = curves_figure("sgd", EXAMPLES, ([], [])).axes[0]
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


def test_a_schedule_is_named_and_drawn_behind() -> None:
    hot, sgd = sensitivity_figure(ROWS, BANDS, {"sgd": "CosineAnnealingDecay"}).axes
    assert sgd.get_title() == "sgd\npeak of CosineAnnealingDecay\n0.03: too small"
    assert hot.get_title() == "hot\n0.03: undetermined"
    front, behind = curves_figure("sgd", EXAMPLES, ([0, 750, 1500], [1.0, 0.5, 0.0])).axes
    assert "share of its peak" in behind.get_ylabel()
    drawn = {(float(x), float(y)) for x, y in np.array(behind.collections[0].get_paths()[0].vertices)}
    assert {(750, 0.5), (0, 1)} <= drawn
    assert front.get_zorder() > behind.get_zorder()
