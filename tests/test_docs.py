"""The Chinese pages hold the same commands and figures as the English ones, and every figure is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAIRS = [
    ("README.md", "README.zh-CN.md"),
    ("docs/judging.md", "docs/judging.zh-CN.md"),
    ("docs/review.md", "docs/review.zh-CN.md"),
]


def commands(page: str) -> list[str]:
    """Lines of the code blocks, without comments, which are in the page's language."""
    lines = re.findall(r"^    (.+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    without = [re.sub(r"\s+# .*", "", line).strip() for line in lines]
    return [line for line in without if line and not line.startswith("#") and line.isascii()]


def figures(page: str) -> list[str]:
    return re.findall(r"!\[[^\]]*\]\(([^)]+)\)", (ROOT / page).read_text(encoding="utf-8"))


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_commands_are_the_same(english: str, chinese: str) -> None:
    assert commands(english)
    assert commands(chinese) == commands(english)


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_figures_are_the_same_and_there(english: str, chinese: str) -> None:
    assert figures(chinese) == figures(english)
    for figure in figures(english):
        assert ((ROOT / english).parent / figure).is_file(), figure


@pytest.mark.parametrize("page", [page for pair in PAIRS for page in pair])
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"(?<!!)\[[^\]]*\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target
