from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from scipy.stats import gmean
from short_runs import NETWORKS, TUTORIAL

from stages.lib.config.settings import RunSettings, SweepSettings, write_settings
from stages.lib.files.lines import read_lines
from stages.lib.runs.run import Run
from stages.lib.searching.lr_result import best_lr
from stages.lib.searching.results import full_results
from stages.lib.training.loop import train_run
from stages.lib.workers.progress import silent
from stages.sweep import sweep

SEEDS = (11, 12)
EPOCHS, STEPS, SHORT_STEPS = 5, 115, 8  # of 230 images in batches of 10, and a fifteenth of it
GRID = (1e-4, 0.03, 0.1, 1e15)
SETTINGS: dict[str, Any] = {"optimizer": "mine", "type": "SGD", "arguments": {}, "batch_size": 10}


def swept(folder: Path, few: Path, lrs: tuple[float, ...], seeds: tuple[int, ...] = SEEDS) -> Path:
    """Sweep 230 images, and give the file of the runs; the data hold no eval split at all."""
    write_settings(folder / "sweep.json", SweepSettings(**SETTINGS, epochs=EPOCHS, seeds=seeds, lrs=lrs))
    sweep(few, NETWORKS / "tutorial.py", folder / "sweep.json", runs=folder / "out.jsonl")
    return folder / "out.jsonl"


def alone(few: Path, lr: float, epochs: float, seed: int) -> Run:
    """The same run by itself."""
    return train_run(RunSettings(**SETTINGS, network=TUTORIAL, lr=lr, epochs=epochs, seed=seed), few, silent).run


@pytest.fixture(scope="module")
def out(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return swept(tmp_path_factory.mktemp("sweep"), few, GRID)


@pytest.fixture
def runs(out: Path) -> list[Run]:
    return read_lines(out, Run)


def test_a_short_run_at_every_rate_and_full_ones_where_it_did_not_diverge(runs: list[Run]) -> None:
    short = [run for run in runs if run.steps == SHORT_STEPS]
    full = [run for run in runs if run.steps == STEPS]
    assert [(run.lr, run.seed) for run in short] == [(lr, 11) for lr in GRID]
    assert len(full) + len(short) == len(runs)
    assert 1e15 not in {run.lr for run in full}
    assert (short[-1].diverged, [score.step for score in short[-1].valid]) == (True, [0])
    assert {tuple(score.step for score in run.valid) for run in full} == {(0, 100, STEPS)}


def test_runs_are_those_of_training_alone_without_the_wrong_images(runs: list[Run], few: Path) -> None:
    for run in runs:
        epochs = EPOCHS if run.steps == STEPS else EPOCHS / 15
        other = alone(few, run.lr, epochs, run.seed)  # in this process, which may sum with other threads
        assert (run.steps, run.diverged, run.wrong) == (other.steps, other.diverged, ())
        assert [score.step for score in run.valid] == [score.step for score in other.valid]
        losses = [[score.loss for score in one.valid] for one in (run, other)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_best_rate_is_that_of_training_all_rates_with_all_seeds(runs: list[Run], few: Path) -> None:
    losses = {}
    for lr in GRID[:-1]:
        every = [alone(few, lr, EPOCHS, seed) for seed in SEEDS]
        losses[lr] = gmean([fmean([*run.tail, run.valid[-1].loss]) for run in every])
    best = min(losses, key=lambda lr: losses[lr])
    found = full_results(runs)
    assert best_lr(found) == best
    assert found[best].loss == pytest.approx(losses[best], rel=1e-5)
    full = {(run.lr, run.seed) for run in runs if run.steps == STEPS}
    assert full == {(lr, seed) for lr, _ in full for seed in SEEDS}, "every rate at full length has all seeds"


def test_bytes_repeat_on_any_number_of_cores(
    out: Path, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0}, raising=False)
    assert swept(tmp_path, few, GRID).read_bytes() == out.read_bytes()


def test_nothing_learns(few: Path, tmp_path: Path) -> None:
    runs = read_lines(swept(tmp_path, few, (1e14, 1e15, 1e16)), Run)
    assert [(run.lr, run.steps, run.diverged) for run in runs] == [(lr, 8, True) for lr in (1e14, 1e15, 1e16)]
