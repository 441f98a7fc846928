"""`make repro` in surroundings that users have: no git, no identity, odd paths, another Python."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from clones import ROOT, Clone
from small_clones import Session, small_clone, write_small

from stages.lib.dataset.splits import Split

MAKE = ("make", "-o", ".venv/runtime", "repro")  # the packages are there: this Python's programs are first on PATH
NOBODY = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "EMAIL": ""}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory, mnist: dict[str, Split]) -> Clone:
    """The small pipeline as `git archive` packs it, in a folder with spaces and Chinese characters."""
    tmp_path = tmp_path_factory.mktemp("tarball")
    clone = small_clone(tmp_path / "clone", write_small(tmp_path / "small data 数据.json.gz", mnist), ("adam",))
    clone.run("git", "add", "--all")
    clone.run("git", "commit", "--quiet", "--message", "small data")
    archive = subprocess.check_output(["git", "archive", "HEAD"], cwd=clone.path)
    target = tmp_path / "mein Ordner 学习率"
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(target, filter="data")
    return Clone(target)


@pytest.mark.long
def test_make_repro_without_git(unpacked: Clone) -> None:
    unpacked.environment["GIT_CEILING_DIRECTORIES"] = str(unpacked.path.parent)
    session = Session(unpacked, *MAKE)
    assert session.process.wait(900) == 0, session.output
    unpacked.run(*MAKE[:-1], "report")
    page = (unpacked.path / "dvc_report.html").read_text(encoding="utf-8")
    assert page.count('src="data:image/png;base64,') == 5
    assert "paddlepaddle" in page
    again = Session(unpacked, *MAKE)
    assert again.process.wait(120) == 0, again.output
    assert "Running stage" not in again.output
    assert (unpacked.path / ".dvc/config.local").read_text().split() == ["[core]", "no_scm", "=", "true"]


@pytest.mark.long
def test_git_without_identity(unpacked: Clone) -> None:
    """Goes on from the test before: there is git after all, which dvc is told; an experiment needs no user's name."""
    unpacked.run("git", "init", "--quiet")
    unpacked.run("git", "add", "--all")
    unpacked.run("git", "commit", "--quiet", "--message", "from a tarball")
    known = {name: value for name, value in unpacked.environment.items() if not name.startswith("GIT_")}
    unpacked.environment = known | NOBODY
    assert "Running stage" not in unpacked.run(*MAKE)
    assert "no_scm" not in (unpacked.path / ".dvc/config.local").read_text()
    unpacked.run("dvc", "exp", "run", "-n", "mine", "-S", "lr=0.001", "configure")
    assert "mine" in unpacked.run("dvc", "exp", "list")


@pytest.mark.long
def test_in_a_folder_of_a_larger_repository(unpacked: Clone, tmp_path: Path) -> None:
    """Its git is not in the project's own folder; dvc finds it all the same, and experiments run."""
    folder = Clone(tmp_path / "larger/project")
    ignored = shutil.ignore_patterns(".git", "tmp", "config.local")
    shutil.copytree(unpacked.path, folder.path, ignore=ignored)
    folder.run("git", "init", "--quiet", str(folder.path.parent))
    folder.commit("a project in a larger repository")
    folder.run(*MAKE)
    assert not (folder.path / ".dvc/config.local").exists()
    folder.run("dvc", "exp", "run", "-n", "mine", "-S", "lr=0.001", "configure")
    assert "mine" in folder.run("dvc", "exp", "list")


FAKE = """#!/bin/sh
echo 'Python 3.9' >&2
exit 1
"""


@pytest.mark.parametrize("there", [True, False], ids=["too old", "missing"])
def test_a_python_that_does_not_suit_is_told(tmp_path: Path, there: bool) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").write_text("")
    python = tmp_path / "python9"
    if there:
        python.write_text(FAKE)
        python.chmod(0o755)
    command = ["make", f"PYTHON={python}", "setup"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    line = f"error: Python 3.11 to 3.13 is needed, and {python} is not; try: make PYTHON=python3.12"
    assert line in done.stderr.splitlines()
    assert not (tmp_path / ".venv").exists()


def test_too_old_python_is_found_by_its_version() -> None:
    """The very check of the Makefile, with versions put in place of this Python's."""
    check = next(line for line in (ROOT / "Makefile").read_text().splitlines() if "version_info" in line)
    expression = check.split("'")[1]
    for version, code in [((3, 10), 1), ((3, 11), 0), ((3, 13), 0), ((3, 14), 1), ((2, 7), 1)]:
        script = f"import sys; sys.version_info = {(*version, 0)!r}; exec({expression!r})"
        assert subprocess.run([sys.executable, "-c", script], check=False).returncode == code, version
