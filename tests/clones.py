"""Temporary clones of the working tree, with commands run in them as a user would."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from stages.lib.files.lines import read_lines
from stages.lib.runs.run import Run

ROOT = Path(__file__).parent.parent
IDENTITY = {"NAME": "A User", "EMAIL": "user@example.invalid"}


class Clone:
    """A clone with commands run in it as a user would, with this Python's programs first on PATH."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environment = dict(os.environ, PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        for role in ("AUTHOR", "COMMITTER"):
            self.environment |= {f"GIT_{role}_{key}": value for key, value in IDENTITY.items()}

    def run(self, *command: str, code: int = 0) -> str:
        """What the command says; it must end with exit code `code`."""
        done = subprocess.run(
            command, cwd=self.path, env=self.environment, capture_output=True, text=True, check=False, timeout=600
        )
        output = done.stdout + done.stderr
        assert done.returncode == code, output
        assert "Traceback" not in output, output
        return output

    def commit(self, message: str) -> None:
        """Commit everything that git does not ignore."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", message)

    def metrics(self, optimizer: str) -> dict[str, object]:
        content: dict[str, object] = json.loads((self.path / "metrics" / f"{optimizer}.json").read_text())
        return content

    def runs(self, stage: str, optimizer: str) -> list[Run]:
        """What train, sweep or tune recorded."""
        return read_lines(self.path / "data" / stage / f"{optimizer}.jsonl", Run)

    def ran(self, *command: str) -> list[str]:
        """The stages that a command runs, sorted."""
        lines = self.run(*command).splitlines()
        return sorted(line.split("'")[1] for line in lines if line.startswith("Running stage"))

    def bytes_of_results(self) -> dict[str, str]:
        """A hash of every file in metrics/, plots/ and data/, and of dvc.lock."""
        files = [file for folder in ("metrics", "plots", "data") for file in (self.path / folder).rglob("*")]
        files = [file for file in [*files, self.path / "dvc.lock"] if file.is_file()]
        return {str(file.relative_to(self.path)): hashlib.md5(file.read_bytes()).hexdigest() for file in files}


def clone_working_tree(path: Path) -> Clone:
    """A clone whose code, templates and settings are as edited here, not as committed."""
    subprocess.run(["git", "clone", "--quiet", ROOT, path], check=True)
    for name in ("stages", "networks", "review", ".dvc/plots"):
        shutil.rmtree(path / name)
        shutil.copytree(ROOT / name, path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (
        ".dvcignore",
        ".gitattributes",
        ".gitignore",
        "Makefile",
        "dvc.yaml",
        "params.yaml",
        "requirements.txt",
    ):
        shutil.copy(ROOT / name, path / name)
    return Clone(path)
