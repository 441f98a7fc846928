"""survey: the optimizers' paths over the real loss surface, in the plane that shows most of them."""

import os
from functools import partial
from pathlib import Path

import numpy as np

from stages.lib.config.settings import load_names
from stages.lib.dataset.splits import load_split
from stages.lib.drawing import figures, surface
from stages.lib.drawing.surface_figure import Surface, Trajectory, trajectories_figure
from stages.lib.files.arrays import load_arrays
from stages.lib.files.tables import write_csv
from stages.lib.runs.snapshots import Snapshots
from stages.lib.training.scoring import FARTHEST, cross_entropies
from stages.lib.workers.command import command
from stages.lib.workers.pool import cores, workers

# The first of the train split. Their mean loss was within 2% of that of 12,000 above a loss of 1, and up to 22% higher
# at 0.07 to 0.3: a greyscale's step is 30 to 70%.
IMAGES = 1000
COLUMNS_OF_GRID = 19  # and 13 rows: 247 points and the snapshots of five optimizers
COLUMNS = ("optimizer", "step", "x", "y", "loss")


def survey(dataset: Path, names: Path, snapshots: Path, *, table: Path, figure: Path) -> None:
    """Write every snapshot's shadow on the plane and its real loss, and draw the paths over the plane's losses.

    A loss is the mean cross-entropy of the first IMAGES of the train split; one without a finite value is FARTHEST.
    """
    taken = {
        name: Snapshots(*load_arrays(snapshots / f"{name}.npz", ("steps", "weights"))) for name in load_names(names)
    }
    paths = {name: one.weights for name, one in taken.items()}
    far = surface.far(paths)
    with workers(cores(), dataset) as pool:
        # one thread there, and so the same sums however many cores there are
        [(plane, share)] = pool.run_all(surface.main_plane, [list(paths.values())])
        shadows = {name: plane.shadow(path) for name, path in paths.items()}
        grid = surface.view_of([shadows[name] for name in paths if name not in far]).grid(COLUMNS_OF_GRID)
        losses = pool.run_all(partial(_losses, pool.dataset), [*paths.values(), *map(plane.points, grid)])
    write_csv(table, COLUMNS, _rows(taken, shadows, losses[: len(paths)]))
    images = min(IMAGES, len(load_split(dataset, "train").labels))
    ground = Surface(np.array(grid), np.array(losses[len(paths) :]), images, len(plane.start))
    ends = {name: float(loss[-1]) for name, loss in zip(paths, losses, strict=False)}
    drawn = [Trajectory(name, shadows[name], plane.share(paths[name]), ends[name], name in far) for name in paths]
    figures.save(trajectories_figure(drawn, ground, share), figure)


def _losses(dataset: os.PathLike[str], weights: np.ndarray) -> np.ndarray:
    """The loss float64 [k] at each row of weights float32 [k, p]."""
    from stages.lib.training.engines import engine_of  # imports paddle: a second that only the workers need to spend
    from stages.lib.training.network import initial_network, set_flat_weights

    train = load_split(dataset, "train")
    images, labels = train.images[:IMAGES], train.labels[:IMAGES]
    model = initial_network(0)
    engine, losses = engine_of(model), np.empty(len(weights))
    for place, row in enumerate(weights):
        set_flat_weights(model, row)
        losses[place] = cross_entropies(engine.logits(images), labels).mean()
    return np.nan_to_num(losses, nan=FARTHEST, posinf=FARTHEST)


def _rows(
    taken: dict[str, Snapshots], shadows: dict[str, np.ndarray], losses: list[np.ndarray]
) -> list[tuple[str, int, float, float, float]]:
    return [
        (name, int(step), float(x), float(y), float(loss))
        for (name, one), of_path in zip(taken.items(), losses, strict=True)
        for step, (x, y), loss in zip(one.steps, shadows[name], of_path, strict=True)
    ]


if __name__ == "__main__":
    command(survey)
