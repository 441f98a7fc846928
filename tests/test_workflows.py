"""The workflows of GitHub Actions: pinned, with no right but to read, and no text of a stranger in a script."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())


def steps(workflow: Path) -> Iterator[dict[str, Any]]:
    for job in yaml.safe_load(workflow.read_text())["jobs"].values():
        yield from job["steps"]


def test_there_are_workflows() -> None:
    assert {"audit.yml", "review.yml"} <= {workflow.name for workflow in WORKFLOWS}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_with_the_version_beside(workflow: Path) -> None:
    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    lines = re.findall(r"uses: (.+)", workflow.read_text())
    assert len(used) == len(lines) > 0
    for line in lines:
        assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)


def test_an_action_has_one_version() -> None:
    pins = {pin for workflow in WORKFLOWS for pin in re.findall(r"uses: (.+)", workflow.read_text())}
    assert len(pins) == len({pin.split("@")[0] for pin in pins})


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_permissions_are_to_read_only(workflow: Path) -> None:
    content = yaml.safe_load(workflow.read_text())
    assert content["permissions"] == {"contents": "read"}
    assert not [job for job in content["jobs"].values() if "permissions" in job]
    triggers = content[True]  # YAML 1.1 reads `on` as true
    assert not {"pull_request_target", "workflow_run"} & set(triggers)  # they run with the base branch's rights
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_no_expression_is_pasted_into_a_script(workflow: Path) -> None:
    """A branch or a title may hold shell commands: values come through `env`, in quotes."""
    for step in steps(workflow):
        assert "${{" not in step.get("run", "")
        for variable in step.get("env", {}):
            assert f'"${variable}"' in step["run"] or f'/${variable}"' in step["run"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_what_it_runs_is_there(workflow: Path) -> None:
    scripts = "\n".join(step.get("run", "") for step in steps(workflow))
    for target in re.findall(r"\bmake ([\w-]+)", scripts):
        assert re.search(rf"(?m)^{target}:", (ROOT / "Makefile").read_text()), target
    for lock in re.findall(r"[\w/-]*requirements[\w-]*\.txt", workflow.read_text()):
        assert (ROOT / lock).is_file(), lock
