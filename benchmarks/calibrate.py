"""How often does the cheap sweep say what full-length training of every rate says? Writes a table of every cell.

The sweep trains few rates at full length and infers the rest; here every rate of the grid is trained at full length,
with a seed that the sweep did not use. Run it after `dvc repro`; it takes about ten minutes on two cores.
"""

import math
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from stages.lib.config.settings import RunSettings, SweepSettings, load_names, load_settings
from stages.lib.files.replacing import replacing
from stages.lib.files.tables import write_csv
from stages.lib.judging.grid_verdicts import verdicts
from stages.lib.judging.recorded import read_recorded
from stages.lib.judging.verdict import Spread, Verdict, pooled_spread
from stages.lib.runs.run import Run
from stages.lib.searching.lr_result import TOLERANCE, LrResult, best_lr
from stages.lib.searching.results import by_lr, full_results, short_results
from stages.lib.workers import progress
from stages.lib.workers.command import command
from stages.lib.workers.pool import cores, workers

SEED = 200  # neither of params.yaml's seeds nor of its sweep's
UNFORGIVABLE = 3.0  # times the best loss: a rate this bad, or diverged or stuck, must never be called reasonable
COLUMNS = ("optimizer", "lr", "sweep", "full_length", "status", "ratio")
Row = tuple[str, float, Verdict, Verdict, str, float]


def calibrate(dataset: Path, config: Path, train: Path, sweep: Path, tune: Path, *, table: Path, report: Path) -> None:
    """Write every cell to `table` (CSV; ratio 0 stands for a run without one) and the counts to `report`."""
    names = load_names(config / "optimizers.json")
    plans = {name: load_settings(config / name / "sweep.json", SweepSettings) for name in names}
    network = (config / "network.py").read_bytes()
    wanted = [plan.run(network, lr, SEED) for plan in plans.values() for lr in plan.lrs]
    with workers(cores(), dataset) as pool, progress.counter("calibrate") as counted:
        trained = pool.run_all(partial(_train_one, pool.dataset), wanted, counted)
    recorded, rows = read_recorded(config, train, sweep, tune), list[Row]()
    spread = pooled_spread(result for one in recorded.values() for result in one.results().values())
    for name, one in recorded.items():
        judged = verdicts(one.lrs, full_results(one.swept), short_results(one.swept), one.at_best, spread)
        rows += _compare(name, judged, by_lr(run for run in trained if run.optimizer == name))
    write_csv(table, COLUMNS, rows)
    with replacing(report) as temporary:
        temporary.write_text(_report(rows, spread), encoding="utf-8", newline="\n")


def _train_one(dataset: os.PathLike[str], run: RunSettings) -> Run:
    from stages.lib.training.loop import train_run  # imports paddle: a second that only the workers need to spend

    return train_run(run, dataset, progress.silent).run


def _compare(name: str, judged: Mapping[float, Verdict], truth: Mapping[float, LrResult]) -> list[Row]:
    best = best_lr(truth)
    rows: list[Row] = []
    for lr, result in truth.items():
        learns = result.status == "learning" and best is not None
        ratio = result.loss / truth[best].loss if learns and best is not None else math.inf
        full: Verdict = "reasonable" if ratio < TOLERANCE else "too_small" if lr < (best or 0) else "too_large"
        rows.append((name, lr, judged[lr], full, result.status, ratio if learns else 0.0))
    return rows


def _report(rows: list[Row], spread: Spread) -> str:
    """Markdown: the counts, and every cell where the two differ."""
    kinds: tuple[Verdict, ...] = ("too_small", "reasonable", "too_large", "undetermined")
    agree = sum(row[2] == row[3] for row in rows)
    definite = [row for row in rows if row[2] != "undetermined"]
    wrong = [row for row in definite if row[2] != row[3]]
    bad = [row for row in rows if row[2] == "reasonable" and (row[4] != "learning" or row[5] > UNFORGIVABLE)]
    counts = [[sum(row[2] == kind and row[3] == true for row in rows) for kind in kinds] for true in kinds[:3]]
    lines = [
        "# Calibration: the sweep's verdicts beside full-length training",
        "",
        f"{len(rows)} cells (optimizer, lr), each trained once at full length with seed {SEED}. The sweep agrees in "
        f"{agree} ({agree / len(rows):.0%}), is undetermined in {len(rows) - len(definite)}, and differs in "
        f"{len(wrong)}. Called reasonable though diverged, stuck or beyond {UNFORGIVABLE:g} times the best loss: "
        f"{len(bad)}. The seeds' standard deviation of ln(loss) is {spread.sd:.3f} ({spread.dof} degrees of freedom).",
        "",
        "| full length | " + " | ".join(f"sweep: {kind}" for kind in kinds) + " |",
        "|---|" + "---|" * len(kinds),
        *(f"| {true} | " + " | ".join(map(str, row)) + " |" for true, row in zip(kinds, counts, strict=False)),
        "",
        "Cells that differ or are undetermined:",
        "",
        "| optimizer | lr | sweep | full length | status | ratio |",
        "|---|---|---|---|---|---|",
        *(f"| {r[0]} | {r[1]:g} | {r[2]} | {r[3]} | {r[4]} | {r[5]:.2f} |" for r in rows if r[2] != r[3]),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    command(calibrate)
