import csv
from pathlib import Path

import pytest

from stages.lib.files.errors import InputError
from stages.lib.files.tables import Value, read_csv, read_json, write_csv, write_json

NOT_FINITE = [float("nan"), float("inf"), float("-inf")]


def test_json_is_a_flat_readable_record(tmp_path: Path) -> None:
    path = tmp_path / "metrics" / "adam.json"
    record: dict[str, Value] = {"loss": 0.25, "steps": 123456789, "lr_best": None, "verdict": "none", "whole": True}
    write_json(path, record)
    lines = ['"loss": 0.25', '"steps": 123456789', '"lr_best": null', '"verdict": "none"', '"whole": true']
    assert path.read_bytes() == ("{\n  " + ",\n  ".join(lines) + "\n}\n").encode()
    assert read_json(path) == record
    assert [type(value) for value in read_json(path).values()] == [type(value) for value in record.values()]


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
    assert read_csv(path)[1] == {"name": "b,c", "step": "1", "loss": "0.1"}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"half", b"[1]", b"null", b'{"a": NaN}', b'{"a": {}}', b'{"a": "\xff"}']
)
def test_what_is_no_record_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_json(path)
    assert str(error.value) == f"{path}: holds no flat record in JSON; run 'dvc repro' to make it anew"


@pytest.mark.parametrize("row", ["0", "0,1,2"])
def test_csv_row_of_another_length_is_refused(tmp_path: Path, row: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"step,loss\n0,1\n{row}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.csv: row 2 has too few or too many cells; run 'dvc repro'"):
        read_csv(path)


def test_csv_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"step,loss\n0,\xff\n")
    with pytest.raises(InputError, match=r"a\.csv: is no CSV \(.*\); run 'dvc repro' to make it anew$"):
        read_csv(path)
