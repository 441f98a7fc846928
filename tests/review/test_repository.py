from pathlib import Path

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
    assert {str(repository(project).named(name).id) for name in ("HEAD", "main", "results", head, head[:8])} == {head}


def test_experiments_are_found_by_their_name(project: Path) -> None:
    head = git(project, "rev-parse", "HEAD")
    git(project, "update-ref", "refs/exps/ab/cdef/small-lr", head)
    assert str(repository(project).named("small-lr").id) == head
    git(project, "update-ref", "refs/exps/ab/0123/small-lr", "HEAD~1")
    with pytest.raises(InputError, match=r"2 experiments have this name"):
        repository(project).named("small-lr")


def test_unknown_revision(project: Path) -> None:
    with pytest.raises(InputError, match=r"^revision 'nowhere': git knows no such commit, branch, tag or experiment$"):
        repository(project).named("nowhere")


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
    with pytest.raises(
        InputError, match=r"shares with a default branch \(origin/HEAD, main or master\); name a revision to"
    ):
        repository(project).base()


def test_no_common_commit(project: Path) -> None:
    git(project, "switch", "--quiet", "--orphan", "alone")
    commit(project)
    with pytest.raises(InputError, match=r"git knows no commit that HEAD shares with a default branch"):
        repository(project).base()


def test_shallow_clone_does_not_guess(project: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{project}", "shallow")
    with pytest.raises(InputError, match=r"knows no commit .*; this clone is shallow: 'git fetch --unshallow'"):
        repository(tmp_path / "shallow").base()
    with pytest.raises(InputError, match=r"no such commit.* this clone is shallow"):
        repository(tmp_path / "shallow").named("HEAD~1")
    assert str(repository(tmp_path / "shallow").named("HEAD").id) == git(project, "rev-parse", "HEAD")


def test_files_are_the_results_of_the_commit(project: Path) -> None:
    put(project / "params.yaml", "lr: 9\n")
    _, found = repository(project).revision("results")
    assert set(found) == {"params.yaml", "metrics/ädam b.json", "data/sweep/adam.jsonl"}
    assert found["params.yaml"] == b"lr: 0.01\n"


def test_workspace_is_as_edited_without_what_git_ignores(project: Path) -> None:
    put(project / ".gitignore", "__pycache__/\n")
    put(project / "params.yaml", "lr: 9\n")
    put(project / "stages/new.py", "pass\n")
    put(project / "stages/__pycache__/new.pyc", "bytes")
    (project / "metrics/ädam b.json").unlink()
    _, found = repository(project).workspace()
    assert found == {"params.yaml": b"lr: 9\n", "stages/new.py": b"pass\n", "data/sweep/adam.jsonl": b"{}\r\n"}


def test_project_inside_a_larger_repository(tmp_path: Path) -> None:
    outer = blank(tmp_path / "outer")
    put(outer / "deep/project/params.yaml", "lr: 1\n")
    put(outer / "deep/project/stages/train.py", "pass\n")
    put(outer / "stages/other.py", "pass\n")
    commit(outer)
    inner = repository(outer / "deep/project")
    committed = {"params.yaml": b"lr: 1\n", "stages/train.py": b"pass\n"}
    assert inner.revision("HEAD") == (f"HEAD ({git(outer, 'rev-parse', '--short', 'HEAD')})", committed)
    put(outer / "stages/other.py", "changed\n")
    assert inner.workspace() == ("the workspace", committed)
    put(outer / "deep/project/stages/train.py", "pass\npass\n")
    assert inner.workspace() == (
        "the workspace with uncommitted changes",
        {**committed, "stages/train.py": b"pass\npass\n"},
    )


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"project: is in no git repository that can be read"):
        repository(blank(tmp_path / "elsewhere").parent / "project")


def test_files_are_as_committed_whatever_git_makes_of_line_ends(project: Path) -> None:
    """As a Windows git does: dvc.lock has the hashes of the bytes that were committed."""
    git(project, "config", "core.autocrlf", "true")
    _, found = repository(project).revision("results")
    assert (found["params.yaml"], found["data/sweep/adam.jsonl"]) == (b"lr: 0.01\n", b"{}\r\n")


def test_links_are_not_followed(project: Path) -> None:
    (project / "metrics/link.json").symlink_to("/etc/passwd")
    commit(project)
    assert repository(project).revision("HEAD")[1]["metrics/link.json"] == b"/etc/passwd"
