"""The Chinese pages hold the same commands and figures as the English ones, and what they name is there."""

import re
import shlex
from importlib.util import find_spec
from itertools import dropwhile, groupby
from pathlib import Path

import pytest
import yaml
from dvc.cli import parse_args
from dvc.utils.hydra import apply_overrides, get_hydra_sweeps

from stages.lib.config.optimizers import check
from stages.lib.config.params import load_params

ROOT = Path(__file__).parent.parent
CHINESE = [
    "README.zh-CN.md",
    *sorted(page.relative_to(ROOT).as_posix() for page in (ROOT / "docs").glob("*.zh-CN.md")),
]
PAIRS = [(page.replace(".zh-CN", ""), page) for page in CHINESE]
PAGES = ["README.md", *sorted(page.relative_to(ROOT).as_posix() for page in (ROOT / "docs").glob("*.md")), CHINESE[0]]
RULES = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
OPTIMIZERS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["optimizers"]
GROUPS = {"", "plots", "exp", "queue"}  # of commands of dvc, which a sentence may name


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def commands(page: str) -> list[str]:
    """Lines of the code blocks, without comments, which are in the page's language."""
    lines = re.findall(r"^    (.+)$", text_of(page), re.MULTILINE)
    without = [re.sub(r"\s+# .*", "", line).strip() for line in lines]
    return [line for line in without if line and not line.startswith("#") and line.isascii()]


def figures(page: str) -> list[str]:
    return re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text_of(page))


def typed(verb: str) -> list[list[str]]:
    """The words after `verb` of each command of all pages, in blocks and in sentences, without its environment."""
    found = []
    for page in PAGES:
        for line in [*commands(page), *re.findall(r"`([^`\n]+)`", text_of(page))]:
            if not re.match(r"([A-Z_]+=\S+ )*(make|dvc|python|git)( |$)", line):
                continue
            words = shlex.split(re.sub(r"\$\([^)]*\)", "a" * 64, line))
            for _, several in groupby(words, lambda word: word in {"&&", "|"}):
                command = list(dropwhile(lambda word: re.match("[A-Z_]+=", word), several))
                if command[0] == verb:
                    found.append(command[1:])
    return found


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_commands_are_the_same(english: str, chinese: str) -> None:
    assert commands(english) or english == "docs/judging.md"
    assert commands(chinese) == commands(english)


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_figures_are_the_same_and_there(english: str, chinese: str) -> None:
    assert figures(chinese) == figures(english)
    for figure in figures(english):
        assert ((ROOT / english).parent / figure).is_file(), figure


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"(?<!!)\[[^\]]*\]\(([^)#]+)\)", text_of(page)):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target


@pytest.mark.parametrize(("first", "pages"), [("README.md", {*PAGES} - {*CHINESE}), ("README.zh-CN.md", {*CHINESE})])
def test_every_page_is_reached_from_the_readme(first: str, pages: set[str]) -> None:
    """By links between pages of its language."""
    seen, left = set[str](), [first]
    while left:
        page = left.pop()
        seen.add(page)
        targets = [(ROOT / page).parent / target for target in re.findall(r"\]\(([^)#:]+)\)", text_of(page))]
        left += {target.resolve().relative_to(ROOT.resolve()).as_posix() for target in targets} & pages - seen
    assert seen == pages


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_readme_is_short(page: str) -> None:
    assert len(text_of(page).splitlines()) <= 150


def test_rules_of_make_are_there() -> None:
    rules = {word for words in typed("make") for word in words if "=" not in word}
    assert "first-look" in rules
    assert rules <= {*RULES}


def test_modules_are_there() -> None:
    modules = {words[1] for words in typed("python") if words[:1] == ["-m"]}
    assert "review" in modules
    assert [name for name in modules - {"pip", "stages.<verb>"} if find_spec(name) is None] == []


@pytest.mark.parametrize("line", sorted({shlex.join(words) for words in typed("dvc")} - GROUPS))
def test_dvc_takes_the_command(line: str, tmp_path: Path) -> None:
    """Its own parser does; the stages are there; and params.yaml, changed as `-S` says, is one that configure takes."""
    words = shlex.split(line)
    given = parse_args(words)
    for target in getattr(given, "targets", None) or []:
        stage, _, optimizer = str(target).partition("@")
        assert stage in STAGES or given.func.__name__ == "CmdPlotsDiff"
        assert not optimizer or optimizer in OPTIMIZERS
    changes = getattr(given, "set_param", None) or []
    for override in get_hydra_sweeps({"params.yaml": changes}) if changes else []:
        params = tmp_path / "params.yaml"
        params.write_text(text_of("params.yaml"), encoding="utf-8")
        apply_overrides(params, override["params.yaml"])
        for name, asked in load_params(params).optimizers.items():
            check(asked.type, asked.arguments, name)
