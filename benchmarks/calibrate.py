"""How often does the cheap sweep say what full-length training of every rate says? Writes a table of every cell.

The sweep trains few rates at full length and infers the rest. Here every rate of the grid is trained at full length,
with seeds that the sweep did not use: on MNIST, whose sweep is the recorded one, and on its `variants`, which are swept
as the pipeline does. What full length says of a data set is taken from the table that was written before, if it is
there: remove its rows to train it again. All of it takes an hour on two cores.
"""

import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.calibration_report import COLUMNS, Row, report_of
from benchmarks.variants import variants
from stages.lib.config.settings import RunSettings, Settings, SweepSettings, load_names, load_settings
from stages.lib.dataset.splits import SPLITS, load_split, save_splits
from stages.lib.files.replacing import replacing
from stages.lib.files.tables import write_csv
from stages.lib.judging.grid_verdicts import verdicts
from stages.lib.judging.optimizer_runs import OptimizerRuns
from stages.lib.judging.recorded import read_recorded
from stages.lib.judging.verdict import Verdict, pooled_spread
from stages.lib.runs.run import Run
from stages.lib.searching.lr_result import TOLERANCE, LrResult, Status, best_lr
from stages.lib.searching.results import by_lr, full_results, short_results, slower_results
from stages.lib.workers import progress
from stages.lib.workers.command import command
from stages.lib.workers.pool import Pool, cores, workers
from stages.sweep import search, train_one

SEEDS = (200, 201)  # neither of params.yaml's seeds nor of its sweep's; the second where the first is below AGAIN
AGAIN = 2.0  # times the best loss: beyond it, another seed would not change the side of the tolerance
EPOCHS = 6  # of a variant: 300 steps

Train = Callable[[Sequence[RunSettings]], list[Run]]
Cell = tuple[Status, float]  # what full length says: the status, and the ratio to the best loss
Truth = dict[tuple[str, float], Cell]  # by optimizer and lr


def calibrate(  # noqa: PLR0917 (a path for every kind of run)
    dataset: Path, network: Path, config: Path, train: Path, sweep: Path, tune: Path, *, table: Path, report: Path
) -> None:
    """Write every cell to `table` (CSV; ratio 0 stands for a run without one), and the counts to `report`."""
    names = load_names(config / "optimizers.json")
    plans = {name: load_settings(config / name / "sweep.json", SweepSettings) for name in names}
    seeds = load_settings(config / names[0] / "tune.json", Settings).seeds
    source = network.read_bytes()
    known = _known(table) if table.exists() else {}
    with workers(cores(), dataset) as pool:
        truth = known.get("MNIST") or _truth(_train(pool), source, plans)
    found = {"MNIST": (read_recorded(config, train, sweep, tune), truth)}
    plans = {name: plan.model_copy(update={"epochs": EPOCHS}) for name, plan in plans.items()}
    with TemporaryDirectory() as folder:
        for data, splits in variants({name: load_split(dataset, name) for name in SPLITS}):
            path = Path(folder) / f"{data}.npz"
            save_splits(path, splits)
            with workers(cores(), path) as pool:
                found[data] = (
                    _swept(_train(pool), source, plans, seeds),
                    known.get(data) or _truth(_train(pool), source, plans),
                )
    rows = [row for data, (runs, truth) in found.items() for row in _rows(data, runs, truth)]
    write_csv(table, COLUMNS, rows)
    with replacing(report) as temporary:
        text = report_of(rows, {data: runs for data, (runs, _) in found.items()}, SEEDS)
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _train(pool: Pool) -> Train:
    def train(wanted: Sequence[RunSettings]) -> list[Run]:
        with progress.counter("calibrate", len(wanted)) as counted:
            return pool.run_all(partial(train_one, pool.dataset), wanted, counted)

    return train


def _swept(
    train: Train, network: bytes, plans: Mapping[str, SweepSettings], seeds: Sequence[int]
) -> dict[str, OptimizerRuns]:
    """The runs of sweep, and those of tune with `seeds`, of every optimizer."""
    found = {}
    for name, plan in plans.items():
        swept = search(train, network, plan)
        best = best_lr(full_results(swept))
        tuned = [] if best is None else train([plan.run(network, best, seed) for seed in seeds])
        found[name] = OptimizerRuns(plan.lrs, (), swept, tuned)
    return found


def _truth(train: Train, network: bytes, plans: Mapping[str, SweepSettings]) -> Truth:
    first, *others = SEEDS
    runs = train([plan.run(network, lr, first) for plan in plans.values() for lr in plan.lrs])
    near = [(name, lr) for (name, lr), (_, ratio) in _ratios(runs).items() if 0 < ratio < AGAIN]
    return _ratios(runs + train([plans[name].run(network, lr, seed) for name, lr in near for seed in others]))


def _ratios(runs: Sequence[Run]) -> Truth:
    found: Truth = {}
    for name in {run.optimizer for run in runs}:
        results = by_lr(run for run in runs if run.optimizer == name)
        best = results.get(best_lr(results) or 0, LrResult("diverged", ()))
        for lr, one in results.items():
            found[name, lr] = one.status, one.loss / best.loss if one.status == "learning" else 0.0
    return found


def _known(table: Path) -> dict[str, Truth]:
    found: dict[str, Truth] = {}
    for row in csv.DictReader(table.read_text(encoding="utf-8").splitlines()):
        cell: Cell = row["status"], float(row["ratio"])  # type: ignore[assignment]
        found.setdefault(row["data"], {})[row["optimizer"], float(row["lr"])] = cell
    return found


def _rows(data: str, runs: Mapping[str, OptimizerRuns], truth: Truth) -> Iterator[Row]:
    spread = pooled_spread(result for one in runs.values() for result in one.results().values())
    for name, one in runs.items():
        full, short, slower = full_results(one.swept), short_results(one.swept), slower_results(one.swept, one.lrs)
        judged = verdicts(one.lrs, full, short, one.at_best, spread, slower=slower)
        ratios = {lr: truth[name, lr][1] or math.inf for lr in one.lrs}
        best = min(one.lrs, key=lambda lr: ratios[lr])
        for lr in one.lrs:
            true: Verdict = "reasonable" if ratios[lr] < TOLERANCE else "too_small" if lr < best else "too_large"
            yield data, name, lr, judged[lr], true, *truth[name, lr]


if __name__ == "__main__":
    command(calibrate)
