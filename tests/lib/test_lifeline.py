import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

WATCHING = """
import os, time
from stages.lib.lifeline import end_with_parent
end_with_parent(os.getppid())
print("ready", flush=True)
time.sleep(8)
"""

STAGE = """
import time
from pathlib import Path
from stages.lib.command import command
def work() -> None:
    print("ready", flush=True)
    time.sleep(8)
command(work)
"""

ORPHAN = """
import os, time
from stages.lib.lifeline import end_with_parent
parent = os.getppid()
print("ready", flush=True)
while os.getppid() == parent:
    time.sleep(0.01)
end_with_parent(parent)
time.sleep(8)
"""

POOL = """
import time
from stages.lib.pool import workers
if __name__ == "__main__":
    with workers(2, None) as pool:
        pool.run_all(time.sleep, [8.0, 8.0])
"""

PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, *sys.argv[1:]])
time.sleep(60)
"""


def seconds_to_live(child: list[str], environment: dict[str, str]) -> float:
    """How long a child lives on after its parent is killed: until its end of the pipe closes."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *child],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )
    assert parent.stdout is not None
    with parent, parent.stdout as pipe:
        assert pipe.readline() == b"ready\n"
        parent.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        assert pipe.read() == b""  # returns when nobody holds the pipe
        return time.monotonic() - killed


@pytest.mark.parametrize(
    ("script", "environment"),
    [(WATCHING, {}), (ORPHAN, {}), (STAGE, {"DVC_STAGE": "train@adam"})],
    ids=["watching", "already gone", "stage"],
)
def test_child_ends_with_its_parent(script: str, environment: dict[str, str]) -> None:
    assert seconds_to_live(["-c", script], environment) < 3


def test_command_outside_of_dvc_outlives_its_parent() -> None:
    """As programs do that `nohup` starts."""
    without = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"}
    assert "DVC_STAGE" not in without
    assert seconds_to_live(["-c", STAGE.replace("sleep(8)", "sleep(2)")], {}) > 1.5


def test_workers_end_with_a_killed_pool(tmp_path: Path) -> None:
    script = tmp_path / "pool.py"
    script.write_text(POOL)
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert process.stdout is not None
    with process, process.stdout as pipe:
        time.sleep(1.5)  # until the workers watch
        assert process.poll() is None
        process.kill()
        killed = time.monotonic()
        pipe.read()
        assert time.monotonic() - killed < 3


SLOW_SHELL = """#!/bin/sh
/bin/sh "$@"
exit $?
"""

DVC = """
import os, subprocess, sys, time
subprocess.Popen([sys.argv[1], "-c", sys.argv[2]], env=os.environ | {"DVC_STAGE": "train@adam"})
time.sleep(60)
"""


@pytest.mark.parametrize("started", [True, False], ids=["at work", "still starting"])
@pytest.mark.parametrize("shell", ["becomes the command", "stays"])
def test_stage_ends_with_dvc_through_a_shell(tmp_path: Path, shell: str, started: bool) -> None:
    """A dvc that dies while its stage still starts leaves it with a foster parent."""
    slow = tmp_path / "shell"
    slow.write_text(SLOW_SHELL)
    slow.chmod(0o755)
    script = tmp_path / "stage.py"
    script.write_text("import time\nprint('starts', flush=True)\ntime.sleep(1)\n" * (not started) + STAGE)
    command = [sys.executable, "-c", DVC, "/bin/bash" if shell != "stays" else str(slow)]
    environment = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"}
    dvc = subprocess.Popen(
        [*command, f"{sys.executable} {script}"],
        stdout=subprocess.PIPE,
        env=environment | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    assert dvc.stdout is not None
    with dvc, dvc.stdout as pipe:
        assert pipe.readline() == (b"ready\n" if started else b"starts\n")
        dvc.kill()
        killed = time.monotonic()
        assert pipe.read() == b""  # not "ready": its work has not begun
        assert time.monotonic() - killed < 5
