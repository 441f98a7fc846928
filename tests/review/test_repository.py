from collections.abc import Sequence
from pathlib import Path

import pygit2
import pytest
from reviewed import blank, commit, git, put

from review.repository import repository
from stages.lib.files.errors import InputError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two commits on main, the second with a pipeline, tagged `results`."""
    folder = blank(tmp_path / "project")
    put(folder / "params.yaml", "lr: 0.01\n")
    put(folder / "metrics/ädam b.json", "{}\n")
    put(folder / "data/sweep/adam.jsonl", "{}\r\n")
    put(folder / "data/big", "not of a review\n")
    return commit(folder, "results")


def test_revisions_are_found_by_any_name(project: Path) -> None:
    head = git(project, "rev-parse", "HEAD")
    assert {str(repository(project).commit(name).id) for name in ("HEAD", "main", "results", head, head[:8])} == {head}


def test_experiments_are_found_by_their_name(project: Path) -> None:
    head = git(project, "rev-parse", "HEAD")
    git(project, "update-ref", "refs/exps/ab/cdef/small-lr", head)
    assert str(repository(project).commit("small-lr").id) == head
    git(project, "update-ref", "refs/exps/ab/0123/small-lr", "HEAD~1")
    with pytest.raises(InputError, match=r"2 experiments have this name"):
        repository(project).commit("small-lr")


def test_unknown_revision(project: Path) -> None:
    with pytest.raises(InputError, match=r"^revision 'nowhere': git knows no such commit, branch, tag or experiment$"):
        repository(project).commit("nowhere")


def test_base_is_where_the_branch_left_the_default_one(project: Path) -> None:
    left = git(project, "rev-parse", "HEAD")
    git(project, "switch", "--quiet", "-c", "change")
    commit(project)
    git(project, "switch", "--quiet", "main")
    commit(project)
    git(project, "switch", "--quiet", "change")
    assert str(repository(project).base().id) == left
    git(project, "update-ref", "refs/remotes/origin/develop", "HEAD")
    git(project, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/develop")
    assert str(repository(project).base().id) == git(project, "rev-parse", "HEAD")


def test_no_default_branch(project: Path) -> None:
    git(project, "branch", "-m", "elsewhere")
    with pytest.raises(InputError, match=r"there is no default branch"):
        repository(project).base()


def test_no_common_commit(project: Path) -> None:
    git(project, "switch", "--quiet", "--orphan", "alone")
    commit(project)
    with pytest.raises(InputError, match=r"no commit in common with the default branch main"):
        repository(project).base()


def test_shallow_clone_does_not_guess(project: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{project}", "shallow")
    with pytest.raises(InputError, match=r"not known; this clone is shallow: 'git fetch --unshallow'"):
        repository(tmp_path / "shallow").base()
    with pytest.raises(InputError, match=r"no such commit.* this clone is shallow"):
        repository(tmp_path / "shallow").commit("HEAD~1")
    assert str(repository(tmp_path / "shallow").commit("HEAD").id) == git(project, "rev-parse", "HEAD")


def test_export_holds_the_results_of_the_commit(project: Path, tmp_path: Path) -> None:
    put(project / "params.yaml", "lr: 9\n")
    here = repository(project)
    here.export(here.commit("results"), tmp_path / "out")
    files = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert files == {"params.yaml", "metrics/ädam b.json", "data/sweep/adam.jsonl"}
    assert (tmp_path / "out/params.yaml").read_text() == "lr: 0.01\n"


def test_project_inside_a_larger_repository(tmp_path: Path) -> None:
    outer = blank(tmp_path / "outer")
    put(outer / "deep/project/params.yaml", "lr: 1\n")
    put(outer / "deep/project/stages/train.py", "pass\n")
    put(outer / "stages/other.py", "pass\n")
    commit(outer)
    inner = repository(outer / "deep/project")
    inner.export(inner.commit("HEAD"), tmp_path / "out")
    assert (tmp_path / "out/params.yaml").read_text() == "lr: 1\n"
    put(outer / "deep/project/stages/train.py", "pass\npass\n")
    put(outer / "stages/other.py", "changed\n")
    assert inner.changed_code(inner.commit("HEAD"), None) == {"stages/train.py": "+1 -0"}
    assert inner.uncommitted() == ["stages/train.py"]


def test_before_the_pipeline(project: Path, tmp_path: Path) -> None:
    short = git(project, "rev-parse", "--short", "HEAD~1")
    with pytest.raises(InputError, match=rf"^{short} has no params.yaml: it is from before the pipeline existed$"):
        repository(project).export(repository(project).commit("HEAD~1"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_code_that_changed(project: Path) -> None:
    put(project / "stages/train.py", "one\ntwo\n")
    commit(project)
    put(project / "stages/train.py", "one\n2\n3\n")
    put(project / "stages/new one.py", "pass\n")
    put(project / "notes.txt", "no code\n")
    here = repository(project)
    assert here.changed_code(here.commit("results"), here.commit("HEAD")) == {"stages/train.py": "+2 -0"}
    assert here.changed_code(here.commit("HEAD"), None) == {
        "stages/train.py": "+2 -1",
        "stages/new one.py": "new",
    }
    assert set(here.uncommitted()) == {"stages/train.py", "stages/new one.py", "notes.txt"}


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"project: is in no git repository$"):
        repository(blank(tmp_path / "elsewhere").parent / "project")


def test_export_is_what_was_committed_whatever_git_makes_of_line_ends(project: Path, tmp_path: Path) -> None:
    """As a Windows git does: dvc.lock has the hashes of the bytes that were committed."""
    git(project, "config", "core.autocrlf", "true")
    here = repository(project)
    here.export(here.commit("results"), tmp_path / "out")
    assert (tmp_path / "out/params.yaml").read_bytes() == b"lr: 0.01\n"
    assert (tmp_path / "out/data/sweep/adam.jsonl").read_bytes() == b"{}\r\n"


def tree(repo: pygit2.Repository, entries: Sequence[tuple[str, str, pygit2.Oid]]) -> pygit2.Oid:
    """A tree whose names nobody checked, as in a commit that somebody made to do harm."""
    raw = b"".join(f"{mode} {name}\0".encode() + oid.raw for mode, name, oid in entries)
    return repo.odb.write(pygit2.enums.ObjectType.TREE, raw)


@pytest.mark.parametrize("name", ["..", "../out of it"])
def test_export_writes_nothing_outside_of_its_folder(project: Path, tmp_path: Path, name: str) -> None:
    repo = pygit2.Repository(str(project))
    text = repo.create_blob(b"harm")
    inner = tree(repo, [("100644", "harm", text)])
    metrics = tree(repo, [("40000", name, inner)])
    top = tree(repo, [("40000", "metrics", metrics), ("100644", "params.yaml", text)])
    who = pygit2.Signature("a", "a@b.c")
    commit = repo.create_commit(None, who, who, "harm", top, [])
    here = repository(project)
    with pytest.raises(InputError):
        here.export(here.commit(str(commit)), tmp_path / "deep/out")
    assert not list(tmp_path.rglob("harm"))


def test_export_makes_no_links(project: Path, tmp_path: Path) -> None:
    repo = pygit2.Repository(str(project))
    blob = repo.create_blob(b"/etc/passwd")
    top = tree(repo, [("120000", "metrics", blob), ("100644", "params.yaml", blob)])
    who = pygit2.Signature("a", "a@b.c")
    here = repository(project)
    here.export(here.commit(str(repo.create_commit(None, who, who, "link", top, []))), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["params.yaml"]
