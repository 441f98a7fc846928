import csv
from pathlib import Path

import pytest

from stages.lib.files.tables import Value, write_csv, write_json

NOT_FINITE = [float("nan"), float("inf"), float("-inf")]


def test_json_is_a_flat_readable_record(tmp_path: Path) -> None:
    path = tmp_path / "metrics" / "adam.json"
    record: dict[str, Value] = {"loss": 0.25, "steps": 123456789, "lr_best": None, "verdict": "none", "whole": True}
    write_json(path, record)
    lines = ['"loss": 0.25', '"steps": 123456789', '"lr_best": null', '"verdict": "none"', '"whole": true']
    assert path.read_bytes() == ("{\n  " + ",\n  ".join(lines) + "\n}\n").encode()


@pytest.mark.parametrize(
    ("value", "digits"),
    [(0.123456789, "0.123457"), (1234567.8, "1234570.0"), (1e-9 / 3, "3.33333e-10"), (2.0, "2.0"), (-0.1, "-0.1")],
)
def test_floats_keep_six_digits(tmp_path: Path, value: float, digits: str) -> None:
    write_json(tmp_path / "a.json", {"x": value})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == f'{{\n  "x": {digits}\n}}\n'
    write_csv(tmp_path / "a.csv", ["x"], [[value]])
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == f"x\n{digits}\n"


@pytest.mark.parametrize("value", NOT_FINITE)
def test_json_refuses_what_is_not_finite(tmp_path: Path, value: float) -> None:
    path = tmp_path / "a.json"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ValueError, match="is no number to write"):
        write_json(path, {"loss": value})
    assert path.read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize("value", [*NOT_FINITE, None])
def test_csv_refuses_a_cell_without_a_number(tmp_path: Path, value: float | None) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ValueError, match=r"is no number to write|a\.csv: a row has no value"):
        write_csv(path, ["step", "loss"], [[0, 1.0], [1, value]])
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_csv_has_a_header_and_unix_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_csv(path, ["name", "step", "loss"], [["a", 0, 2.5], ["b,c", 1, 0.1]])
    assert path.read_bytes() == b'name,step,loss\na,0,2.5\n"b,c",1,0.1\n'
    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[2] == ["b,c", "1", "0.1"]
