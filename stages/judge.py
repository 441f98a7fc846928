"""judge: is the configured learning rate reasonable, and which optimizer is better? From recorded runs alone."""

from collections.abc import Mapping
from pathlib import Path

from stages.lib.files.lines import read_lines, write_lines
from stages.lib.files.replacing import replacing, write
from stages.lib.files.tables import Value, write_json
from stages.lib.judging.judgement import Judgement, judge_all
from stages.lib.judging.optimizer_runs import OptimizerRuns
from stages.lib.judging.recorded import read_recorded
from stages.lib.runs.evaluation import Evaluation
from stages.lib.workers.command import command


def judge(
    config: Path,
    train: Path,
    sweep: Path,
    tune: Path,
    evaluations: Path,
    *,
    target_accuracy: float,
    metrics: Path,
    verdicts: Path,
    judgements: Path,
) -> None:
    """Write one flat row of metrics for each optimizer, the verdicts in sentences, and both with their evidence."""
    runs = read_recorded(config, train, sweep, tune)
    found = judge_all(runs, read_lines(evaluations, Evaluation), target_accuracy)
    with replacing(metrics) as temporary:
        for one in found:
            write_json(temporary / f"{one.optimizer}.json", _metrics(one))
    write(verdicts, _sentences(found, runs).encode())
    write_lines(judgements, found)


def _metrics(one: Judgement) -> dict[str, Value]:
    here, best = one.standings.get("configured lr"), one.standings.get("best lr")
    first, last = one.reasonable_range or (None, None)
    return {
        "accuracy": here.accuracy if here else None,
        "accuracy_at_best": best.accuracy if best else None,
        "group": here.group if here else None,
        "group_at_best": best.group if best else None,
        "lr": one.lr,
        "lr_best": one.best_lr,
        "lr_from": first,
        "lr_to": last,
        "ratio": one.ratio,
        "steps_to_target": here.steps_to_target if here else None,
        "verdict": one.verdict,
    }


def _sentences(found: list[Judgement], runs: Mapping[str, OptimizerRuns]) -> str:
    cpus = sorted({run.cpu for one in runs.values() for ran in (one.trained, one.swept, one.tuned) for run in ran})
    return "".join(f"- {one.reason}\n  {one.reason_zh}\n" for one in found) + f"\nTrained on: {'; '.join(cpus)}.\n"


if __name__ == "__main__":
    command(judge)
