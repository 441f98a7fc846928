from pathlib import Path

import pytest
from reviewed import blank, commit, git, put

from stages.lib.errors import InputError
from stages.lib.review.repository import Repository, repository


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two commits on main, the second with a pipeline, tagged `results`."""
    folder = blank(tmp_path / "project")
    put(folder / "params.yaml", "lr: 0.01\n")
    put(folder / "metrics/train/ädam b.json", "{}\n")
    put(folder / "data/big", "not of a review\n")
    return commit(folder, "results")


def test_revisions_are_found_by_any_name(project: Path) -> None:
    head = git(project, "rev-parse", "HEAD")
    assert {repository(project).commit(name) for name in ("HEAD", "main", "results", head, head[:8])} == {head}


def test_experiments_are_found_by_their_name(project: Path) -> None:
    head = git(project, "rev-parse", "HEAD")
    git(project, "update-ref", "refs/exps/ab/cdef/small-lr", head)
    assert Repository(project).commit("small-lr") == head
    git(project, "update-ref", "refs/exps/ab/0123/small-lr", "HEAD~1")
    with pytest.raises(InputError, match=r"2 experiments have this name"):
        Repository(project).commit("small-lr")


def test_unknown_revision(project: Path) -> None:
    with pytest.raises(InputError, match=r"^revision 'nowhere': git knows no such commit, branch, tag or experiment$"):
        Repository(project).commit("nowhere")


def test_base_is_where_the_branch_left_the_default_one(project: Path) -> None:
    left = git(project, "rev-parse", "HEAD")
    git(project, "switch", "--quiet", "-c", "change")
    commit(project)
    git(project, "switch", "--quiet", "main")
    commit(project)
    git(project, "switch", "--quiet", "change")
    assert Repository(project).base() == left
    git(project, "update-ref", "refs/remotes/origin/develop", "HEAD")
    git(project, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/develop")
    assert Repository(project).base() == git(project, "rev-parse", "HEAD")


def test_no_default_branch(project: Path) -> None:
    git(project, "branch", "-m", "elsewhere")
    with pytest.raises(InputError, match=r"there is no default branch"):
        Repository(project).base()


def test_no_common_commit(project: Path) -> None:
    git(project, "switch", "--quiet", "--orphan", "alone")
    commit(project)
    with pytest.raises(InputError, match=r"no commit in common with the default branch main"):
        Repository(project).base()


def test_shallow_clone_does_not_guess(project: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{project}", "shallow")
    with pytest.raises(InputError, match=r"not known; this clone is shallow: 'git fetch --unshallow'"):
        Repository(tmp_path / "shallow").base()
    with pytest.raises(InputError, match=r"no such commit.* this clone is shallow"):
        Repository(tmp_path / "shallow").commit("HEAD~1")
    assert Repository(tmp_path / "shallow").commit("HEAD") == git(project, "rev-parse", "HEAD")


def test_export_holds_the_results_of_the_commit(project: Path, tmp_path: Path) -> None:
    put(project / "params.yaml", "lr: 9\n")
    Repository(project).export("results", tmp_path / "out")
    files = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert files == {"params.yaml", "metrics/train/ädam b.json"}
    assert (tmp_path / "out/params.yaml").read_text() == "lr: 0.01\n"


def test_project_inside_a_larger_repository(tmp_path: Path) -> None:
    outer = blank(tmp_path / "outer")
    put(outer / "deep/project/params.yaml", "lr: 1\n")
    put(outer / "deep/project/stages/train.py", "pass\n")
    put(outer / "stages/other.py", "pass\n")
    commit(outer)
    inner = Repository(outer / "deep/project")
    inner.export("HEAD", tmp_path / "out")
    assert (tmp_path / "out/params.yaml").read_text() == "lr: 1\n"
    put(outer / "deep/project/stages/train.py", "pass\npass\n")
    put(outer / "stages/other.py", "changed\n")
    assert inner.changed_code("HEAD", None) == {"stages/train.py": "+1 -0"}
    assert inner.uncommitted() == ["stages/train.py"]


def test_before_the_pipeline(project: Path, tmp_path: Path) -> None:
    short = git(project, "rev-parse", "--short", "HEAD~1")
    with pytest.raises(InputError, match=rf"^{short} has no params.yaml: it is from before the pipeline existed$"):
        Repository(project).export(Repository(project).commit("HEAD~1"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_code_that_changed(project: Path) -> None:
    put(project / "stages/train.py", "one\ntwo\n")
    commit(project)
    put(project / "stages/train.py", "one\n2\n3\n")
    put(project / "stages/new one.py", "pass\n")
    put(project / "notes.txt", "no code\n")
    assert Repository(project).changed_code("results", "HEAD") == {"stages/train.py": "+2 -0"}
    assert Repository(project).changed_code("HEAD", None) == {
        "stages/train.py": "+2 -1",
        "stages/new one.py": "new",
    }
    assert set(Repository(project).uncommitted()) == {"stages/train.py", "stages/new one.py", "notes.txt"}


def test_no_repository_and_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(InputError, match=r"^git: not a git repository"):
        repository(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"^git is not installed, or not on the PATH$"):
        repository(tmp_path)
