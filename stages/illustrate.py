"""illustrate: how the final loss depends on the learning rate, and what a wrong one looks like on the way."""

from pathlib import Path

from stages.lib import figures, sweeps, verdict
from stages.lib.command import command
from stages.lib.errors import InputError
from stages.lib.lr_figures import Panel, curves_figure, sensitivity_figure
from stages.lib.records import Value, read_json, write_csv
from stages.lib.settings import load_names
from stages.lib.swept_runs import SweptRun, examples, swept_runs

COLUMNS = ("optimizer", "lr", "steps", "seed", "valid_loss", "status")
JUDGED = {"lr", "verdict", "best_lr", "reasonable_from", "reasonable_to"}
TUTORIALS = "sgd"  # whose curves the tutorial's figure 2 shows


def illustrate(
    names: Path, curves: Path, judged: Path, *, table: Path, sensitivity_png: Path, curves_png: Path
) -> None:
    """Join the sweeps in `curves` and the verdicts in `judged` of the optimizers in `names`.

    `table` gets the last validation of every run; `curves_png` shows one optimizer's runs at three rates.
    """
    tables = {name: sweeps.read_table(curves / f"{name}.csv") for name in load_names(names)}
    runs = {name: swept_runs(rows) for name, rows in tables.items()}
    records = {name: read_json(judged / f"{name}.json", JUDGED) for name in tables}
    write_csv(table, COLUMNS, [_row(name, run) for name, found in runs.items() for run in found])
    panels = [_panel(name, runs[name], records[name]) for name in tables]
    figures.save(sensitivity_figure(panels), sensitivity_png)
    shown = TUTORIALS if TUTORIALS in tables else next(iter(tables))
    spread = verdict.pooled_spread(cell for rows in tables.values() for cell in sweeps.cells(rows).values())
    best = _number(records[shown]["best_lr"])
    figures.save(curves_figure(shown, examples(runs[shown], best, spread)), curves_png)


def _row(name: str, run: SweptRun) -> tuple[Value, ...]:
    return name, run.lr, run.steps, run.seed, float(run.losses[-1]), run.status


def _panel(name: str, runs: list[SweptRun], record: dict[str, Value]) -> Panel:
    start, end = _number(record["reasonable_from"]), _number(record["reasonable_to"])
    band = None if start is None or end is None else (start, end)
    lr = _number(record["lr"])
    if lr is None:
        raise InputError(
            f"metrics of {name}: lr: {record['lr']!r} is no number; run 'dvc repro judge' to make them anew"
        )
    return Panel(name, runs, lr, str(record["verdict"]), band)


def _number(value: Value) -> float | None:
    return value if isinstance(value, float) else None


if __name__ == "__main__":
    command(illustrate)
