"""judge: is the configured learning rate of one optimizer reasonable? The trained runs against the sweep's."""

from pathlib import Path

from stages.lib import sweeps, verdict
from stages.lib.command import command
from stages.lib.curves import VALID_COLUMNS
from stages.lib.errors import InputError
from stages.lib.files import replacing
from stages.lib.reason import Finding, reason
from stages.lib.records import Value, read_csv, read_json, write_json
from stages.lib.settings import SweepSettings, load_names, load_settings
from stages.lib.verdict import Band, Cell, Spread


def judge(
    names: Path, settings: Path, curves: Path, valid: Path, trained: Path, *, metrics: Path, report: Path
) -> None:
    """Write the verdict with its evidence, and its reason in a sentence.

    The spread between seeds is pooled over the sweeps in `curves` of all optimizers in `names`, as each
    rate has few seeds. The best rate, and the range around it, come from this optimizer's own sweep.
    """
    plan = load_settings(settings, SweepSettings)
    tables = {name: sweeps.read_table(curves / f"{name}.csv") for name in load_names(names)}
    if plan.optimizer not in tables:
        raise InputError(f"{settings}: optimizer: {plan.optimizer!r} is not allowed; allowed: {', '.join(tables)}")
    spread = verdict.pooled_spread(cell for table in tables.values() for cell in sweeps.cells(table).values())
    cells = sweeps.cells(tables[plan.optimizer])
    record = read_json(trained, {"lr", "steps", "diverged_seeds"})
    rows = read_csv(valid, VALID_COLUMNS)
    if not rows or not isinstance(record["lr"], float) or not isinstance(record["steps"], int):
        raise InputError(f"{trained}, {valid}: not what train writes; run 'dvc repro' to make them anew")
    best = verdict.best_lr(cells)
    if best is not None and best not in plan.lrs:
        raise InputError(f"{settings}: lrs: {best:g}, the best rate of the sweep, is missing; run 'dvc repro' anew")
    finding = _finding(plan, _trained_cell(rows, record), record, cells, spread)
    band = _band(tables[plan.optimizer], plan, spread)
    write_json(metrics, _metrics(finding, band, sum(len(cell.losses) for cell in cells.values())))
    with replacing(report) as temporary:
        temporary.write_text(reason(finding) + "\n", encoding="utf-8")


def _trained_cell(rows: list[dict[str, str]], record: dict[str, Value]) -> Cell:
    """The configured rate's own runs, one per seed."""
    diverged = str(record["diverged_seeds"]).split()
    by_seed: dict[str, list[float]] = {}
    for row in rows:
        by_seed.setdefault(row["seed"], []).append(float(row["loss"]))
    return verdict.cell((losses, seed in diverged) for seed, losses in by_seed.items())


def _finding(
    plan: SweepSettings, cell: Cell, record: dict[str, Value], cells: dict[float, Cell], spread: Spread
) -> Finding:
    lr, best, steps = record["lr"], verdict.best_lr(cells), record["steps"]
    if not isinstance(lr, float) or not isinstance(steps, int):
        raise TypeError(f"{record}: not what train writes")
    ratio = verdict.ratio(cell, cells[best], spread) if best else None
    return Finding(
        optimizer=plan.optimizer,
        lr=lr,
        steps=steps,
        cell=cell,
        ratio=ratio,
        verdict=verdict.verdict(cell.status, ratio, lr, best),
        best_lr=best,
        at_edge=best in {plan.lrs[0], plan.lrs[-1]},
    )


def _band(table: list[dict[str, str]], plan: SweepSettings, spread: Spread) -> Band | None:
    best = verdict.best_lr(sweeps.cells(table))
    return verdict.reasonable_range(sweeps.verdicts(table, plan.lrs, spread), best) if best else None


def _metrics(finding: Finding, band: Band | None, swept: int) -> dict[str, Value]:
    ratio = finding.ratio
    return {
        "lr": finding.lr,
        "status": finding.cell.status,
        "verdict": finding.verdict,
        "best_lr": finding.best_lr,
        "reasonable_from": band.start if band else None,
        "reasonable_to": band.end if band else None,
        "decades": band.decades if band else None,
        "ratio": ratio.value if ratio else None,
        "ratio_low": ratio.low if ratio else None,
        "ratio_high": ratio.high if ratio and ratio.high < float("inf") else None,
        "steps": finding.steps,
        "evidence": swept + len(finding.cell.losses),
    }


if __name__ == "__main__":
    command(judge)
