"""evaluate: the trained weights on the eval split, which no other stage reads."""

import os
from functools import partial
from pathlib import Path
from statistics import fmean

import numpy as np

from stages.lib.command import command
from stages.lib.dataset import CLASSES, load_split
from stages.lib.errors import InputError
from stages.lib.pool import workers
from stages.lib.records import Value, write_csv, write_json
from stages.lib.scoring import cross_entropies
from stages.lib.settings import TrainSettings, load_settings
from stages.lib.weights import read_weights

CONFUSION_COLUMNS = ("optimizer", "actual", "predicted", "count")


def evaluate(dataset: Path, settings: Path, weights: Path, *, metrics: Path, confusion: Path) -> None:
    """Write the metrics, and the counts of (actual, predicted) digits summed over the seeds.

    A seed without weights diverged: then the metrics that average over seeds are null, and the counts are those of
    the other seeds.
    """
    resolved = load_settings(settings, TrainSettings)
    labels = load_split(dataset, "eval").labels
    files = [weights / f"{seed}.pdparams" for seed in resolved.seeds]
    with workers(len(files), dataset) as pool:
        saved = [(str(file), read_weights(file)) for file in files if file.exists()]
        scored = pool.run_all(partial(_evaluate_one, pool.dataset), saved)
    predicted = [digits for digits, _ in scored]
    losses = [loss for _, loss in scored]
    if not np.isfinite(losses).all():
        raise InputError(f"{weights}: the loss on the eval split is not finite; run 'dvc repro' to train anew")
    write_json(metrics, _metrics(predicted, losses, labels, len(files)))
    rows = [(resolved.optimizer, *row) for row in _counts(predicted, labels)]
    write_csv(confusion, CONFUSION_COLUMNS, rows)


def _evaluate_one(dataset: os.PathLike[str], saved: tuple[str, bytes]) -> tuple[np.ndarray, float]:
    """The predicted digits int64 [n] and the mean cross-entropy, by the name and bytes of a weights file."""
    from stages.lib.engines import fastest  # imports paddle: a second that only the workers need to spend
    from stages.lib.model import model_of

    name, content = saved
    split = load_split(dataset, "eval")
    outputs = fastest(model_of(content, Path(name))).logits(split.images)
    return outputs.argmax(axis=1), float(cross_entropies(outputs, split.labels).mean())


def _metrics(predicted: list[np.ndarray], losses: list[float], labels: np.ndarray, seeds: int) -> dict[str, Value]:
    errors = [int((digits != labels).sum()) for digits in predicted]
    accuracies = [1 - count / len(labels) for count in errors]
    whole = len(predicted) == seeds
    return {
        "accuracy": fmean(accuracies) if whole else None,
        "accuracy_min": min(accuracies) if whole else None,
        "accuracy_max": max(accuracies) if whole else None,
        "loss": fmean(losses) if whole else None,
        "errors": fmean(errors) if whole else None,
        "images": len(labels),
        "seeds": seeds,
    }


def _counts(predicted: list[np.ndarray], labels: np.ndarray) -> list[tuple[int, int, int]]:
    counts = np.zeros((CLASSES, CLASSES), np.int64)
    for digits in predicted:
        np.add.at(counts, (labels, digits), 1)
    return [(actual, guess, int(counts[actual, guess])) for actual in range(CLASSES) for guess in range(CLASSES)]


if __name__ == "__main__":
    command(evaluate)
