"""compare: all optimizers side by side, as long tables for dvc and as figures."""

from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path

import numpy as np

from stages.lib import figures
from stages.lib.command import command
from stages.lib.curves import LOSS_COLUMNS, VALID_COLUMNS
from stages.lib.records import Value, read_csv, read_json, write_csv
from stages.lib.settings import load_names

SMOOTHED_WINDOWS = 5  # of 20 steps each
Z95 = 1.959964  # standard normal quantile of 97.5%
EVALUATED = {"accuracy", "accuracy_min", "accuracy_max", "images"}
ACCURACY_COLUMNS = ("optimizer", "accuracy", "accuracy_min", "accuracy_max", "low", "high")


def compare(
    names: Path,
    train_loss: Path,
    valid: Path,
    train_metrics: Path,
    eval_metrics: Path,
    *,
    loss_csv: Path,
    valid_csv: Path,
    accuracy_csv: Path,
    loss_png: Path,
    accuracy_png: Path,
) -> None:
    """Join the results of the optimizers in `names`, in alphabetical order; those of others stay out."""
    present = load_names(names)
    losses = {name: read_csv(train_loss / f"{name}.csv", LOSS_COLUMNS) for name in present}
    scores = {name: read_csv(valid / f"{name}.csv", VALID_COLUMNS) for name in present}
    trained = {name: read_json(train_metrics / f"{name}.json", {"diverged_seeds"}) for name in present}
    accuracies = [accuracy_row(name, read_json(eval_metrics / f"{name}.json", EVALUATED)) for name in present]
    _write_long(loss_csv, LOSS_COLUMNS, losses)
    _write_long(valid_csv, VALID_COLUMNS, scores)
    known = [row for row in accuracies if row["accuracy"] is not None]
    write_csv(accuracy_csv, ACCURACY_COLUMNS, [[row[key] for key in ACCURACY_COLUMNS] for row in known])
    curves = {name: smoothed(rows) for name, rows in losses.items() if rows}
    diverged = {name: str(record["diverged_seeds"]) for name, record in trained.items()}
    figures.save(figures.loss_figure(curves, diverged), loss_png)
    figures.save(figures.accuracy_figure(accuracies), accuracy_png)


def _write_long(path: Path, columns: Sequence[str], tables: Mapping[str, list[dict[str, str]]]) -> None:
    write_csv(path, columns, [[row[key] for key in columns] for rows in tables.values() for row in rows])


def smoothed(rows: Sequence[Mapping[str, str]]) -> tuple[np.ndarray, np.ndarray]:
    """Steps int64 [k] and, per seed, the mean loss float64 [seeds, k] of up to SMOOTHED_WINDOWS windows around.

    Near the ends the mean is over fewer windows, as many on each side. Where a seed diverged, k is how far the
    shortest curve goes.
    """
    by_seed: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        by_seed.setdefault(row["seed"], []).append((int(row["step"]), float(row["loss"])))
    shortest = min(len(points) for points in by_seed.values())
    steps = np.array([step for step, _ in next(iter(by_seed.values()))[:shortest]])
    losses = np.array([[loss for _, loss in points[:shortest]] for points in by_seed.values()])
    reach = [min(place, shortest - 1 - place, SMOOTHED_WINDOWS // 2) for place in range(shortest)]
    means = [losses[:, place - r : place + r + 1].mean(axis=1) for place, r in enumerate(reach)]
    return steps, np.array(means).T


def accuracy_row(name: str, metrics: Mapping[str, Value]) -> dict[str, Value]:
    """ACCURACY_COLUMNS of one optimizer; all but its name are None where a seed diverged."""
    mean = metrics["accuracy"]
    row = {key: metrics.get(key) for key in ACCURACY_COLUMNS} | {"optimizer": name}
    if isinstance(mean, float) and isinstance(metrics["images"], int):
        row["low"], row["high"] = wilson(mean, metrics["images"])
    return row


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95% interval of a share that was seen in `count` draws (Wilson 1927; Brown, Cai, DasGupta 2001, eq. 4)."""
    centre = share + Z95**2 / (2 * count)
    half = Z95 * sqrt(share * (1 - share) / count + Z95**2 / (4 * count**2))
    scale = 1 + Z95**2 / count
    return (centre - half) / scale, (centre + half) / scale


if __name__ == "__main__":
    command(compare)
