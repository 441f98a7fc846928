import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import paddle
import pytest
from matplotlib.figure import Figure

from stages.lib import figures
from stages.lib.records import Value

STEPS = np.array([0, 20, 40])
CURVES = {
    "adam": (STEPS, np.array([[2.5, 0.5, 0.25], [2.5, 0.75, 0.35]])),
    "sgd": (STEPS, np.array([[2.5, 2.0, 1.5], [2.5, 2.0, 1.0]])),
    "best": (STEPS[:2], np.array([[2.5, 0.1], [2.5, 0.1]])),
}
ROW: dict[str, Value] = {"accuracy": 0.97, "accuracy_min": 0.96, "accuracy_max": 0.98, "low": 0.966, "high": 0.973}
ROWS: list[dict[str, Value]] = [
    {**ROW, "optimizer": "sgd"},
    {**ROW, "optimizer": "adam", "accuracy": 0.99},
    {**dict.fromkeys(ROW), "optimizer": "hot"},
]


def loss_figure() -> Figure:
    return figures.loss_figure(CURVES, {"adam": "", "sgd": "1 4", "best": ""})


@pytest.mark.parametrize("draw", [loss_figure, lambda: figures.accuracy_figure(ROWS)], ids=["loss", "accuracy"])
def test_bytes_repeat(tmp_path: Path, draw: Callable[[], Figure]) -> None:
    for name in ("one.png", "two.png"):
        figures.save(draw(), tmp_path / name)
    content = (tmp_path / "one.png").read_bytes()
    assert content == (tmp_path / "two.png").read_bytes()
    assert struct.unpack(">4sII", content[12:24]) == (b"IHDR", 800, 500)
    assert b"tEXt" not in content  # where matplotlib writes its version


def test_legend_lists_the_lowest_final_loss_first_and_names_diverged_seeds() -> None:
    legend = loss_figure().axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["best", "adam", "sgd (diverged: seed 1 4)"]


def test_lines_are_means_over_seeds_on_a_log_scale() -> None:
    axes = loss_figure().axes[0]
    assert axes.get_yscale() == "log"
    line = next(line for line in axes.get_lines() if line.get_label() == "adam")
    np.testing.assert_allclose(np.array(line.get_xdata(), float), [0, 20, 40])
    np.testing.assert_allclose(np.array(line.get_ydata(), float), [2.5, 0.625, 0.3])


def test_band_reaches_over_all_seeds() -> None:
    axes = loss_figure().axes[0]
    order = [line.get_label() for line in axes.get_lines()]
    band = axes.collections[order.index("adam")].get_paths()[0].vertices
    last = np.array(band)[np.array(band)[:, 0] == 40]
    assert {round(float(value), 6) for value in last[:, 1]} == {0.25, 0.35}


def test_loss_figure_without_any_curve(tmp_path: Path) -> None:
    """Every optimizer diverged before its first loss."""
    figures.save(figures.loss_figure({}, {}), tmp_path / "loss.png")
    assert (tmp_path / "loss.png").stat().st_size > 1000


def test_accuracies_are_in_order_and_the_diverged_below() -> None:
    axes = figures.accuracy_figure(ROWS).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["hot", "sgd", "adam"]
    assert [(text.get_text(), text.xy[1]) for text in axes.texts] == [("diverged", 0)]  # type: ignore[attr-defined]
    lines = [(np.array(line.get_xdata(), float).tolist(), np.array(line.get_ydata())) for line in axes.get_lines()]
    spans = [x for x, y in lines if (y == 1).all()]
    assert spans == [[0.966, 0.973], [0.96, 0.98], [0.97]]


def test_every_optimizer_of_paddle_gets_a_look_of_its_own() -> None:
    names = [name for name in paddle.optimizer.__all__ if name not in {"Optimizer", "LBFGS"}]
    assert len(names) > 10
    assert len({str(figures.style(names, name)) for name in names}) == len(names)


def test_look_does_not_depend_on_the_order_of_the_names() -> None:
    assert figures.style(["sgd", "adam"], "adam") == figures.style(["adam", "sgd"], "adam")
