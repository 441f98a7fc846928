import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import paddle
import pytest
from matplotlib.figure import Figure

from stages.lib.drawing import figures
from stages.lib.files.tables import Value

STEPS = np.array([0, 20, 40])
CURVES = {
    "adam": (STEPS, np.array([[2.5, 0.5, 0.25], [2.5, 0.75, 0.35]])),
    "sgd": (STEPS, np.array([[2.5, 2.0, 1.5], [2.5, 2.0, 1.0]])),
    "best": (STEPS[:2], np.array([[2.5, 0.1], [2.5, 0.1]])),
}


def loss_figure() -> Figure:
    return figures.loss_figure(CURVES, {"adam": "", "sgd": "1 4", "best": ""})


def placed(at: str, name: str, lr: float, accuracy: float, group: int) -> dict[str, Value]:
    interval = {"valid_low": accuracy - 0.01, "valid_high": accuracy + 0.01}
    values = {
        "valid_accuracy": accuracy,
        "accuracy": accuracy + 0.002,
        "group": group,
        "seeds_to_tell": 12 if group == 2 else "-",
    }
    return {"optimizer": name, "at": at, "lr": lr, **interval, **values}


RANKED = [
    placed("best lr", "adagrad", 1e-05, 0.95, 2),
    placed("configured lr", "adagrad", 0.01, 0.96, 2),
    placed("best lr", "adam", 0.001, 0.975, 1),
    placed("configured lr", "adam", 0.01, 0.97, 1),
    placed("best lr", "sgd", 0.3, 0.98, 1),
]
DIVERGED = [("configured lr", "sgd", 0.01)]


@pytest.mark.parametrize(
    ("draw", "height"),
    [
        (loss_figure, 500),
        (lambda: figures.ranking_figure(RANKED, DIVERGED), 600),
    ],
    ids=["loss", "ranking"],
)
def test_bytes_repeat(tmp_path: Path, draw: Callable[[], Figure], height: int) -> None:
    for name in ("one.png", "two.png"):
        figures.save(draw(), tmp_path / name)
    content = (tmp_path / "one.png").read_bytes()
    assert content == (tmp_path / "two.png").read_bytes()
    assert struct.unpack(">4sII", content[12:24]) == (b"IHDR", 800, height)
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


def test_ranking_at_both_rates_is_best_on_top() -> None:
    axes = figures.ranking_figure(RANKED, DIVERGED).axes
    labels = [[label.get_text() for label in one.get_yticklabels()][::-1] for one in axes]
    assert labels == [
        ["adam (lr 0.01)", "adagrad (lr 0.01)", "sgd (lr 0.01)"],
        ["sgd (lr 0.3)", "adam (lr 0.001)", "adagrad (lr 1e-05)"],
    ]
    assert [one.get_title() for one in axes] == ["At the configured lr", "Each at its own best lr"]


def test_ranking_shows_interval_accuracy_eval_and_tie_group_at_its_place() -> None:
    axes = figures.ranking_figure(RANKED, DIVERGED).axes[0]
    lines = [(np.array(line.get_xdata(), float), np.array(line.get_ydata(), float)) for line in axes.get_lines()]
    for place, accuracy in ((2, 0.97), (1, 0.96)):
        spans = [x.tolist() for x, y in lines if (y == place).all()]
        assert spans == [
            pytest.approx(span) for span in ([accuracy - 0.01, accuracy + 0.01], [accuracy], [accuracy + 0.002])
        ]
    assert not [x for x, y in lines if (y == 0).any()], "diverged: no number"
    texts = {(text.get_text().strip(), text.xy[1]) for text in axes.texts}  # type: ignore[attr-defined]
    assert texts == {("group 1", 2), ("group 2 (about 12 seeds would tell)", 1), ("diverged", 0)}


def test_ranking_in_which_all_diverged(tmp_path: Path) -> None:
    figures.save(figures.ranking_figure([], [(at, "sgd", 1e9) for at in figures.RATES]), tmp_path / "ranking.png")
    assert (tmp_path / "ranking.png").stat().st_size > 1000


def test_every_optimizer_of_paddle_gets_a_look_of_its_own() -> None:
    names = [name for name in paddle.optimizer.__all__ if name not in {"Optimizer", "LBFGS"}]
    assert len(names) > 10
    assert len({str(figures.style(names, name)) for name in names}) == len(names)


def test_look_does_not_depend_on_the_order_of_the_names() -> None:
    assert figures.style(["sgd", "adam"], "adam") == figures.style(["adam", "sgd"], "adam")
