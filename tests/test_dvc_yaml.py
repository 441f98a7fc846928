"""dvc.yaml against the code: a stage's dependencies are the files that it imports, directly or not."""

import ast
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
UNTRACKED = {".dvc/tmp/runs"}  # what a killed stage resumes from, and DVC ignores
STAGES: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def definition(name: str) -> dict[str, Any]:
    return STAGES[name].get("do", STAGES[name])


def imported(file: Path) -> set[Path]:
    """The project's files that `file` imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "stages":
            module = Path(*node.module.split("."))
            found |= {module.with_suffix(".py")} | {module / f"{name.name}.py" for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {Path(*name.name.split(".")).with_suffix(".py") for name in node.names}
    return {path for path in found if (ROOT / path).is_file()}


def reached(file: Path) -> set[Path]:
    seen: set[Path] = set()
    waiting = {file}
    while waiting:
        seen |= waiting
        waiting = set().union(*(imported(path) for path in waiting)) - seen
    return seen


@pytest.mark.parametrize("stage", STAGES)
def test_code_dependencies_are_what_the_stage_imports(stage: str) -> None:
    listed = {Path(dep) for dep in definition(stage)["deps"] if dep.startswith("stages/")}
    assert listed == reached(Path("stages", definition(stage)["cmd"].split()[2].split(".")[1] + ".py"))


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_depends_on_the_library_versions(stage: str) -> None:
    assert "requirements.txt" in definition(stage)["deps"]


@pytest.mark.parametrize("stage", STAGES)
def test_every_file_of_the_command_is_tracked(stage: str) -> None:
    words = [word.strip('"') for word in definition(stage)["cmd"].split()[3:]]
    paths = {word for word in words if not word.startswith("--")}
    tracked = {"params.yaml"} if "params" in definition(stage) else set()
    for kind in ("deps", "outs", "metrics", "plots"):
        tracked |= {entry if isinstance(entry, str) else next(iter(entry)) for entry in definition(stage).get(kind, [])}
    own = {path for path in tracked if not path.startswith("stages/") and path != "requirements.txt"}
    unknown = {path for path in paths - own if not own & set(map(str, Path(path).parents))}  # not in a tracked folder
    assert unknown <= UNTRACKED
    assert own <= paths


@pytest.mark.parametrize("command", ["git", "dvc"])
def test_what_a_kill_leaves_is_in_no_result(command: str) -> None:
    """See stages/lib/files.py; in a tracked folder it would change the folder."""
    left = ["metrics/train/.adam.json.tmp", "plots/valid/.adam.csv.tmp", "data/models/.adam.old.tmp"]
    done = subprocess.run([command, "check-ignore", *left], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == left


def test_make_repro_mends_before_dvc_reads() -> None:
    planned = subprocess.check_output(["make", "--dry-run", "repro"], cwd=ROOT, text=True)
    assert 0 < planned.index("python -m stages.mend dvc.lock .dvc/tmp") < planned.index("dvc repro")


def test_only_evaluate_reads_the_eval_split() -> None:
    mentions = {path.stem for path in (ROOT / "stages").rglob("*.py") if '"eval"' in path.read_text()}
    assert mentions == {"fetch", "dataset", "evaluate"}  # the first two only know that there is one


def test_verbs_do_not_import_verbs() -> None:
    verbs = {Path("stages", f"{path.stem}.py") for path in (ROOT / "stages").glob("*.py")} - {
        Path("stages/__init__.py")
    }
    for verb in verbs:
        assert reached(verb) & verbs == {verb}


@pytest.mark.parametrize(
    ("package", "importers"),
    [
        ("paddle", {"model", "conv", "optimizers", "engines"}),
        ("matplotlib", {"figures", "lr_figures", "review_figures", "surface_figure"}),
    ],
)
def test_heavy_packages_are_imported_where_they_belong(package: str, importers: set[str]) -> None:
    pattern = re.compile(rf"^\s*(import|from) {package}\b", re.MULTILINE)
    found = {path.stem for path in (ROOT / "stages").rglob("*.py") if pattern.search(path.read_text())}
    assert found <= importers
    assert found
