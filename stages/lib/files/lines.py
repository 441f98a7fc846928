"""Records as lines of JSON: one pydantic model, one record a line, the same records the same bytes."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from stages.lib.files.errors import InputError, refusal
from stages.lib.files.replacing import replacing

Record = TypeVar("Record", bound=BaseModel)


def write_lines(path: Path, records: Iterable[BaseModel]) -> None:
    """Write a line for each record, also none at all."""
    text = "".join(f"{record.model_dump_json()}\n" for record in records)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def read_lines(path: Path, model: type[Record], least: int = 1) -> list[Record]:
    """Read what `write_lines` wrote. InputError names the line that holds no such record, or that too few are there."""
    records = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            records.append(model.model_validate_json(line))
        except ValidationError as error:
            told = refusal(error).replace(" at line 1 column", " at column")
            raise InputError(f"{path}: line {number}: {told}; run 'dvc repro' to make it anew") from None
    if len(records) < least:
        raise InputError(f"{path}: holds no {model.__name__.lower()}; run 'dvc repro' to make it anew")
    return records
