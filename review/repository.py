"""The git repository around the project's folder. Nothing is fetched and nothing in it is written.

pygit2, which dvc brings, does it all without the git command. scmrepo, through which dvc itself reads git, finds no
merge base and counts no lines.
"""

from dataclasses import dataclass
from pathlib import Path

import pygit2
from pygit2 import Blob, Commit, Diff, GitError, Tree
from pygit2.enums import DeltaStatus, DiffOption, FileMode

from stages.lib.files.errors import InputError

# what a review reads
RESULTS = ("params.yaml", "dvc.lock", ".dvcignore", "requirements.txt", "stages", "data/sweep", "metrics", "plots")
CODE = ("stages/", "dvc.yaml", "requirements.txt")  # what can change a result, besides params.yaml
BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
SHALLOW = "; this clone is shallow: 'git fetch --unshallow' brings the older commits"
UNTRACKED = DiffOption.INCLUDE_UNTRACKED | DiffOption.RECURSE_UNTRACKED_DIRS


@dataclass(frozen=True)
class Repository:
    """A git repository; `above` is what leads from its top to the project's folder: '' or 'a/b/'."""

    git: pygit2.Repository
    above: str

    def commit(self, revision: str) -> Commit:
        """The commit of any name that git knows, or of a DVC experiment's name. InputError if unknown."""
        found = self._commit(revision)
        if found:
            return found
        refs = [ref for ref in self.git.references if ref.startswith("refs/exps/") and ref.split("/")[-1] == revision]
        commits = {commit.id: commit for ref in refs if (commit := self._commit(ref))}
        if len(commits) == 1:
            return next(iter(commits.values()))
        if commits:
            raise InputError(f"revision {revision!r}: {len(commits)} experiments have this name; give a commit instead")
        raise InputError(f"revision {revision!r}: git knows no such commit, branch, tag or experiment{self._hint()}")

    def base(self) -> Commit:
        """The last commit that the workspace shares with the default branch. InputError where git cannot tell."""
        if self.git.is_shallow:
            raise InputError(f"the commit to compare with is not known{self._hint()}; or name a revision")
        for branch in BRANCHES:
            tip = self._commit(branch)
            if tip:
                base = self.git.merge_base(tip.id, self.commit("HEAD").id)
                if base:
                    return self.commit(str(base))
                raise InputError(f"HEAD has no commit in common with the default branch {branch}; name a revision")
        raise InputError("there is no default branch (origin/HEAD, main or master); name a revision to compare with")

    def export(self, commit: Commit, folder: Path) -> None:
        """Write the RESULTS that the commit holds to a new folder. InputError if there was no pipeline then."""
        if f"{self.above}params.yaml" not in commit.tree:
            raise InputError(f"{commit.short_id} has no params.yaml: it is from before the pipeline existed")
        try:
            for name in RESULTS:
                if self.above + name in commit.tree:
                    _write(commit.tree[self.above + name], folder.resolve() / name)
        except (KeyError, GitError):
            raise InputError(f"{commit.short_id}: this clone does not hold all of its files; fetch them") from None

    def changed_code(self, old: Commit, new: Commit | None) -> dict[str, str]:
        """File -> '+<lines added> -<removed>' of the CODE that differs; `new` None is the workspace."""
        found = {}
        for patch in self._diff(old, new):
            path = patch.delta.new_file.path if patch else ""
            if patch and path.startswith(tuple(self.above + name for name in CODE)):
                _, added, removed = patch.line_stats
                new_file = patch.delta.status == DeltaStatus.UNTRACKED
                found[path.removeprefix(self.above)] = "new" if new_file else f"+{added} -{removed}"
        return found

    def uncommitted(self) -> list[str]:
        """The files of the project that differ from HEAD or that git does not know."""
        changed = [delta.new_file.path for delta in self._diff(self.commit("HEAD"), None).deltas]
        return sorted(path.removeprefix(self.above) for path in changed if path.startswith(self.above))

    def _commit(self, revision: str) -> Commit | None:
        try:
            return self.git.revparse_single(revision).peel(Commit)
        except (KeyError, ValueError, GitError):  # unknown, ambiguous, no commit
            return None

    def _diff(self, old: Commit, new: Commit | None) -> Diff:
        return old.tree.diff_to_tree(new.tree) if new else old.tree.diff_to_workdir(UNTRACKED)

    def _hint(self) -> str:
        return SHALLOW if self.git.is_shallow else ""


def repository(folder: Path) -> Repository:
    """The repository around `folder`. InputError if there is none, or none that is readable."""
    found = pygit2.discover_repository(str(folder))
    if not found:
        raise InputError(f"{folder}: is in no git repository")
    try:
        git = pygit2.Repository(found)
        above = folder.resolve().relative_to(Path(git.workdir or "").resolve()).as_posix()
    except (GitError, ValueError) as error:
        raise InputError(f"{found}: cannot be read: {error}") from None
    return Repository(git, "" if above == "." else f"{above}/")


def _write(found: pygit2.Object, path: Path) -> None:
    """A file, or a folder with all below it, byte for byte as committed; links are left out."""
    if isinstance(found, Tree):
        for entry in found:
            inner = path / str(entry.name)
            if inner.resolve().parent != path:  # '..', and what Windows would take for a path
                raise InputError(f"{path.name}/{entry.name}: is no name of a file")
            _write(entry, inner)
    elif isinstance(found, Blob) and found.filemode != FileMode.LINK:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(found.data)
