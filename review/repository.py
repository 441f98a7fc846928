"""The git repository around the project's folder, and what its revisions hold. Nothing is fetched or written.

pygit2, which dvc brings, does it without the git command. scmrepo, through which dvc reads git, finds no merge base.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pygit2
from pygit2 import Commit, GitError

from review.provenance import Files, in_git
from stages.lib.files.errors import InputError

BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")


@dataclass(frozen=True)
class Repository:
    """A git repository around the project."""

    git: pygit2.Repository
    above: str  # what leads from its top to the project's folder: '' or 'a/b/'
    hint: str  # why it may not know a commit

    def revision(self, said: str | None) -> tuple[str, Files]:
        """Name and files of a commit, of None the merge base. InputError if this clone does not hold them."""
        commit, index = self.named(said) if said else self.base(), pygit2.Index()
        name = f"{said or 'merge base'} ({commit.short_id})"
        try:
            index.read_tree(commit.tree)
            known = self._read(entry.path for entry in index)
            files = {path: self.git[index[inside].id].read_raw() for path, inside in known.items()}
        except (KeyError, GitError):
            raise InputError(f"{name}: this clone does not hold all of its files; fetch them") from None
        return commit.short_id if said and str(commit.id).startswith(said) else name, files

    def workspace(self) -> tuple[str, Files]:
        """The same of what is there now, but for what git ignores."""
        changed = [path for path in self.git.status() if path.startswith(self.above)]
        known = self._read([*changed, *(entry.path for entry in self.git.index)])
        found = {path: Path(self.git.workdir, inside) for path, inside in known.items()}
        files = {path: file.read_bytes() for path, file in found.items() if file.is_file()}
        return "the workspace with uncommitted changes" if changed else "the workspace", files

    def named(self, revision: str) -> Commit:
        """The commit of any name that git knows, or of a DVC experiment's name. InputError if unknown."""
        if found := self._commit(revision):
            return found
        refs = [ref for ref in self.git.references if ref.startswith("refs/exps/") and ref.split("/")[-1] == revision]
        commits = {commit.id: commit for ref in refs if (commit := self._commit(ref))}
        if len(commits) > 1:
            raise InputError(f"revision {revision!r}: {len(commits)} experiments have this name; give a commit instead")
        if not commits:
            raise InputError(f"revision {revision!r}: git knows no such commit, branch, tag or experiment{self.hint}")
        return commits.popitem()[1]

    def base(self) -> Commit:
        """The last commit that the workspace shares with the default branch. InputError where git cannot tell."""
        tip = next(filter(None, map(self._commit, BRANCHES)), None)
        base = tip and not self.hint and self.git.merge_base(tip.id, self.named("HEAD").id)
        if not base:
            told = "git knows no commit that HEAD shares with a default branch (origin/HEAD, main or master)"
            raise InputError(f"{told}{self.hint}; name a revision to compare with")
        return self.named(str(base))

    def _commit(self, revision: str) -> Commit | None:
        try:
            return self.git.revparse_single(revision).peel(Commit)
        except (KeyError, ValueError, GitError):  # unknown, ambiguous, no commit
            return None

    def _read(self, paths: Iterable[str]) -> dict[str, str]:
        """Those of the repository that a review reads, by their paths in the project."""
        found = {path.removeprefix(self.above): path for path in paths if path.startswith(self.above)}
        return {path: inside for path, inside in found.items() if in_git(path)}


def repository(folder: Path) -> Repository:
    """The repository around `folder`. InputError if there is none, or none that is readable."""
    try:
        git = pygit2.Repository(str(folder))
        above = folder.resolve().relative_to(Path(git.workdir or "").resolve()).as_posix()
    except (GitError, ValueError) as error:
        raise InputError(f"{folder}: is in no git repository that can be read: {error}") from None
    hint = "; this clone is shallow: 'git fetch --unshallow' brings the older commits" if git.is_shallow else ""
    return Repository(git, "" if above == "." else f"{above}/", hint)
