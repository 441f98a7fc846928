"""The git repository around the project's folder, asked with the git command; nothing is fetched."""

import io
import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from stages.lib.errors import InputError

RESULTS = ("params.yaml", "dvc.lock", "requirements.txt", "stages", "metrics", "plots")  # what a review reads
CODE = ("stages", "dvc.yaml", "requirements.txt")  # what can change a result, besides params.yaml
# no lock is taken, no object of a partial clone is fetched, and messages are in English
ENVIRONMENT = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


@dataclass(frozen=True)
class Repository:
    """A git repository; `folder` is the project's, which may lie deeper than the repository's own."""

    folder: Path

    def commit(self, revision: str) -> str:
        """The hash of a commit, given any name that git knows, or that of a DVC experiment. InputError if unknown."""
        found = self._lines("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", fails=True)
        if not found:
            refs = self._lines("for-each-ref", "--format=%(objectname) %(refname)", "refs/exps")
            found = sorted({ref.split()[0] for ref in refs if ref.split("/")[-1] == revision})
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(f"revision {revision!r}: {len(found)} experiments have this name; give a commit instead")
        raise InputError(f"revision {revision!r}: git knows no such commit, branch, tag or experiment{self._hint()}")

    def base(self) -> str:
        """The last commit that the workspace shares with the default branch. InputError where git cannot tell."""
        if self.shallow():
            raise InputError(f"the commit to compare with is not known{self._hint()}; or name a revision")
        branches = self._lines("rev-parse", "--abbrev-ref", "origin/HEAD", fails=True)
        for branch in [*branches, "origin/main", "origin/master", "main", "master"]:
            if self._lines("rev-parse", "--verify", "--quiet", f"{branch}^{{commit}}", fails=True):
                base = self._lines("merge-base", branch, "HEAD", fails=True)
                if base:
                    return base[0]
                raise InputError(f"HEAD has no commit in common with the default branch {branch}; name a revision")
        raise InputError("there is no default branch (origin/HEAD, main or master); name a revision to compare with")

    def shallow(self) -> bool:
        """Whether the clone lacks older commits."""
        return self._lines("rev-parse", "--is-shallow-repository") == ["true"]

    def short(self, commit: str) -> str:
        """The first digits of a commit's hash, as many as are needed."""
        return self._lines("rev-parse", "--short", commit)[0]

    def export(self, commit: str, folder: Path) -> None:
        """Write the RESULTS that the commit holds to a new folder. InputError if there was no pipeline then."""
        there = [name for name in self._lines("ls-tree", "--name-only", commit) if name in RESULTS]
        if "params.yaml" not in there:
            raise InputError(f"{self.short(commit)} has no params.yaml: it is from before the pipeline existed")
        with tarfile.open(fileobj=io.BytesIO(self._git("archive", commit, "--", *there))) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content is not None:
                    path = folder / member.name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content.read())

    def changed_code(self, old: str, new: str | None) -> dict[str, str]:
        """File -> '+<lines added> -<removed>' of the CODE that differs; `new` None is the workspace."""
        span = [old, new] if new else [old]
        stat = self._lines("diff", "--numstat", "--relative", "--no-renames", *span, "--", *CODE)
        found = {name: f"+{added} -{removed}" for added, removed, name in (line.split("\t") for line in stat)}
        if new is None:
            found |= dict.fromkeys(self._lines("ls-files", "--others", "--exclude-standard", "--", *CODE), "new")
        return found

    def uncommitted(self) -> list[str]:
        """The files of the project that differ from HEAD or that git does not know."""
        changed = self._lines("diff", "--name-only", "--relative", "HEAD")
        return sorted({*changed, *self._lines("ls-files", "--others", "--exclude-standard")})

    def _hint(self) -> str:
        return "; this clone is shallow: 'git fetch --unshallow' brings the older commits" if self.shallow() else ""

    def _lines(self, *arguments: str, fails: bool = False) -> list[str]:
        """The lines that git prints; none if it `fails` where it may."""
        try:
            return self._git("-c", "core.quotePath=false", *arguments).decode().splitlines()
        except InputError:
            if fails:
                return []
            raise

    def _git(self, *arguments: str) -> bytes:
        try:
            ran = subprocess.run(
                ["git", *arguments], cwd=self.folder, env=os.environ | ENVIRONMENT, capture_output=True, check=False
            )
        except FileNotFoundError:
            raise InputError("git is not installed, or not on the PATH") from None
        if ran.returncode:
            said = ran.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
            raise InputError(f"git: {said[0].removeprefix('fatal: ')}")
        return ran.stdout


def repository(folder: Path) -> Repository:
    """The repository around `folder`. InputError if there is none, none that is readable, or no git."""
    found = Repository(folder)
    found.shallow()
    return found
