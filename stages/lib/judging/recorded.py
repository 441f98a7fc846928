"""The recorded runs of all optimizers, read from the folders of the stages that trained them."""

from pathlib import Path

from stages.lib.config.settings import SweepSettings, load_names, load_settings
from stages.lib.files.lines import read_lines
from stages.lib.judging.optimizer_runs import OptimizerRuns
from stages.lib.runs.run import Run


def read_recorded(config: Path, train: Path, sweep: Path, tune: Path) -> dict[str, OptimizerRuns]:
    """The runs of every optimizer that is configured, by its name; those of others stay out."""
    recorded = {}
    for name in load_names(config / "optimizers.json"):
        asked = load_settings(config / name / "sweep.json", SweepSettings)
        schedule = asked.schedule.type if asked.schedule else ""
        trained, swept, tuned = (read_lines(folder / f"{name}.jsonl", Run) for folder in (train, sweep, tune))
        recorded[name] = OptimizerRuns(asked.lrs, trained, swept, tuned, schedule)
    return recorded
