"""The calibration in words and one table: how often the sweep agrees, and where it does not."""

from collections.abc import Mapping, Sequence

from stages.lib.judging.optimizer_runs import OptimizerRuns
from stages.lib.judging.verdict import pooled_spread
from stages.lib.runs.run import Run

COLUMNS = ("data", "optimizer", "lr", "sweep", "full_length", "status", "ratio")
Row = tuple[str, str, float, str, str, str, float]
CLEAR = (1.35, 1.65)  # a ratio outside is away from the tolerance: there, all should be decided, and rightly
OPEN = ("borderline", "undetermined")


def report_of(rows: Sequence[Row], runs: Mapping[str, Mapping[str, OptimizerRuns]], seeds: Sequence[int]) -> str:
    """Markdown: a line for each data set with its counts, and every clear cell that is open or wrong."""
    bad = [row for row in rows if row[3] != row[4] and not CLEAR[0] <= row[6] <= CLEAR[1]]
    lines = [
        "# Calibration: the sweep's verdicts beside full-length training",
        "",
        "A cell is an optimizer and a rate of the grid. The sweep's verdict on it agrees with full-length training at "
        f"that rate (seed {seeds[0]}; near the best also {', '.join(map(str, seeds[1:]))}, but for MNIST), or is open, "
        "borderline or undetermined, or is wrong. Beside MNIST: data made from a tenth of it, trained for 300 steps.",
        "",
        "| data | cells | agree | borderline | undetermined | wrong | steps of the sweep | seeds' spread of ln(loss) |",
        "|---|---|---|---|---|---|---|---|",
        *(_line(data, [row for row in rows if row[0] == data], one) for data, one in runs.items()),
        "",
        f"Cells whose ratio at full length is below {CLEAR[0]} or above {CLEAR[1]}, but that are open or wrong "
        f"({len(bad)}; ratio 0: a run that did not learn):",
        "",
        "| data | optimizer | lr | sweep | full length | ratio |",
        "|---|---|---|---|---|---|",
        *(f"| {r[0]} | {r[1]} | {r[2]:g} | {r[3]} | {r[4]} | {r[6]:.2f} |" for r in bad),
    ]
    return "\n".join(lines) + "\n"


def _line(data: str, rows: Sequence[Row], runs: Mapping[str, OptimizerRuns]) -> str:
    spread = pooled_spread(result for one in runs.values() for result in one.results().values())
    kinds = [sum(row[3] == kind for row in rows) for kind in OPEN]
    agree = sum(row[3] == row[4] for row in rows)
    steps = sum(_trained(run) for one in runs.values() for run in one.swept)
    cells = [data, len(rows), agree, *kinds, len(rows) - agree - sum(kinds), f"{steps:,}"]
    return "| " + " | ".join(map(str, cells)) + f" | {spread.sd:.3f} ({spread.dof} degrees of freedom) |"


def _trained(run: Run) -> int:
    return (run.train_loss[-1].step if run.train_loss else 0) if run.diverged else run.steps
