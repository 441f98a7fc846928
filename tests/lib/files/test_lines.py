from pathlib import Path

import pytest
from hypothesis import given
from recorded import ending
from spoiled import cases, refused_or_right, spoiled_bytes

from stages.lib.files.errors import InputError
from stages.lib.files.lines import read_lines, write_lines
from stages.lib.runs.run import Run

RUNS = [ending(0.1, wrong=(3, 7)), ending(0.2, seed=1)]
LINES = "".join(f"{run.model_dump_json()}\n" for run in RUNS)


def test_a_line_a_record(tmp_path: Path) -> None:
    """Unix lines everywhere."""
    path = tmp_path / "train" / "sgd.jsonl"
    write_lines(path, RUNS)
    assert path.read_bytes() == LINES.encode()
    assert read_lines(path, Run) == RUNS


def test_no_record_is_a_result_too(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    write_lines(path, [])
    assert read_lines(path, Run) == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (LINES[:-20], "line 2: is not JSON: EOF while parsing"),
        (LINES.replace('"seed":1', '"seed":true'), "line 2: seed: True is not allowed; allowed: a valid integer"),
        (LINES.replace('"seed":1', '"sed":1'), "line 2: seed: is missing beside ['optimizer', 'lr', 'sed'"),
        (LINES.replace("0.2,0.9", "NaN,0.9"), "line 2: valid.1.2: nan is not allowed; allowed: a finite number"),
        (LINES.replace("[1500,", "[1400,", 1), "line 1: top level: {'optimizer': 'sgd',"),
        (LINES + "\n", "line 3: is not JSON: EOF while parsing a value at column 0"),
    ],
    ids=["cut", "another type", "another key", "not finite", "not whole", "blank"],
)
def test_the_line_that_holds_no_record_is_named(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_lines(path, Run)
    assert str(error.value).startswith(f"{path}: {told}")
    assert str(error.value).endswith("; run 'dvc repro' to make it anew")


@cases(200)
@given(content=spoiled_bytes(LINES.encode()))
def test_spoiled_lines_are_records_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "spoiled.jsonl"
    path.write_bytes(content)
    with refused_or_right(path, "run 'dvc repro' to make it anew"):
        assert all(isinstance(run, Run) for run in read_lines(path, Run))
