"""docs/errors.md against the code: every message that it can give is in the table."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MESSAGE = {"InputError": 0, "RefusedError": 2}  # which argument is the text


def messages() -> Iterator[tuple[str, list[str]]]:
    """Where a message is made, and its constant parts; those made of variables alone have none."""
    for path in sorted((ROOT / "stages").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MESSAGE:
                text = node.args[MESSAGE[node.func.id]]
                values = text.values if isinstance(text, ast.JoinedStr) else [text]
                parts = [str(value.value).strip() for value in values if isinstance(value, ast.Constant)]
                yield f"{path.relative_to(ROOT)}:{node.lineno}", [part for part in parts if len(part) > 3]


@pytest.mark.parametrize("page", ["docs/errors.md", "docs/errors.zh-CN.md"])
def test_every_message_is_in_the_table(page: str) -> None:
    rows = [line for line in (ROOT / page).read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    found = list(messages())
    assert len(found) > 50
    missing = [
        f"{place}: {parts}" for place, parts in found if not any(all(part in row for part in parts) for row in rows)
    ]
    assert not missing, "add to docs/errors.md and docs/errors.zh-CN.md:\n" + "\n".join(missing)


def test_both_pages_have_the_same_messages() -> None:
    pages = [
        (ROOT / page).read_text(encoding="utf-8").splitlines() for page in ("docs/errors.md", "docs/errors.zh-CN.md")
    ]
    one, other = ([line.split(" | ")[0] for line in page if line.startswith("| ``")] for page in pages)
    assert one
    assert one == other
