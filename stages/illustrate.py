"""illustrate: what the learning rate does, and where the optimizers stand, as tables and figures."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stages.lib.drawing import figures, lr_figures
from stages.lib.drawing.lr_figures import Example
from stages.lib.files.lines import read_lines
from stages.lib.files.tables import Value, write_csv
from stages.lib.judging.grid_verdicts import example_lrs
from stages.lib.judging.judgement import Judgement, Standing
from stages.lib.judging.optimizer_runs import OptimizerRuns
from stages.lib.judging.recorded import read_recorded
from stages.lib.runs.evaluation import Evaluation
from stages.lib.runs.tables import LOSS_COLUMNS, loss_rows
from stages.lib.searching.results import full_results
from stages.lib.searching.status import final_loss, status
from stages.lib.workers.command import command

TUTORIALS = "sgd"  # whose curves the tutorial's figure 2 shows
RATES = 3  # too small, reasonable, too large
ACCURACY_COLUMNS = ("optimizer", "at", *Standing.model_fields)
LR_COLUMNS = ("optimizer", "lr", "seed", "steps", "runs", "loss", "status", "verdict")
BLANKS = {"steps_to_target": "missed", "seeds_to_tell": "-"}  # a blank would draw as a spike
CONFUSION_COLUMNS = ("optimizer", "at", "actual", "predicted", "count")


def illustrate(  # noqa: PLR0917 (a path for every kind of evidence)
    config: Path,
    train: Path,
    sweep: Path,
    tune: Path,
    evaluations: Path,
    judgements: Path,
    *,
    accuracy: Path,
    loss_against_lr: Path,
    best_lr_loss: Path,
    confusion: Path,
    ranking_png: Path,
    lr_sensitivity_png: Path,
    lr_curves_png: Path,
) -> None:
    """Write the tables that dvc's charts show, and draw what no chart does."""
    runs = read_recorded(config, train, sweep, tune)
    judged = {one.optimizer: one for one in read_lines(judgements, Judgement)}
    standings = [row for one in judged.values() for row in _accuracy_rows(one)]
    write_csv(accuracy, ACCURACY_COLUMNS, [[row[key] for key in ACCURACY_COLUMNS] for row in standings])
    against_lr = [row for name, one in runs.items() for row in _lr_rows(one, judged[name])]
    write_csv(loss_against_lr, LR_COLUMNS, against_lr)
    write_csv(best_lr_loss, LOSS_COLUMNS, loss_rows(run for one in runs.values() for run in one.tuned))
    ended = [one for one in read_lines(evaluations, Evaluation) if one.at in judged[one.optimizer].standings]
    write_csv(confusion, CONFUSION_COLUMNS, _confusion_rows(ended))
    figures.save(figures.ranking_figure(standings, _diverged(runs, judged)), ranking_png)
    bands = {name: one.reasonable_range for name, one in judged.items()}
    rows = [dict(zip(LR_COLUMNS, row, strict=True)) for row in against_lr]
    schedules = {name: one.schedule for name, one in runs.items() if one.schedule}
    figures.save(lr_figures.sensitivity_figure(rows, bands, schedules), lr_sensitivity_png)
    name, examples = _clearest(runs, judged)
    figures.save(lr_figures.curves_figure(name, examples, _schedule(runs[name])), lr_curves_png)


def _accuracy_rows(one: Judgement) -> Iterator[dict[str, Value]]:
    for at, standing in one.standings.items():
        values = {key: BLANKS[key] if value is None else value for key, value in standing}
        yield values | {"optimizer": one.optimizer, "at": at}


def _diverged(runs: Mapping[str, OptimizerRuns], judged: Mapping[str, Judgement]) -> list[tuple[str, str, float]]:
    """(at, optimizer, lr) of what has no standing."""
    lrs = [("configured lr", name, one.lr) for name, one in runs.items()]
    lrs += [("best lr", name, one.best_lr) for name, one in runs.items() if one.best_lr is not None]
    return [(at, name, lr) for at, name, lr in lrs if at not in judged[name].standings]


def _lr_rows(runs: OptimizerRuns, judged: Judgement) -> Iterator[tuple[Value, ...]]:
    verdicts = dict(judged.verdicts)
    swept = [("full" if run.steps == runs.steps else "short", run) for run in runs.swept]
    others = [("configured", run) for run in runs.trained] + [("best", run) for run in runs.tuned]
    for kind, run in swept + others:
        if run.valid:  # else it has no loss at all
            found = status(run)
            loss = run.valid[-1].loss if found == "diverged" else final_loss(run)
            verdict = judged.verdict if kind == "configured" else verdicts[run.lr]
            yield run.optimizer, run.lr, run.seed, run.steps, kind, loss, found, verdict


def _confusion_rows(evaluations: Sequence[Evaluation]) -> Iterator[tuple[Value, ...]]:
    """Mistakes summed over the seeds: (actual, predicted) digits and how often, where there are any."""
    summed: dict[tuple[str, str], Any] = defaultdict(int)
    for one in evaluations:
        summed[one.optimizer, one.at] += np.array(one.confusion)
    for (name, at), counts in summed.items():
        for (actual, predicted), count in np.ndenumerate(counts):
            if count and actual != predicted:
                yield name, at, actual, predicted, int(count)


def _clearest(runs: Mapping[str, OptimizerRuns], judged: Mapping[str, Judgement]) -> tuple[str, list[Example]]:
    """The tutorial's optimizer if its runs at three rates have the full length, else the first of which that holds."""
    shown = {name: list(_examples(one, judged[name])) for name, one in runs.items()}
    names = sorted(shown, key=lambda name: name != TUTORIALS)
    whole = [name for name in names if sum(one.short_steps is None for one in shown[name]) == RATES]
    name = (whole or names)[0]
    return name, shown[name]


def _examples(runs: OptimizerRuns, judged: Judgement) -> Iterator[Example]:
    for lr, verdict in example_lrs(dict(judged.verdicts), judged.best_lr, full_results(runs.swept)).items():
        longest = max(run.steps for run in runs.swept if run.lr == lr)
        shown = [run for run in runs.swept if (run.lr, run.steps) == (lr, longest) and run.valid]
        curves = [([s.step for s in run.valid], [s.loss for s in run.valid], status(run)) for run in shown]
        yield Example(lr, verdict, None if longest == runs.steps else longest, curves)


def _schedule(runs: OptimizerRuns) -> tuple[list[int], list[float]]:
    """Steps and the share of the peak at each, of the run that came farthest; none where the lr is constant."""
    farthest = max(runs.swept, key=lambda run: len(run.lrs))
    steps = [window.step for window in farthest.train_loss[: len(farthest.lrs)]]
    return steps, [lr / farthest.lr for lr in farthest.lrs]


if __name__ == "__main__":
    command(illustrate)
