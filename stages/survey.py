"""survey: the optimizers' paths over the real loss surface, in the plane that shows most of them."""

from functools import partial
from pathlib import Path

import numpy as np

from stages.lib.config.settings import load_names
from stages.lib.dataset.splits import Split, load_split
from stages.lib.drawing import surface
from stages.lib.files.tables import write_csv
from stages.lib.training.scoring import FARTHEST, cross_entropies
from stages.lib.workers.command import command
from stages.lib.workers.pool import cores, workers

# The first of the train split. On 925 points of a plane their mean loss differed from that of 2,000 images by 3%
# (median), and by 23% at most; that of 1,000 by 2.5% and 18%. A greyscale's step is 30 to 70%.
IMAGES = 500
COLUMNS_OF_GRID = 13  # and 9 rows: the figure interpolates between them
COLUMNS = ("optimizer", "step", "x", "y", "loss")


def survey(dataset: Path, network: Path, names: Path, snapshots: Path, *, table: Path, figure: Path) -> None:
    """Write every snapshot's shadow on the plane and its real loss, and draw the paths over the plane's losses.

    A loss is the mean cross-entropy of the first IMAGES of the train split; one without a finite value is FARTHEST.
    """
    steps, paths = {}, {}
    for name in load_names(names):
        with np.load(snapshots / f"{name}.npz") as arrays:
            steps[name], paths[name] = arrays["steps"], arrays["weights"]
    far = surface.far(paths)
    train = load_split(dataset, "train")
    scored = Split(train.images[:IMAGES], train.labels[:IMAGES])  # sent to the workers: none of them reads the dataset
    with workers(cores(), None) as pool:
        # one thread there, and so the same sums however many cores there are
        [(plane, share)] = pool.run_all(surface.main_plane, [list(paths.values())])
        shadows = {name: plane.shadow(path) for name, path in paths.items()}
        grid = surface.grid_around([shadows[name] for name in paths if name not in far], COLUMNS_OF_GRID)
        found = pool.run_all(
            partial(_losses, network.read_bytes(), scored), [*paths.values(), *map(plane.points, grid)]
        )
    losses = dict(zip(paths, found, strict=False))
    rows = {name: np.column_stack([steps[name], shadows[name], losses[name]]).tolist() for name in paths}
    write_csv(table, COLUMNS, [(name, int(step), *values) for name in paths for step, *values in rows[name]])

    from stages.lib.drawing import figures, surface_figure  # matplotlib: the workers import this file too

    lines = [
        surface_figure.Trajectory(name, shadows[name], plane.share(path), losses[name][-1], name in far)
        for name, path in paths.items()
    ]
    ground = surface_figure.Surface(grid, np.array(found[len(paths) :]), len(scored.labels), len(plane.start))
    figures.save(surface_figure.trajectories_figure(lines, ground, share), figure)


def _losses(network: bytes, scored: Split, weights: np.ndarray) -> np.ndarray:
    """The loss float64 [k] at each row of weights float32 [k, p]."""
    from stages.lib.training.engines import engine_of  # imports paddle: a second that only the workers need to spend
    from stages.lib.training.network import initial_network, set_flat_weights

    model = initial_network(network, 0)
    engine, losses = engine_of(model), np.empty(len(weights))
    for place, row in enumerate(weights):
        set_flat_weights(model, row)
        losses[place] = cross_entropies(engine.logits(scored.images), scored.labels).mean()
    return np.nan_to_num(losses, nan=FARTHEST, posinf=FARTHEST)


if __name__ == "__main__":
    command(survey)
