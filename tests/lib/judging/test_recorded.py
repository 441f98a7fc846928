from pathlib import Path

import pytest
from recorded import DEAD, GRID, ending, optimizer_runs, write_recorded

from stages.lib.config.settings import SweepSettings, load_settings, write_settings
from stages.lib.config.values import OfPaddle
from stages.lib.files.errors import InputError
from stages.lib.files.lines import write_lines
from stages.lib.judging.optimizer_runs import OptimizerRuns
from stages.lib.judging.recorded import read_recorded

RUNS = {"sgd": optimizer_runs(0.03, [0.2, 0.3], {0.01: [0.1]})}
KINDS = ("train", "sweep", "tune")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_recorded(tmp_path, RUNS)
    return tmp_path


def read(folder: Path) -> dict[str, OptimizerRuns]:
    return read_recorded(*(folder / kind for kind in ("config", *KINDS)))


def test_runs_of_those_that_are_configured(folder: Path) -> None:
    write_lines(folder / "train/gone.jsonl", [ending(0.2, optimizer="gone")])
    assert read(folder) == RUNS


def test_tune_is_empty_where_nothing_learns(folder: Path) -> None:
    write_lines(folder / "tune/sgd.jsonl", [])
    write_lines(folder / "sweep/sgd.jsonl", [ending(DEAD, lr=lr) for lr in GRID])
    assert read(folder)["sgd"].tuned == []


def test_the_schedule_that_makes_an_lr_the_peak(folder: Path) -> None:
    path = folder / "config/sgd/sweep.json"
    asked = load_settings(path, SweepSettings)
    write_settings(path, asked.model_copy(update={"schedule": OfPaddle.model_validate({"type": "StepDecay"})}))
    assert read(folder)["sgd"].schedule == "StepDecay"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("optimizer,seed,step,loss\nsgd,0,0,2.5\n", "line 1: is not JSON: expected value at column 1"),
        ('{"lr": 0.1}\n', "line 1: optimizer: is missing beside ['lr']"),
    ],
    ids=["a table", "another record"],
)
def test_what_is_no_run_is_told_in_one_line(folder: Path, kind: str, content: str, told: str) -> None:
    path = folder / kind / "sgd.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read(folder)
    assert str(error.value) == f"{path}: {told}; run 'dvc repro' to make it anew"
