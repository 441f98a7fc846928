import csv
import json
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from scipy.stats import gmean

from stages.lib import progress
from stages.lib.curves import Curve, Result
from stages.lib.progress import silent
from stages.lib.settings import Run, SweepSettings, write_settings
from stages.lib.training import train_run
from stages.sweep import sweep

SEEDS = (11, 12)
EPOCHS, STEPS, SHORT_STEPS = 5, 115, 8  # of 230 images in batches of 10, and a fifteenth of it
GRID = (1e-4, 0.03, 0.1, 1e15)

Swept = Callable[..., Path]


def swept(folder: Path, few: Path, lrs: tuple[float, ...], seeds: tuple[int, ...] = SEEDS) -> Path:
    """Sweep 230 images, and give the folder of the results; the file holds no eval split at all."""
    write_settings(folder / "sweep.json", SweepSettings("mine", "SGD", {}, 10, EPOCHS, seeds, lrs))
    names = {"curves": "curves.csv", "metrics": "metrics.json", "timing": "timing.json"}
    outputs = {option: folder / "out" / name for option, name in names.items()}
    sweep(few, folder / "sweep.json", **outputs, kept=folder / "kept")
    return folder / "out"


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "curves.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def record(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text())
    assert isinstance(content, dict)
    return content


@pytest.fixture(scope="module")
def out(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return swept(tmp_path_factory.mktemp("sweep"), few, GRID)


def runs(out: Path) -> dict[tuple[float, int, int], list[dict[str, str]]]:
    """The rows of each run by rate, seed and length."""

    def key(row: dict[str, str]) -> tuple[float, int, int]:
        return float(row["lr"]), int(row["seed"]), int(row["steps"])

    return {run: list(of_run) for run, of_run in groupby(rows(out), key)}


def test_a_short_run_at_every_rate_and_full_ones_where_it_did_not_diverge(out: Path) -> None:
    found = runs(out)
    assert [lr for lr, seed, steps in found if (seed, steps) == (11, SHORT_STEPS)] == list(GRID)
    full = [(lr, seed) for lr, seed, steps in found if steps == STEPS]
    assert len(full) + len(GRID) == len(found)
    assert 1e15 not in {lr for lr, _ in full}
    assert {row["status"] for row in found[1e15, 11, SHORT_STEPS]} == {"diverged"}
    assert [row["step"] for row in found[1e15, 11, SHORT_STEPS]] == ["0"]
    for lr, seed in full:
        assert [row["step"] for row in found[lr, seed, STEPS]] == ["0", "100", str(STEPS)]


def test_runs_are_those_of_training_alone(out: Path, few: Path) -> None:
    for (lr, seed, steps), found in runs(out).items():
        epochs = EPOCHS if steps == STEPS else EPOCHS / 15
        curve = train_run(Run("mine", "SGD", {}, 10, lr, epochs, seed), few, silent).curve
        assert [float(row["valid_loss"]) for row in found] == [
            pytest.approx(score.loss, rel=1e-5) for score in curve.valid
        ]
        assert float(found[0]["train_loss"]) == pytest.approx(curve.train_loss[0], rel=1e-5)


def last_tenth(curve: Curve) -> float:
    """The mean of the validations in the last tenth of STEPS, from step 103.5 on."""
    return fmean(score.loss for score in curve.valid if score.step >= 103.5)


def test_best_rate_is_that_of_training_all_rates_with_all_seeds(out: Path, few: Path) -> None:
    losses = {}
    for lr in GRID[:-1]:
        curves = [train_run(Run("mine", "SGD", {}, 10, lr, EPOCHS, seed), few, silent).curve for seed in SEEDS]
        losses[lr] = gmean([last_tenth(curve) for curve in curves])
    best = min(losses, key=lambda lr: losses[lr])
    metrics = record(out / "metrics.json")
    assert metrics["best_lr"] == best
    assert metrics["valid_loss"] == pytest.approx(losses[best], rel=1e-5)
    assert metrics["grid"] == "wide enough"
    full = {(lr, seed) for lr, seed, steps in runs(out) if steps == STEPS}
    assert full == {(lr, seed) for lr, _ in full for seed in SEEDS}, "every rate at full length has all seeds"
    assert metrics["full_runs"] == len([steps for _, _, steps in runs(out) if steps == STEPS])


def test_timing_counts_all_runs(out: Path) -> None:
    timing = record(out / "timing.json")
    assert timing["runs"] == len(runs(out))
    assert timing["seconds"] > 0
    assert not {"seconds", "timing"} & {*record(out / "metrics.json"), *rows(out)[0]}


def test_bytes_repeat_on_any_number_of_cores(
    out: Path, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0}, raising=False)
    again = swept(tmp_path, few, GRID)
    for name in ("curves.csv", "metrics.json"):
        assert (again / name).read_bytes() == (out / name).read_bytes(), name


def test_best_rate_at_the_edge_of_the_grid(few: Path, tmp_path: Path) -> None:
    out = swept(tmp_path, few, (0.001, 0.003, 0.03), seeds=(11,))
    metrics = record(out / "metrics.json")
    assert (metrics["best_lr"], metrics["grid"]) == (0.03, "too narrow")
    assert {seed for _, seed, _ in runs(out)} == {11}


def test_nothing_learns(few: Path, tmp_path: Path) -> None:
    out = swept(tmp_path, few, (1e14, 1e15, 1e16))
    metrics = record(out / "metrics.json")
    assert (metrics["best_lr"], metrics["valid_loss"], metrics["full_runs"]) == (None, None, 0)
    assert metrics["grid"] == "nothing learns"
    assert [(row["lr"], row["status"]) for row in rows(out)] == [
        (lr, "diverged") for lr in ("100000000000000.0", "1000000000000000.0", "1e+16")
    ]


class Killed(BaseException):
    """Stands for what ends a process in the middle."""


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_killed_sweep_goes_on_and_gives_the_same_bytes(
    out: Path, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after each of its passes has begun; what had ended before is read, and in the end no file is left."""
    trained: list[Run] = []

    def killing(after: int) -> Callable[[str], Callable[[Run, Result], None]]:
        def done(run: Run, _: Result) -> None:
            trained.append(run)
            if len(trained) == after:
                raise Killed

        return lambda _label: done

    for after in (2, len(GRID) + 1):
        monkeypatch.setattr(progress, "counter", killing(after))
        with pytest.raises(Killed):
            swept(tmp_path, few, GRID)
        assert not (tmp_path / "out").exists()
        assert len(files(tmp_path / "kept")) == after
    monkeypatch.setattr(progress, "counter", killing(-1))
    again = swept(tmp_path, few, GRID)
    assert len(trained) == len(set(map(str, trained))) == len(runs(out)), "each run once"
    for name in ("curves.csv", "metrics.json"):
        assert (again / name).read_bytes() == (out / name).read_bytes(), name
    assert record(again / "timing.json")["runs"] == len(runs(out)), "with those that were kept"
    assert files(tmp_path / "kept") == []
