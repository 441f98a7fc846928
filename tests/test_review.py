import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from reviewed import Trained, blank, commit, git, put, write

from stages import review

GOOD = {0: range(10), 1: range(5, 16), 2: range(3, 15)}
BAD = {0: range(100, 200), 1: range(95, 196), 2: range(103, 200)}
OLD = {"sgd": Trained(GOOD), "adam": Trained(GOOD)}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose tag `old` has the results OLD, and `empty` is from before the pipeline; we are inside it."""
    folder = blank(tmp_path / "project")
    git(folder, "tag", "empty")
    put(folder / ".gitignore", "/review/\n")
    commit(write(folder, OLD), "old")
    monkeypatch.chdir(folder)
    return folder


def page(folder: Path) -> str:
    return (folder / "review/index.md").read_text()


def cells(folder: Path, optimizer: str) -> list[str]:
    """The optimizer's row of the table."""
    lines = [line for line in page(folder).splitlines() if line.startswith(f"| {optimizer} |")]
    return [cell.strip() for cell in lines[0].strip("|").split("|")]


def spoken(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return content


def test_page_of_a_branch(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(project, "switch", "--quiet", "-c", "change")
    changed = Trained(BAD, lr=0.0001, verdict="too_small", eval_accuracy=0.8, loss=0.7)
    commit(write(project, {"sgd": changed, "adam": OLD["adam"], "new": Trained(GOOD)}, code="pass\npass\n"))
    assert review.main([]) == 0
    assert capsys.readouterr().out == "worse beyond noise: sgd. See review/index.md.\n"
    old = git(project, "rev-parse", "--short", "old")
    assert page(project).startswith(f"# Review: the workspace against merge base ({old})\n")
    row = cells(project, "sgd")
    assert row[:4] == ["sgd", "98.90% (3)", "90.07% (3)", "-8.83"]
    low, high = map(float, row[4].split(" to "))
    assert low < -8.83 < high < 0
    assert row[5] == "**worse beyond noise**"
    assert 0 < float(row[6]) < 8.83
    assert row[7] == "95.00% -> 80.00%"
    assert cells(project, "adam")[3:7] == ["+0.00", "-", "within noise", "-"]
    assert cells(project, "new")[1:6] == ["- (0)", "98.90% (3)", "-", "-", "added"]
    text = page(project)
    for line in (
        "- adam: unchanged: the same runs.",
        "| optimizers.sgd.lr | 0.01 | 0.0001 |",
        "| optimizers.new.type | - | SGD |",
        "- `stages/train.py` +1 -0",
        "- **sgd: reasonable -> too_small**",
        "    - old: sgd at lr 0.01 is reasonable: because.",
        "    - new: sgd at lr 0.0001 is too_small: because.",
        "![Differences with their intervals](differences.png)",
        "![Training loss, old dashed and new solid](loss.png)",
    ):
        assert line in text.splitlines(), line
    assert "not committed" not in text
    for figure in ("differences", "loss"):
        assert (project / f"review/{figure}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_gate(project: Path) -> None:
    commit(write(project, {"sgd": Trained(BAD, loss=0.7), "adam": OLD["adam"]}), "worse")
    assert review.main(["old", "worse", "--check"]) == 1
    assert review.main(["old", "worse"]) == 0
    assert review.main(["worse", "old", "--check"]) == 0
    assert review.main(["old", "--check"]) == 1


def test_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit(write(project, {"sgd": Trained(BAD, loss=0.7), "adam": Trained({0: range(9)}, diverged=[1, 2])}), "worse")
    assert review.main(["old", "worse", "--json", "--check"]) == 1
    found = spoken(capsys)
    assert found["worse"] == ["sgd", "adam"]
    sgd, adam = found["optimizers"]
    assert sgd["low"] < sgd["difference"] < sgd["high"] < 0
    assert sgd["difference"] == pytest.approx(-0.2650 / 3)
    assert (sgd["old_seeds"], sgd["new_seeds"]) == (3, 3)
    assert adam["judgement"] == "worse beyond noise"
    assert (adam["new"], adam["difference"], adam["low"], adam["smallest_visible"]) == (None, None, None, None)
    assert found["verdicts"] == []
    assert found["params"] == {}


def test_two_revisions_do_not_look_at_the_workspace(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, {"sgd": Trained(BAD)}, code="changed\n")
    assert review.main(["old", "HEAD", "--json"]) == 0
    found = spoken(capsys)
    assert [row["note"] for row in found["optimizers"]] == ["unchanged: the same runs"] * 2
    assert (found["code"], found["params"]) == ({}, {})


def test_workspace_that_is_not_committed_says_so(project: Path) -> None:
    write(project, {"sgd": Trained(BAD), "adam": OLD["adam"]})
    assert review.main([]) == 0
    assert "The workspace holds what is not committed:\n\n- `dvc.lock`\n" in page(project)


def test_params_that_were_edited_and_not_trained_show_no_number(project: Path) -> None:
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("epochs: 1", "epochs: 9"))
    assert review.main(["--check"]) == 0
    assert cells(project, "sgd")[2:6] == ["- (0)", "-", "-", "cannot tell"]
    assert "- sgd: new: params.yaml has changed since configure ran; run 'dvc repro'." in page(project)
    assert cells(project, "sgd")[7] == "95.00% -> none"


def test_revision_without_mistakes(project: Path) -> None:
    commit(write(project, {name: Trained(GOOD, kept=False, loss=0.6) for name in OLD}))
    shutil.rmtree(project / "plots/mistakes")
    commit(project, "older")
    write(project, {name: Trained(BAD) for name in OLD})
    assert review.main(["older"]) == 0
    assert cells(project, "sgd")[1:6] == ["98.90% (3)", "90.07% (3)", "-8.83", "-", "cannot tell"]
    assert "- sgd: old: plots/mistakes/sgd.csv is missing." in page(project)
    assert not (project / "review/differences.png").exists()


def test_same_bytes_every_time_and_nothing_left_of_the_last_review(project: Path) -> None:
    write(project, {"sgd": Trained(BAD), "adam": OLD["adam"]})
    put(project / "review/old.png", "of an earlier version")
    pages = []
    for _ in range(2):
        review.main(["old"])
        pages.append({path.name: path.read_bytes() for path in (project / "review").iterdir()})
    assert pages[0] == pages[1]
    assert set(pages[0]) == {"index.md", "differences.png", "loss.png"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "error: revision 'nowhere': git knows no such commit, branch, tag or experiment\n"),
        (["old", "nowhere"], "error: revision 'nowhere': git knows no such commit, branch, tag or experiment\n"),
        (["empty"], "has no params.yaml: it is from before the pipeline existed\n"),
    ],
)
def test_revisions_that_cannot_be_compared(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert review.main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.endswith(told)
    assert said.err.count("\n") == 1
    assert not (project / "review").exists()


def test_outside_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(write(tmp_path / "plain", OLD))
    assert review.main([]) == 2
    assert capsys.readouterr().err.startswith("error: git: not a git repository")


def test_shallow_clone_with_a_named_revision(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{project}", "shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    assert review.main(["HEAD"]) == 0
    assert review.main([]) == 2
    assert "this clone is shallow" in capsys.readouterr().err


def test_from_the_command_line(project: Path) -> None:
    """As a program, in a project whose own stages/ is not the one that runs."""
    root = Path(review.__file__).parents[1]
    code = (
        f"import sys; sys.path[0] = {str(root)!r}; import runpy; runpy.run_module('stages.review', run_name='__main__')"
    )
    write(project, {"sgd": Trained(BAD, loss=0.7), "adam": OLD["adam"]})
    ran = subprocess.run(
        [sys.executable, "-c", code, "old", "--check"],
        cwd=project,
        env=os.environ,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout) == (1, "worse beyond noise: sgd. See review/index.md.\n")
    assert ran.stderr == ""
