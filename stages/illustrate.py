"""illustrate: how the final loss depends on the learning rate, and what a wrong one looks like on the way."""

from pathlib import Path

from stages.lib import figures
from stages.lib.command import command
from stages.lib.errors import InputError
from stages.lib.evidence import load_evidence
from stages.lib.grid_verdicts import Example, examples, verdicts
from stages.lib.lr_figures import Panel, curves_figure, sensitivity_figure
from stages.lib.records import Value, read_json, write_csv
from stages.lib.settings import SweepSettings, load_names, load_settings
from stages.lib.sweeps import SweptRun

COLUMNS = ("optimizer", "lr", "steps", "seed", "valid_loss", "status")
JUDGED = {"lr", "verdict", "best_lr", "reasonable_from", "reasonable_to"}
TUTORIALS = "sgd"  # whose curves the tutorial's figure 2 shows
RATES = ("too small", "reasonable", "too large")


def illustrate(  # noqa: PLR0917 (a path for every kind of evidence)
    names: Path,
    config: Path,
    curves: Path,
    tuned_valid: Path,
    tuned: Path,
    judged: Path,
    *,
    table: Path,
    sensitivity_png: Path,
    curves_png: Path,
) -> None:
    """Join the sweeps in `curves` and the verdicts in `judged` of the optimizers in `names`.

    `table` gets the loss at which every run ended; `curves_png` shows one optimizer's runs at three rates.
    """
    evidence = load_evidence(load_names(names), curves, tuned_valid, tuned)
    runs = evidence.runs
    records = {name: read_json(judged / f"{name}.json", JUDGED) for name in runs}
    write_csv(table, COLUMNS, [_row(name, run) for name, found in runs.items() for run in found])
    panels = [_panel(name, runs[name], records[name]) for name in runs]
    figures.save(sensitivity_figure(panels), sensitivity_png)
    lrs = {name: load_settings(config / name / "sweep.json", SweepSettings).lrs for name in runs}
    shown = {
        name: examples(found, lrs[name], verdicts(found, lrs[name], evidence.at_best[name], evidence.spread))
        for name, found in runs.items()
    }
    name = _clearest(shown)
    figures.save(curves_figure(name, shown[name]), curves_png)


def _clearest(shown: dict[str, list[Example]]) -> str:
    """The tutorial's optimizer if its runs at three rates have the full length, else the first of which that holds."""
    names = sorted(shown, key=lambda name: name != TUTORIALS)
    whole = [name for name in names if sum(not one.short for one in shown[name]) == len(RATES)]
    return (whole or names)[0]


def _row(name: str, run: SweptRun) -> tuple[Value, ...]:
    course = run.course
    last = course.losses[-1] if course.status == "diverged" else course.end
    return name, run.lr, course.steps, run.seed, last, course.status


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
