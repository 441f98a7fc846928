"""judge: is the configured learning rate of one optimizer reasonable? The trained runs against the sweep's."""

from collections.abc import Mapping
from pathlib import Path

from stages.lib import verdict
from stages.lib.command import command
from stages.lib.errors import InputError
from stages.lib.evidence import load_evidence, trained_cell
from stages.lib.files import replacing
from stages.lib.grid_verdicts import Band, reasonable_range, verdicts
from stages.lib.reason import Finding, reason
from stages.lib.records import Value, read_json, write_json
from stages.lib.settings import SweepSettings, load_names, load_settings
from stages.lib.sweeps import full_cells
from stages.lib.verdict import Cell, Spread


def judge(  # noqa: PLR0917 (a path for every kind of evidence)
    names: Path,
    settings: Path,
    curves: Path,
    tuned_valid: Path,
    tuned: Path,
    valid: Path,
    trained: Path,
    *,
    metrics: Path,
    report: Path,
) -> None:
    """Write the verdict with its evidence, and its reason in a sentence.

    The best rate, and the range around it, come from this optimizer's own sweep in `curves`. The loss at the configured
    rate is compared with all runs at that best rate: the sweep's own, and those of tune, which chose nothing. The
    spread between seeds is pooled over the optimizers in `names`: see `load_evidence`.
    """
    plan = load_settings(settings, SweepSettings)
    evidence = load_evidence(load_names(names), curves, tuned_valid, tuned)
    if plan.optimizer not in evidence.runs:
        allowed = ", ".join(evidence.runs)
        raise InputError(f"{settings}: optimizer: {plan.optimizer!r} is not allowed; allowed: {allowed}")
    runs, at_best = evidence.runs[plan.optimizer], evidence.at_best[plan.optimizer]
    record = read_json(trained, {"lr", "steps"})
    lr, steps = record["lr"], record["steps"]
    if not isinstance(lr, float) or not isinstance(steps, int):
        raise InputError(f"{trained}: not what train writes; run 'dvc repro' to make it anew")
    best_lr = verdict.best_lr(full_cells(runs))
    if best_lr is not None and best_lr not in plan.lrs:
        raise InputError(f"{settings}: lrs: {best_lr:g}, the best rate of the sweep, is missing; run 'dvc repro' anew")
    finding = _finding(plan, trained_cell(valid, trained), (lr, steps), (best_lr, at_best), evidence.spread)
    judged = verdicts(runs, plan.lrs, at_best, evidence.spread)
    band = reasonable_range(judged, finding.best_lr) if finding.best_lr else None
    write_json(metrics, _metrics(finding, band, _runs(full_cells(runs), at_best, finding)))
    with replacing(report) as temporary:
        temporary.write_text(reason(finding) + "\n", encoding="utf-8")


def _finding(
    plan: SweepSettings, cell: Cell, trained: tuple[float, int], best: tuple[float | None, Cell], spread: Spread
) -> Finding:
    (lr, steps), (best_lr, at_best) = trained, best
    ratio = verdict.ratio(cell, at_best, spread) if best_lr else None
    return Finding(
        optimizer=plan.optimizer,
        lr=lr,
        steps=steps,
        cell=cell,
        ratio=ratio,
        verdict=verdict.verdict(cell.status, ratio, lr, best_lr),
        best_lr=best_lr,
        at_edge=best_lr in {plan.lrs[0], plan.lrs[-1]},
    )


def _runs(full: Mapping[float, Cell], at_best: Cell, finding: Finding) -> int:
    """How many runs the verdict rests on: the full-length ones of the sweep, of tune, and of train."""
    others = [cell for lr, cell in full.items() if lr != finding.best_lr]
    return sum(len(cell.losses) for cell in (*others, at_best, finding.cell))


def _metrics(finding: Finding, band: Band | None, evidence: int) -> dict[str, Value]:
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
        "evidence": evidence,
    }


if __name__ == "__main__":
    command(judge)
