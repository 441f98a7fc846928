import csv
import json
from pathlib import Path

import pytest

from stages.lib.errors import InputError
from stages.lib.records import Value, read_csv, read_json, write_csv, write_json

NOT_FINITE = [float("nan"), float("inf"), float("-inf")]


def test_json_is_a_flat_readable_record(tmp_path: Path) -> None:
    path = tmp_path / "metrics" / "adam.json"
    record: dict[str, Value] = {"loss": 0.25, "steps": 1500, "to_97": None, "status": "finished", "whole": True}
    write_json(path, record)
    assert json.loads(path.read_text()) == record
    assert path.read_text() == (
        '{\n  "loss": 0.25,\n  "steps": 1500,\n  "to_97": null,\n  "status": "finished",\n  "whole": true\n}\n'
    )
    assert read_json(path) == record


@pytest.mark.parametrize(
    ("value", "digits"),
    [(0.123456789, "0.123457"), (1234567.8, "1234570.0"), (1e-9 / 3, "3.33333e-10"), (2.0, "2.0"), (-0.1, "-0.1")],
)
def test_floats_keep_six_digits(tmp_path: Path, value: float, digits: str) -> None:
    write_json(tmp_path / "a.json", {"x": value})
    assert (tmp_path / "a.json").read_text() == f'{{\n  "x": {digits}\n}}\n'
    write_csv(tmp_path / "a.csv", ["x"], [[value]])
    assert (tmp_path / "a.csv").read_text() == f"x\n{digits}\n"


def test_whole_numbers_keep_all_digits(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"x": 123456789})
    assert read_json(tmp_path / "a.json") == {"x": 123456789}


@pytest.mark.parametrize("value", NOT_FINITE)
def test_json_refuses_what_is_not_finite(tmp_path: Path, value: float) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(ValueError, match="is no number to write"):
        write_json(path, {"loss": value})
    assert path.read_text() == "old"


@pytest.mark.parametrize("value", [*NOT_FINITE, None])
def test_csv_refuses_a_cell_without_a_number(tmp_path: Path, value: float | None) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(ValueError, match=r"is no number to write|a\.csv: a row has no value"):
        write_csv(path, ["step", "loss"], [[0, 1.0], [1, value]])
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_csv_has_a_header_and_unix_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_csv(path, ["name", "step", "loss"], [["a", 0, 2.5], ["b,c", 1, 0.1]])
    assert path.read_bytes() == b'name,step,loss\na,0,2.5\n"b,c",1,0.1\n'
    with path.open(newline="") as file:
        assert list(csv.reader(file))[2] == ["b,c", "1", "0.1"]


def test_csv_is_read_as_strings(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("step,loss\n0,2.5\n20,0.1\n")
    assert read_csv(path) == [{"step": "0", "loss": "2.5"}, {"step": "20", "loss": "0.1"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("half", "is not JSON"),
        ("[1]", "no JSON object"),
        ("null", "no JSON"),
    ],
)
def test_bad_json_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"a\.json: .*{message}.*; run 'dvc repro' to make it anew"):
        read_json(path)


def test_json_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(InputError, match=r"a\.json: is not JSON"):
        read_json(path)


@pytest.mark.parametrize("row", ["0", "0,1,2"])
def test_csv_row_of_another_length_is_refused(tmp_path: Path, row: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"step,loss\n0,1\n{row}\n")
    with pytest.raises(InputError, match=r"a\.csv: row 2 has too few or too many cells; run 'dvc repro'"):
        read_csv(path)


def test_csv_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"step,loss\n0,\xff\n")
    with pytest.raises(InputError, match=r"a\.csv: "):
        read_csv(path)
