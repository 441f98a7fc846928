"""JSON as the standard has it: Python's reader also takes NaN and Infinity, and ends in its own stack's depths."""

import json
from pathlib import Path
from typing import Any, NoReturn


def read_strict(path: Path) -> Any:
    """The file's value. ValueError when it is not JSON in UTF-8, or nested by hundreds of levels."""
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")
