"""Records as lines of JSON: one pydantic model, one record a line, the same records the same bytes."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from stages.lib.files.errors import InputError, refusal
from stages.lib.files.replacing import write

Record = TypeVar("Record", bound=BaseModel)


def write_lines(path: Path, records: Iterable[BaseModel]) -> None:
    """Write a line for each record, also none at all."""
    write(path, "".join(f"{record.model_dump_json()}\n" for record in records).encode())


def read_lines(path: Path, kind: type[Record]) -> list[Record]:
    """Read what `write_lines` wrote. InputError names the line that holds no such record."""
    records = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            records.append(kind.model_validate_json(line))
        except ValidationError as error:
            told = refusal(error).replace(" at line 1 column", " at column")
            raise InputError(f"{path}: line {number}: {told}; run 'dvc repro' to make it anew") from None
    return records
