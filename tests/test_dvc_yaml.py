"""dvc.yaml against the code: a stage's dependencies are its own file and the wings that it imports, directly or not."""

import ast
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
LIB = ROOT / "stages/lib"
WINGS = sorted(path.name for path in LIB.iterdir() if (path / "__init__.py").exists())
STAGES: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
FILES = sorted(path.relative_to(ROOT) for folder in ("stages", "review") for path in (ROOT / folder).rglob("*.py"))
DEEPEST = 6  # modules in the longest chain of imports


def definition(name: str) -> dict[str, Any]:
    return STAGES[name].get("do", STAGES[name])


def imported(file: Path) -> set[Path]:
    """The project's files that `file` imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            module = Path(*node.module.split("."))
            found |= {module.with_suffix(".py")} | {module / f"{name.name}.py" for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {Path(*name.name.split(".")).with_suffix(".py") for name in node.names}
    return {path for path in found if path in FILES}


IMPORTS = {file: imported(file) for file in FILES}


def reached(file: Path) -> set[Path]:
    seen: set[Path] = set()
    waiting = {file}
    while waiting:
        seen |= waiting
        waiting = set().union(*(IMPORTS[path] for path in waiting)) - seen
    return seen


def wing(file: Path) -> str:
    return file.parts[2] if len(file.parts) == 4 else ""


@pytest.mark.parametrize("stage", STAGES)
def test_code_dependencies_are_what_the_stage_imports(stage: str) -> None:
    """`workers` left out: where and how a run executes changes no byte of it."""
    own = Path(*definition(stage)["cmd"].split()[2].split(".")).with_suffix(".py")
    listed = {dep for dep in definition(stage)["deps"] if dep.startswith("stages/")}
    wings = {wing(file) for file in reached(own)} - {"", "workers"}
    assert listed == {own.as_posix(), *(f"stages/lib/{name}" for name in wings)}


@pytest.mark.parametrize("stage", STAGES)
def test_every_path_of_the_command_is_tracked(stage: str) -> None:
    words = [word.strip('"') for word in definition(stage)["cmd"].split()[3:]]
    paths = {word for word in words if not word.startswith("--")} - {"${target_accuracy}", "data/network/network.py"}
    tracked = {"params.yaml"} if "params" in definition(stage) else set()
    for kind in ("deps", "outs", "metrics", "plots"):
        tracked |= {entry if isinstance(entry, str) else next(iter(entry)) for entry in definition(stage).get(kind, [])}
    data = {path for path in tracked if not path.startswith("stages/") and path != "requirements.txt"}
    if stage != "configure":  # it also removes what is left of optimizers that are gone
        assert paths <= data
    # in the folder of the network a stage reads one file, and the other makes results stale; params.yaml names a third
    assert data - paths <= {"data/network", "${network}"}


def test_stages_are_few_and_each_is_a_file() -> None:
    verbs = {path.stem for path in (ROOT / "stages").glob("*.py")} - {"__init__"}
    assert verbs == set(STAGES)
    optimizers = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["optimizers"]
    assert sum(len(optimizers) if "foreach" in STAGES[name] else 1 for name in STAGES) <= 25


def test_nothing_lies_loose_between_the_wings() -> None:
    assert [path.name for path in LIB.glob("*.py")] == ["__init__.py"]


def test_verbs_do_not_import_verbs_and_nothing_imports_the_review() -> None:
    for file in FILES:
        loose = {path for path in IMPORTS[file] if path.parts[0] == "stages" and len(path.parts) == 2}
        assert loose <= {Path("stages/__init__.py")}, file
        assert file.parts[0] == "review" or not [path for path in IMPORTS[file] if path.parts[0] == "review"], file


def test_wings_import_only_what_they_say() -> None:
    """The docstring of a wing's __init__.py says 'Imports a, b and c'; so the wings have no circle."""
    said: dict[str, set[str]] = {}
    for name in WINGS:
        text = ast.get_docstring(ast.parse((LIB / name / "__init__.py").read_text(encoding="utf-8"))) or ""
        line = re.search(r"Imports ([^;.]+)", text)
        assert line, name
        said[name] = set(re.findall(r"\w+", line[1])) & set(WINGS)
        used = {wing(path) for file in FILES if wing(file) == name for path in IMPORTS[file]}
        assert used - {name, ""} == said[name], name
    order: list[str] = []
    while len(order) < len(WINGS):
        ready = [name for name in WINGS if name not in order and said[name] <= set(order)]
        assert ready, f"a circle among {set(WINGS) - set(order)}"
        order += ready


def chain(file: Path) -> list[Path]:
    return max(([file, *chain(path)] for path in IMPORTS[file]), key=len, default=[file])


def test_imports_are_shallow() -> None:
    longest = max((chain(file) for file in FILES), key=len)
    assert len(longest) <= DEEPEST, " -> ".join(map(str, longest))


@pytest.mark.parametrize("command", ["git", "dvc"])
def test_what_a_kill_leaves_is_in_no_result(command: str) -> None:
    """See stages/lib/files/replacing.py; in a tracked folder it would change the folder."""
    left = [".metrics.tmp/adam.json", "plots/.accuracy.csv.tmp", "data/train/.adam.jsonl.tmp"]
    done = subprocess.run([command, "check-ignore", *left], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == left


def test_only_evaluate_reads_the_eval_split() -> None:
    mentions = {path.stem for path in FILES if '"eval"' in (ROOT / path).read_text(encoding="utf-8")}
    assert mentions == {"fetch", "splits", "evaluate"}  # the first two only know that there is one


@pytest.mark.parametrize(
    ("package", "importers"), [("paddle", {"config", "training"}), ("matplotlib", {"drawing", "review"})]
)
def test_heavy_packages_are_imported_where_they_belong(package: str, importers: set[str]) -> None:
    pattern = re.compile(rf"^\s*(import|from) {package}\b", re.MULTILINE)
    found = {path.parent.name for path in FILES if pattern.search((ROOT / path).read_text(encoding="utf-8"))}
    assert found == importers


def test_the_map_shows_the_imports_between_wings() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    drawn = {
        (one, other)
        for one, others in re.findall(r"^  (\w+) --> ([\w &]+)$", text.split("flowchart TD")[1], re.MULTILINE)
        for other in others.split(" & ")
    }
    found = {(wing(file), wing(path)) for file in FILES for path in IMPORTS[file] if wing(file)}
    assert drawn == {(one, other) for one, other in found if other not in {"", one}}
