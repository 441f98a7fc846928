"""What a revision's files say of one optimizer's runs: final accuracies, and which images were wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stages.lib.checks import numeric
from stages.lib.errors import InputError
from stages.lib.records import Value, read_csv, read_json


@dataclass(frozen=True)
class Seen:
    """One optimizer's final validation: which images each finished seed got wrong, bool [images].

    `accuracies` is there without `wrong` in a revision that did not keep its mistakes. `records` are its lines of
    plots/valid, by which two runs are the same. `problem` says why there is nothing to judge.
    """

    accuracies: Mapping[int, float] = field(default_factory=dict)
    wrong: Mapping[int, np.ndarray] = field(default_factory=dict)
    records: Mapping[int, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    diverged: tuple[int, ...] = ()
    data: str = ""  # the MD5 of the images and labels
    problem: str = ""

    @property
    def trusted(self) -> bool:
        """Whether the files agree, so that there is something to show, if not to judge."""
        return bool(self.accuracies or self.diverged)


def read_scores(folder: Path, optimizer: str, params: Mapping[str, Any]) -> Seen:
    """From metrics/train, plots/valid and plots/mistakes in `folder`. InputError when they or the params contradict."""
    metrics, curve = folder / "metrics/train" / f"{optimizer}.json", folder / "plots/valid" / f"{optimizer}.csv"
    record = read_json(metrics)
    own = params["optimizers"][optimizer].get("lr")
    configured = numeric(params.get("lr") if own is None else own)
    if not isinstance(configured, int | float) or record.get("lr") != float(f"{configured:.6g}"):
        raise InputError(f"{metrics}: lr is {record.get('lr')}, but params.yaml says {configured}; run 'dvc repro'")
    diverged = _numbers(str(record.get("diverged_seeds", "")).split(), metrics)
    rows: dict[int, list[dict[str, str]]] = {}
    for row in read_csv(curve):
        rows.setdefault(_numbers([row.get("seed", "")], curve)[0], []).append(row)
    finished = {seed: lines for seed, lines in rows.items() if seed not in diverged}
    if {*finished, *diverged} != set(params["seeds"]):
        raise InputError(f"{curve}: its seeds are not those of params.yaml; run 'dvc repro'")
    ends = {seed: _end(lines[-1], curve, record) for seed, lines in finished.items()}
    accuracies = {seed: accuracy for seed, (accuracy, _) in ends.items()}
    records = {seed: tuple(tuple(row.values()) for row in lines) for seed, lines in finished.items()}
    mistakes = folder / "plots/mistakes" / f"{optimizer}.csv"
    if not mistakes.exists():
        return Seen(accuracies, {}, records, diverged, problem=f"{mistakes.relative_to(folder)} is missing")
    return Seen(accuracies, _wrong(mistakes, ends), records, diverged)


def _end(row: Mapping[str, str], curve: Path, record: Mapping[str, Value]) -> tuple[float, int]:
    """The accuracy and number of images of a seed's last line, which must be that of the last step."""
    try:
        accuracy, images, step = float(row["accuracy"]), int(row["images"]), int(row["step"])
    except (KeyError, ValueError):
        raise InputError(f"{curve}: a line has no number where one belongs; run 'dvc repro'") from None
    if step != record.get("steps") or not 0 <= accuracy <= 1 or images < 1:
        raise InputError(f"{curve}: ends at step {step} with accuracy {accuracy:g}, not at step {record.get('steps')}")
    return accuracy, images


def _wrong(mistakes: Path, ends: Mapping[int, tuple[float, int]]) -> dict[int, np.ndarray]:
    """Bool [images] per seed. InputError unless the mistakes are as many as the accuracy of plots/valid says."""
    wrong = {seed: np.zeros(images, bool) for seed, (_, images) in ends.items()}
    count = dict.fromkeys(ends, 0)
    for row in read_csv(mistakes):
        seed, image = _numbers([row.get("seed", ""), row.get("image", "")], mistakes)
        if seed not in wrong or not 0 <= image < len(wrong[seed]):
            raise InputError(f"{mistakes}: seed {seed}, image {image}: plots/valid has no such seed or image")
        wrong[seed][image] = True
        count[seed] += 1
    for seed, (accuracy, images) in ends.items():
        if count[seed] != wrong[seed].sum() or abs(count[seed] / images - (1 - accuracy)) > 1e-6:  # six digits are kept
            told = f"{count[seed]} mistakes of {images} images, plots/valid an accuracy of {accuracy:g}"
            raise InputError(f"{mistakes}: contradicts plots/valid: seed {seed} has {told}")
    return wrong


def _numbers(words: list[str], path: Path) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in words)
    except ValueError:
        raise InputError(f"{path}: {' '.join(words)!r} is not a whole number; run 'dvc repro'") from None
