"""Metrics as flat JSON and curves as CSV: the same input gives the same bytes, and no NaN is ever written."""

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path

from stages.lib.errors import InputError
from stages.lib.files import replacing
from stages.lib.json_text import read_strict

WORDS = {"optimizer", "status"}  # columns of all tables
WHOLE = {"seed", "step", "steps", "images"}
Value = str | int | float | bool | None
DIGITS = 6  # significant digits kept of a float: float32 results carry no more


def write_json(path: Path, record: Mapping[str, Value]) -> None:
    """Write one flat record; floats are rounded to DIGITS significant digits. ValueError on NaN or infinity."""
    text = json.dumps({key: _rounded(value) for key, value in record.items()}, indent=2, allow_nan=False)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path, keys: Set[str] = frozenset()) -> dict[str, Value]:
    """Read a record that `write_json` wrote. InputError when it is no flat JSON object that has all of `keys`."""
    try:
        record = read_strict(path)
    except ValueError as error:
        raise InputError(f"{path}: is not JSON ({error}); run 'dvc repro' to make it anew") from None
    if not isinstance(record, dict):
        raise InputError(f"{path}: holds no JSON object; run 'dvc repro' to make it anew")
    for key in keys - set(record):
        raise InputError(f"{path}: holds no {key!r}; run 'dvc repro' to make it anew")
    for key, value in record.items():
        if isinstance(value, list | dict) or (isinstance(value, float) and not math.isfinite(value)):
            raise InputError(f"{path}: {key!r}: is no word and no finite number; run 'dvc repro' to make it anew")
    return record


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
    """Write a table with a header line. ValueError on NaN, infinity or a missing value: blanks draw as spikes."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            if None in row:
                raise ValueError(f"{path}: a row has no value: {row}")
            writer.writerow([_rounded(value) for value in row])


def read_csv(path: Path, columns: Sequence[str] = ()) -> list[dict[str, str]]:
    """Read a table as one dict of strings per row. InputError when a row has too few or too many cells.

    Those of `columns` must be there, and their cells be what their names tell: words in WORDS, whole numbers in WHOLE,
    finite numbers in all others, none below 0.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: is no CSV ({error}); run 'dvc repro' to make it anew") from None
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values():
            raise InputError(f"{path}: row {number} has too few or too many cells; run 'dvc repro' to make it anew")
        for column in columns:
            if not _fits(column, row.get(column)):
                shown = f"{row.get(column)!r:.40}"
                raise InputError(f"{path}: row {number}: {column}: is {shown}; run 'dvc repro' to make it anew")
    return rows


def _fits(column: str, cell: str | None) -> bool:
    if cell is None or column in WORDS:
        return bool(cell)
    try:
        return (int(cell) if column in WHOLE else float(cell)) >= 0 and math.isfinite(float(cell))
    except (ValueError, OverflowError):
        return False


def _rounded(value: Value) -> Value:
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number to write")
    return float(f"{value:.{DIGITS}g}")
