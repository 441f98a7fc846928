"""train: one optimizer, one run per seed, side by side."""

import os
from functools import partial
from pathlib import Path
from statistics import fmean

from stages.lib import curves, progress
from stages.lib.command import command
from stages.lib.curves import Curve, Result
from stages.lib.errors import InputError
from stages.lib.files import replacing
from stages.lib.fingerprint import cpu_model
from stages.lib.machine import machine
from stages.lib.pool import workers
from stages.lib.records import Value, read_json, write_csv, write_json
from stages.lib.settings import Run, TrainSettings, load_settings
from stages.lib.snapshots import save_snapshots


def train(
    dataset: Path,
    settings: Path,
    *,
    lr_from: Path | None = None,
    weights: Path,
    train_loss: Path,
    valid: Path,
    metrics: Path,
    timing: Path,
    mistakes: Path | None = None,
    snapshots: Path | None = None,
) -> None:
    """Train the runs in `settings` and write their weights, curves and metrics; seconds go to `timing` alone.

    The lr is that of `settings`, or where the sweep is to choose it, the best_lr in the metrics `lr_from`.
    `mistakes` gets the wrongly classified validation images, which a review needs of every seed;
    `snapshots` gets those of the first seed, whose initial weights all optimizers share.
    """
    resolved = load_settings(settings, TrainSettings)
    lr = _chosen(lr_from) if resolved.lr is None else resolved.lr
    runs = [resolved.run(lr, seed) for seed in resolved.seeds]
    with workers(len(runs), dataset) as pool:
        trained = pool.run_all(partial(_train_one, pool.dataset, snapshots is not None), list(enumerate(runs)))
    results = [result for result, _ in trained]
    by_seed = dict(zip(resolved.seeds, results, strict=True))
    _write_weights(weights, by_seed)
    found = {seed: result.curve for seed, result in by_seed.items()}
    write_csv(train_loss, curves.LOSS_COLUMNS, curves.loss_rows(resolved.optimizer, found))
    write_csv(valid, curves.VALID_COLUMNS, curves.valid_rows(resolved.optimizer, found))
    if mistakes:
        write_csv(mistakes, curves.MISTAKE_COLUMNS, curves.mistake_rows(found))
    write_json(metrics, curves.train_metrics(lr, found))
    write_json(timing, _timing(results, {cpu for _, cpu in trained}))
    if snapshots and results[0].snapshots:
        save_snapshots(snapshots, results[0].snapshots)


def _chosen(lr_from: Path | None) -> float:
    if lr_from is None:
        raise InputError(
            "--lr-from: is missing; these settings hold no lr, so name the metrics of a sweep, with best_lr"
        )
    best = read_json(lr_from, {"best_lr"})["best_lr"]
    if best is None:
        raise InputError(f"{lr_from}: best_lr is null: no learning rate of the grid learns; widen sweep.lrs")
    if isinstance(best, bool) or not isinstance(best, int | float) or best <= 0:
        raise InputError(f"{lr_from}: best_lr: {best!r} is not allowed; allowed: a finite number above 0")
    return float(best)


def _train_one(dataset: os.PathLike[str], snapshots: bool, item: tuple[int, Run]) -> tuple[Result, str]:
    """The run, and the CPU that it ran on."""
    from stages.lib.training import train_run  # imports paddle: a second that only the workers need to spend

    position, run = item
    report = progress.reporter(f"{run.optimizer}, lr {run.lr:g}, seed {run.seed}", position)
    return train_run(run, dataset, report, snapshots=snapshots and position == 0), cpu_model()


def _write_weights(folder: Path, results: dict[int, Result]) -> None:
    with replacing(folder) as temporary:
        temporary.mkdir()
        for seed, result in results.items():
            if result.weights is not None:
                (temporary / f"{seed}.pdparams").write_bytes(result.weights)


def _timing(results: list[Result], cpus: set[str]) -> dict[str, Value]:
    """Seconds of one run by the clock, milliseconds per step with all that it needs, means over the seeds; on what."""
    return {
        "seconds": fmean(result.seconds for result in results),
        "ms_per_step": fmean(1000 * result.seconds / _steps(result.curve) for result in results),
        "cpu": ", ".join(sorted(cpus)),  # on a cluster that of its machines
        **machine(),
    }


def _steps(curve: Curve) -> int:
    return max(1, len(curve.train_loss))


if __name__ == "__main__":
    command(train)
