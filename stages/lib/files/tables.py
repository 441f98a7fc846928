"""Metrics as flat JSON and curves as CSV: the same input gives the same bytes, and no NaN is ever written."""

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import FiniteFloat, TypeAdapter, ValidationError

from stages.lib.files.errors import InputError
from stages.lib.files.replacing import replacing

Value = str | int | float | bool | None
RECORD = TypeAdapter(dict[str, str | int | FiniteFloat | bool | None])
DIGITS = 6  # significant digits kept of a float: float32 results carry no more


def write_json(path: Path, record: Mapping[str, Value]) -> None:
    """Write one flat record; floats are rounded to DIGITS significant digits. ValueError on NaN or infinity."""
    text = json.dumps({key: _rounded(value) for key, value in record.items()}, indent=2, allow_nan=False)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Value]:
    """Read a record that `write_json` wrote. InputError when the file is none."""
    try:
        return RECORD.validate_json(path.read_bytes())
    except ValidationError:
        raise InputError(f"{path}: holds no flat record in JSON; run 'dvc repro' to make it anew") from None


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
    """Write a table with a header line. ValueError on NaN, infinity or a missing value: blanks draw as spikes."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            if None in row:
                raise ValueError(f"{path}: a row has no value: {row}")
            writer.writerow([_rounded(value) for value in row])


def read_csv(path: Path) -> list[dict[str, str]]:
    """Read a table as one dict of strings per row. InputError when a row has too few or too many cells."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: is no CSV ({error}); run 'dvc repro' to make it anew") from None
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values():
            raise InputError(f"{path}: row {number} has too few or too many cells; run 'dvc repro' to make it anew")
    return rows


def _rounded(value: Value) -> Value:
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number to write")
    return float(f"{value:.{DIGITS}g}")
