import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from reviewed import Trained, blank, commit, git, put, write

from review import __main__ as review

GOOD = {0: range(10), 1: range(5, 16), 2: range(3, 15)}
BAD = {0: range(100, 200), 1: range(95, 196), 2: range(103, 200)}
OLD = {"sgd": Trained(GOOD), "adam": Trained(GOOD)}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose tag `old` has the results OLD, and `empty` is from before the pipeline; we are inside it."""
    folder = blank(tmp_path / "project")
    git(folder, "tag", "empty")
    put(folder / ".gitignore", "/dvc_review/\n")
    commit(write(folder, OLD), "old")
    monkeypatch.chdir(folder)
    return folder


def page(folder: Path) -> str:
    return (folder / "dvc_review/index.md").read_text()


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
    assert capsys.readouterr().out == "worse beyond noise: sgd. See dvc_review/index.md.\n"
    old = git(project, "rev-parse", "--short", "old")
    assert page(project).startswith(f"# Review: the workspace against merge base ({old})\n")
    row = cells(project, "sgd")
    assert row[:4] == ["sgd", "98.90% (3)", "90.07% (3)", "-8.83"]
    low, high = map(float, row[4].split(" to "))
    assert low < -8.83 < high < 0
    assert row[5] == "**worse beyond noise**"
    assert 0 < float(row[6]) < 8.83
    assert row[7] == "95.00% -> 80.00%"
    assert cells(project, "adam")[3:7] == ["-", "-", "within noise", "-"]
    assert cells(project, "new")[1:6] == ["- (0)", "98.90% (3)", "-", "-", "added"]
    text = page(project)
    for line in (
        "- adam: unchanged: the same runs.",
        "| optimizers.sgd.lr | 0.01 | 0.0001 |",
        "| optimizers.new.type | - | SGD |",
        "- `stages/lib/training/network.py` +1 -0",
        "- **sgd: reasonable -> too_small**",
        "    - old: sgd at lr 0.01 is reasonable: because.",
        "    - new: sgd at lr 0.0001 is too_small: because.",
        "![Differences with their intervals](differences.png)",
        "![Training loss, old dashed and new solid](loss.png)",
    ):
        assert line in text.splitlines(), line
    assert "not committed" not in text
    alone = (project / "dvc_review/index.html").read_text(encoding="utf-8")
    assert f"<h1>{text.splitlines()[0].removeprefix('# ')}</h1>" in alone
    for figure in ("differences", "loss"):
        content = (project / f"dvc_review/{figure}.png").read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        assert f'src="data:image/png;base64,{base64.b64encode(content).decode()}"' in alone


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
    assert page(project).startswith("# Review: the workspace with uncommitted changes against merge base (")


def test_params_that_were_edited_and_not_trained_show_no_number(project: Path) -> None:
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("epochs: 1", "epochs: 9"))
    assert review.main(["--check"]) == 0
    assert cells(project, "sgd")[2:6] == ["- (0)", "-", "-", "cannot tell"]
    assert "- sgd, adam: new: params.yaml has changed since configure ran; run 'dvc repro'." in page(project)
    assert cells(project, "sgd")[7] == "95.00% -> none"


def test_edited_network_is_in_the_list_and_makes_all_results_stale_in_one_line(project: Path) -> None:
    put(project / "stages/lib/training/network.py", "relu = sigmoid\n")
    assert review.main(["--check"]) == 0
    text = page(project)
    assert "- `stages/lib/training/network.py` +1 -1\n" in text
    told = "- sgd, adam: new: stages/lib/training has changed since train ran; run 'dvc repro'."
    assert [line for line in text.splitlines() if "has changed since" in line] == [told]
    assert {cells(project, name)[5] for name in OLD} == {"cannot tell"}


def test_seed_beside_the_same_runs_that_diverges_is_not_worse(project: Path) -> None:
    write(project, {name: Trained(GOOD, diverged=[3]) for name in OLD})
    assert review.main(["old", "--check"]) == 0
    assert cells(project, "sgd")[1:6] == ["98.90% (3)", "- (4)", "-", "-", "within noise"]
    told = "unchanged: the same runs, where the seeds are (0, 1, 2); the evidence changed: seed 3 added, which diverged"
    assert f"- sgd, adam: {told}.\n" in page(project)
    write(project, {name: Trained({0: GOOD[0], 1: GOOD[1]}, diverged=[2]) for name in OLD})
    assert review.main(["old", "--check"]) == 1


def test_stale_verdicts_are_told_and_not_shown(project: Path) -> None:
    write(project, {name: Trained(GOOD, verdict="too_small") for name in OLD})
    put(project / "data/sweep/adam.jsonl", "another sweep")
    assert review.main([]) == 0
    told = "without verdicts and eval accuracies: data/sweep has changed since judge ran; run 'dvc repro'."
    assert f"the workspace with uncommitted changes: {told}" in page(project).splitlines()
    assert "reasonable ->" not in page(project)
    assert cells(project, "sgd")[7] == "95.00% -> none"


def test_results_of_another_layout(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "plots/wrong_images.csv").unlink()
    commit(project, "layout")
    for revisions in (["layout", "old"], ["old", "layout"], ["old"]):
        assert review.main(revisions) == 2
        said = capsys.readouterr()
        assert "plots/wrong_images.csv is missing: its results are of another layout" in said.err
        assert (said.out, said.err.count("\n")) == ("", 1)
    assert not (project / "dvc_review").exists()


def test_same_bytes_every_time_and_nothing_left_of_the_last_review(project: Path) -> None:
    write(project, {"sgd": Trained(BAD), "adam": OLD["adam"]})
    put(project / "dvc_review/old.png", "of an earlier version")
    pages = []
    for _ in range(2):
        review.main(["old"])
        pages.append({path.name: path.read_bytes() for path in (project / "dvc_review").iterdir()})
    assert pages[0] == pages[1]
    assert set(pages[0]) == {"index.md", "index.html", "differences.png", "loss.png"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "error: revision 'nowhere': git knows no such commit, branch, tag or experiment\n"),
        (["old", "nowhere"], "error: revision 'nowhere': git knows no such commit, branch, tag or experiment\n"),
        (["empty"], "has no params.yaml: it is from before the pipeline, or this is not its folder\n"),
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
    assert not (project / "dvc_review").exists()


def test_outside_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(write(tmp_path / "plain", OLD))
    assert review.main([]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"error: {tmp_path / 'plain'}: is in no git repository")
    assert told.count("\n") == 1


def test_shallow_clone_with_a_named_revision(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{project}", "shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    assert review.main(["HEAD"]) == 0
    assert review.main([]) == 2
    assert "this clone is shallow" in capsys.readouterr().err


def as_program(folder: Path, before: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m review` in a project whose own folder is not the one that runs; `before` is done first."""
    root = Path(review.__file__).parents[1]
    run = "import runpy; runpy.run_module('review', run_name='__main__', alter_sys=True)"
    code = f"import sys; sys.path[0] = {str(root)!r}; {before}; {run}"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, encoding="utf-8")


def test_from_the_command_line(project: Path) -> None:
    write(project, {"sgd": Trained(BAD, loss=0.7), "adam": OLD["adam"]})
    ran = as_program(project, "pass", "old", "--check")
    assert (ran.returncode, ran.stdout) == (1, "worse beyond noise: sgd. See dvc_review/index.md.\n")
    assert ran.stderr == ""


INTERRUPT = "import signal; interrupt = lambda *_: signal.raise_signal(signal.SIGINT)"


@pytest.mark.parametrize(
    "before",
    [
        f"sys.argv[0] = '-m'; {INTERRUPT}; import review; interrupt()",  # while it is imported
        f"{INTERRUPT}; import review.repository as found; found.repository = interrupt",
        # while a file is written: what was begun is removed
        f"sys.argv[0] = '-m'; {INTERRUPT}; import stages.lib.drawing.figures as found; found.save = interrupt",
    ],
)
def test_ctrl_c_ends_it_as_it_ends_the_stages(project: Path, before: str) -> None:
    ran = as_program(project, before, "old")
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")
    assert not [path for path in project.iterdir() if "dvc_review" in path.name]
