"""Metrics as flat JSON and curves as CSV: the same input gives the same bytes, and no NaN is ever written."""

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from stages.lib.files.replacing import replacing, write

Value = str | int | float | bool | None
DIGITS = 6  # significant digits kept of a float: float32 results carry no more


def write_json(path: Path, record: Mapping[str, Value]) -> None:
    """Write one flat record; floats are rounded to DIGITS significant digits. ValueError on NaN or infinity."""
    text = json.dumps({key: _rounded(value) for key, value in record.items()}, indent=2, allow_nan=False)
    write(path, f"{text}\n".encode())


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
    """Write a table with a header line. ValueError on NaN, infinity or a missing value: blanks draw as spikes."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            if None in row:
                raise ValueError(f"{path}: a row has no value: {row}")
            writer.writerow([_rounded(value) for value in row])


def _rounded(value: Value) -> Value:
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number to write")
    return float(f"{value:.{DIGITS}g}")
