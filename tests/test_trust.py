"""What the pipeline loads cannot run code, and what it installs is what was locked."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("requirements.txt", "requirements-cluster.txt", "requirements-dev.txt")
GROUPS = {
    "requirements.txt": PROJECT["project"]["dependencies"],
    "requirements-cluster.txt": PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["cluster"],
    "requirements-dev.txt": PROJECT["project"]["dependencies"]
    + [*PROJECT["dependency-groups"]["cluster"], *PROJECT["dependency-groups"]["dev"]],
}
# each runs what a file says
RUNS_CODE = {
    *("eval", "exec", "compile", "__import__"),
    *("paddle.load", "paddle.jit.load", "pickle.load", "pickle.loads", "pickle.Unpickler"),
    *("yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load", "os.system", "joblib.load"),
}


@pytest.mark.parametrize(
    "path",
    sorted(path for name in ("stages", "review") for path in (ROOT / name).rglob("*.py")),
    ids=lambda path: path.stem,
)
def test_nothing_that_is_loaded_can_run_code(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) in RUNS_CODE:
            # dvc.lock takes a second less in C, and that loader is a safe one; the user's network is code
            allowed = {"exec", "compile"} if path.name == "network.py" else {"yaml.load"}
            assert ast.unparse(node) in allowed, f"{path.name}:{node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.Call) and re.search(r"(np\.load|read_array|np\.savez)$", ast.unparse(node.func)):
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            unless_told = "False" if ast.unparse(node.func) == "np.load" else "True"  # by NumPy itself
            assert given.get("allow_pickle", unless_told) == "False", f"{path.name}:{node.lineno}"
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "yaml.load":
            loader = ast.unparse([*node.args, *(keyword.value for keyword in node.keywords)][1])
            assert loader in {"yaml.CSafeLoader", "LOADER"}, f"{path.name}:{node.lineno}: {loader}"
        if isinstance(node, ast.Import | ast.ImportFrom) and "pickle" in ast.unparse(node):
            pytest.fail(f"{path.name}:{node.lineno}: unpickling runs what a file says")


def locked(name: str) -> dict[str, tuple[Requirement, int]]:
    """Each package of a lock file: its requirement, and how many hashes it has."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    found: dict[str, tuple[Requirement, int]] = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            requirement = Requirement(line.split("--hash=")[0].strip())
            found[canonicalize_name(requirement.name)] = (requirement, line.count("--hash=sha256:"))
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_lock_satisfies_the_project(name: str) -> None:
    lock = locked(name)
    for wanted in map(Requirement, GROUPS[name]):
        (pin,) = lock[canonicalize_name(wanted.name)][0].specifier
        assert pin.operator == "=="
        assert wanted.specifier.contains(pin.version), wanted


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_one_version_and_hashes(name: str) -> None:
    for requirement, hashes in locked(name).values():
        assert [pin.operator for pin in requirement.specifier] == ["=="], requirement
        assert hashes > 0, requirement


def test_all_locks_have_the_same_versions() -> None:
    runtime, cluster, development = (locked(name) for name in LOCKS)
    for smaller, larger in ((runtime, cluster), (cluster, development)):
        for name, (requirement, _) in smaller.items():
            assert larger[name][0].specifier == requirement.specifier, name


@pytest.mark.parametrize("name", LOCKS)
def test_no_lock_names_an_index(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index|--find-links|--trusted-host|(^|\s)-[if]\s", text)
