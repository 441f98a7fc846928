import csv
import json
import struct
from pathlib import Path

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
import tutorial
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from short_runs import NETWORKS, TUTORIAL

from stages import survey as stage
from stages.lib.dataset.splits import Split
from stages.lib.drawing import surface_figure
from stages.lib.drawing.surface_figure import Surface, Trajectory, trajectories_figure
from stages.lib.runs.snapshots import Snapshots
from stages.lib.training.network import flat_weights, initial_network, set_flat_weights
from stages.lib.workers.pool import Pool
from stages.survey import survey

START = flat_weights(initial_network(TUTORIAL, 0))
TOWARDS = np.random.default_rng(0).normal(size=(2, len(START))) / 100


def moved(*coordinates: tuple[float, float]) -> Snapshots:
    """The start, and weights at coordinates of two directions, which are nearly orthogonal and 1.4 long."""
    weights = np.array([START, *(START + np.array(point) @ TOWARDS for point in coordinates)])
    return Snapshots(np.arange(len(weights)), weights.astype(np.float32))


def surveyed(folder: Path, dataset: Path, paths: dict[str, Snapshots], out: str = "out") -> list[dict[str, str]]:
    (folder / "snapshots").mkdir(parents=True, exist_ok=True)
    (folder / "names.json").write_text(json.dumps(sorted(paths)))
    for name, snapshots in paths.items():
        np.savez(folder / "snapshots" / f"{name}.npz", **vars(snapshots))
    table, figure = folder / out / "t.csv", folder / out / "t.png"
    survey(dataset, NETWORKS / "tutorial.py", folder / "names.json", folder / "snapshots", table=table, figure=figure)
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(autouse=True)
def _coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "COLUMNS_OF_GRID", 4)


def test_rows_by_the_tutorials_network(tmp_path: Path, dataset: Path, mnist: dict[str, Split]) -> None:
    """Every snapshot's real loss, by plain Paddle on the same images; distances in the plane are those in space."""
    paths = {"sgd": moved((1, 0), (2, 1)), "adam": moved((0, 3))}
    rows = surveyed(tmp_path, dataset, paths)
    assert [(row["optimizer"], row["step"]) for row in rows] == [
        *(("adam", step) for step in "01"),
        *(("sgd", step) for step in "012"),
    ]
    images, labels = (paddle.to_tensor(array[:500]) for array in (mnist["train"].images, mnist["train"].labels))
    weights = [*paths["adam"].weights, *paths["sgd"].weights]
    for row, flat in zip(rows, weights, strict=True):
        model = initial_network(TUTORIAL, 1)
        set_flat_weights(model, flat)
        network = tutorial.with_weights_of(model)
        loss = float(F.cross_entropy(network(images.reshape([-1, 1, 28, 28])), labels))
        assert float(row["loss"]) == pytest.approx(loss, rel=1e-4)
        distance = np.hypot(float(row["x"]), float(row["y"]))
        assert distance == pytest.approx(float(np.linalg.norm(flat.astype(float) - START)), rel=1e-3, abs=1e-6)


def test_bytes_repeat_however_many_cores(tmp_path: Path, few: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = {"sgd": moved((1, 0), (2, 1)), "adam": moved((0, 3))}
    surveyed(tmp_path, few, paths, "one")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0}, raising=False)
    surveyed(tmp_path, few, paths, "two")
    for name in ("t.csv", "t.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    head = (tmp_path / "one/t.png").read_bytes()[12:24]
    assert struct.unpack(">4sI", head[:8]) == (b"IHDR", 800)


@pytest.mark.parametrize(
    "paths",
    [
        {"sgd": moved((1, 0), (2, 1))},
        {"sgd": moved()},
        {"sgd": moved(), "adam": moved()},
        {"sgd": moved((1e10, 0)), "adam": moved((1e30, 1e20))},
        {"sgd": moved((1, 0)), "adam": moved((0, 1), (0, 1e36))},
    ],
    ids=["alone", "alone and diverged at once", "all diverged at once", "all exploded", "one exploded"],
)
def test_few_and_exploded_paths(tmp_path: Path, few: Path, paths: dict[str, Snapshots]) -> None:
    rows = surveyed(tmp_path, few, paths)
    assert len(rows) == sum(len(snapshots.steps) for snapshots in paths.values())
    assert all(np.isfinite([float(row[key]) for key in ("x", "y", "loss")]).all() for row in rows)
    assert (tmp_path / "out/t.png").stat().st_size > 1000


def test_paths_of_other_optimizers_stay_out(tmp_path: Path, few: Path) -> None:
    one = surveyed(tmp_path, few, {"sgd": moved((1, 0)), "gone": moved((0, 5))})
    two = surveyed(tmp_path, few, {"sgd": moved((1, 0))})
    assert {row["optimizer"] for row in one} == {"gone", "sgd"}
    assert {row["optimizer"] for row in two} == {"sgd"}


def test_grid_losses_are_those_of_the_plane(tmp_path: Path, few: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quadratic in place of the network: the figure gets x^2 + 3 y^2 + 1 at every point, whatever the directions."""
    seen: list[Surface] = []

    def quadratic(weights: np.ndarray) -> np.ndarray:
        return np.sum((weights - START.astype(float)) ** 2, axis=1) + 1

    def run_all(_self: Pool, work: object, items: list[np.ndarray]) -> list[object]:
        return [work(item) if callable(work) and not hasattr(work, "func") else quadratic(item) for item in items]

    def figure(_drawn: object, surface: Surface, _share: float) -> Figure:
        seen.append(surface)
        return Figure()

    monkeypatch.setattr(Pool, "run_all", run_all)
    monkeypatch.setattr(surface_figure, "trajectories_figure", figure)
    rows = surveyed(tmp_path, few, {"sgd": moved((1, 0), (2, 1)), "adam": moved((0, 3))})
    [surface] = seen
    assert (surface.images, surface.weights, surface.losses.shape) == (230, 20_350, (3, 4))
    np.testing.assert_allclose(surface.losses, np.sum(surface.points**2, axis=-1) + 1, rtol=1e-3)
    for row in rows:  # the real losses: all paths lie in the plane
        assert float(row["loss"]) == pytest.approx(float(row["x"]) ** 2 + float(row["y"]) ** 2 + 1, rel=1e-3)


def drawn() -> Figure:
    across, up = np.meshgrid(np.linspace(-2, 4, 9), np.linspace(-3, 1, 7))
    losses = 0.1 + across**2 + 3 * up**2
    surface = Surface(np.stack([across, up], axis=-1), losses, 1000, 20_350)
    line = np.array([[0, 0], [1, -1], [3, -2]], float)
    paths = [Trajectory("sgd", line, 0.5, 0.125, False), Trajectory("hot", line * 1e6, 0.25, 64.0, True)]
    return trajectories_figure(paths, surface, 0.713)


def test_figure_says_what_it_shows() -> None:
    figure = drawn()
    assert "71% of their variance" in figure.get_suptitle()
    axes = figure.axes[0]
    assert "20,350 dimensions: distances and valleys outside it are not shown" in axes.get_title()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "hot: 25%, 64; cut off, goes to 3.6e+06",
        "sgd: 50%, 0.12",
        "start of all",
    ]
    assert (axes.get_xlim(), axes.get_ylim()) == ((-2, 4), (-3, 1))  # the far path does not widen it
    path = next(line for line in axes.get_lines() if str(line.get_label()).startswith("sgd"))
    assert np.array(path.get_xydata()).tolist() == [[0, 0], [1, -1], [3, -2]]


@pytest.mark.parametrize("losses", [np.full((7, 9), 2.3), np.full((7, 9), 64.0), np.full((7, 9), 0.0)])
def test_flat_surfaces(tmp_path: Path, losses: np.ndarray) -> None:
    across, up = np.meshgrid(np.linspace(-2, 4, 9), np.linspace(-3, 1, 7))
    surface = Surface(np.stack([across, up], axis=-1), losses, 10, 5)
    trajectories_figure([Trajectory("sgd", np.zeros((1, 2)), 1.0, 2.3, False)], surface, 1.0).savefig(tmp_path / "f")


def test_contours_follow_the_surface_between_its_points() -> None:
    """Straight lines between the points would be off by up to 7%, and by 6% in one place of twenty."""
    across, up = np.meshgrid(np.linspace(-3, 6, 13), np.linspace(-4, 2, 9))
    surface = Surface(np.stack([across, up], axis=-1), np.exp(across / 2 + up**2 / 8), 10, 5)
    figure = trajectories_figure([Trajectory("sgd", np.zeros((1, 2)), 1.0, 2.3, False)], surface, 1.0)
    lines = figure.axes[0].collections[1]
    assert isinstance(lines, QuadContourSet)
    off = []
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        x, y = np.array(path.vertices).reshape(-1, 2).T
        off += np.abs(x / 2 + y**2 / 8 - np.log(level)).tolist()
    assert len(off) > 100
    assert np.quantile(off, 0.95) < 0.02
