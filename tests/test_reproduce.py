"""What does not need a training; test_same_bytes.py reproduces real results."""

import json
from pathlib import Path

import pytest

from stages.lib.errors import InputError
from stages.lib.lockfile import Locked
from stages.reproduce import _compare

COLUMNS = "optimizer,seed,step,epoch,images,loss,accuracy\n"
ROW = "adam,0,0,0,100,2.5,0.1\n"


def compared(folder: Path, committed: str, again: str) -> int:
    for name, text in (("committed", committed), ("again", again)):
        path = folder / name / "plots/valid/adam.csv"
        path.parent.mkdir(parents=True)
        path.write_text(text)
        (folder / name / "metrics/timing").mkdir(parents=True)
        (folder / name / "metrics/timing/adam.json").write_text(json.dumps({"cpu": name}))
    locked = Locked(("python",), {"plots/valid/adam.csv": "a hash of neither"})
    return _compare("adam", locked, folder / "committed", folder / "again")


def test_other_results_are_told_with_the_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(tmp_path, COLUMNS + ROW, COLUMNS + ROW.replace("2.5,0.1", "2.5,0.11")) == 0
    said = capsys.readouterr().out
    assert said.startswith("adam: within tolerance (largest difference: 1.00 points of the final validation accuracy")
    assert said.splitlines()[-1] == "cpu  committed  again"
    assert "     committed  here" in said.splitlines()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (COLUMNS, r"adam\.csv: has no rows; run 'dvc repro' to make it anew$"),
        (COLUMNS + ROW.replace("2.5", "high"), r"adam\.csv: row 1: loss: is 'high'; run 'dvc repro' to make it anew$"),
        ("optimizer,seed,step\nadam,0,0\n", r"adam\.csv: row 1: epoch: is None; run 'dvc repro' to make it anew$"),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_damaged_table_is_one_line(tmp_path: Path, table: str, message: str, swapped: bool) -> None:
    tables = (COLUMNS + ROW, table) if swapped else (table, COLUMNS + ROW)
    with pytest.raises(InputError, match=message):
        compared(tmp_path, *tables)
