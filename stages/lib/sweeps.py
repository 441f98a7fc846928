"""The table of a sweep's runs, and what it says of each learning rate."""

from collections.abc import Iterable, Iterator, Mapping

from stages.lib import verdict
from stages.lib.curves import Curve, mean_before
from stages.lib.records import Value
from stages.lib.settings import Run
from stages.lib.verdict import Cell

SHORT = 0.1  # of the full length: enough to see what diverges and where to begin
COLUMNS = ("optimizer", "lr", "seed", "steps", "step", "train_loss", "valid_loss", "valid_accuracy", "status")


def rows(run: Run, curve: Curve) -> Iterator[tuple[Value, ...]]:
    """Rows of COLUMNS, one per validation; `steps` is the length the run was to have, `status` that of the run.

    train_loss is the mean over the window of steps before, and at step 0 the first batch's loss.
    """
    status = verdict.status([score.loss for score in curve.valid], curve.diverged)
    for score in curve.valid:
        train_loss = mean_before(curve, score.step)
        if train_loss is not None:
            yield (
                run.optimizer,
                run.lr,
                run.seed,
                curve.steps,
                score.step,
                train_loss,
                score.loss,
                score.accuracy,
                status,
            )


def cell(curves: Iterable[Curve]) -> Cell:
    """The runs of one optimizer at one rate."""
    return verdict.cell(([score.loss for score in curve.valid], curve.diverged) for curve in curves)


def cells(table: Iterable[Mapping[str, str]]) -> dict[float, Cell]:
    """The cell of every lr, ascending, by the full-length runs in a table of COLUMNS."""
    by_run: dict[tuple[float, str, int], list[Mapping[str, str]]] = {}
    for row in table:
        by_run.setdefault((float(row["lr"]), row["seed"], int(row["steps"])), []).append(row)
    longest = max(steps for _, _, steps in by_run)
    grouped: dict[float, list[tuple[list[float], bool]]] = {}
    for (lr, _, steps), run in sorted(by_run.items()):
        if steps == longest:
            losses = [float(row["valid_loss"]) for row in run]
            grouped.setdefault(lr, []).append((losses, run[-1]["status"] == "diverged"))
    return {lr: verdict.cell(runs) for lr, runs in grouped.items()}
