"""That a process has ended is seen by the pipe that it holds: at its end nobody does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SECONDS = 120  # more than any wait here, and less than the processes live by themselves
WITHOUT_DVC = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"} | {"PYTHONPATH": str(ROOT)}

STAGE = """
import time
from pathlib import Path
from stages.lib.workers.command import command
def work() -> None:
    print("ready", flush=True)
    time.sleep(600)
command(work)
"""

POOL = """
import time
from stages.lib.workers import pool
pool.cores = lambda: 2
def work(seconds: float) -> None:
    print("ready", flush=True)
    time.sleep(seconds)
if __name__ == "__main__":
    with pool.workers(2, None) as workers:
        workers.run_all(work, [600.0, 600.0])
"""

DVC = """
import os, subprocess, sys, time
subprocess.Popen(sys.argv[1:], env=os.environ | {"DVC_STAGE": "train@adam"})
time.sleep(600)
"""

SLOW_SHELL = """#!/bin/sh
/bin/sh "$@"
exit $?
"""


def start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0, env=WITHOUT_DVC, start_new_session=True)


def says(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("windows", [False, True], ids=["posix", "without process groups"])
@pytest.mark.parametrize("shell", ["none", "becomes the command", "stays"])
def test_a_stage_ends_with_its_dvc(tmp_path: Path, shell: str, windows: bool) -> None:
    script, slow = tmp_path / "stage.py", tmp_path / "shell"
    script.write_text("import os\ndel os.getpgid\n" * windows + STAGE, encoding="utf-8")
    slow.write_text(SLOW_SHELL, encoding="utf-8")
    slow.chmod(0o755)
    command = [sys.executable, str(script)]
    if shell != "none":
        command = [str(slow) if shell == "stays" else "/bin/bash", "-c", " ".join(command)]
    with start([sys.executable, "-c", DVC, *command]) as dvc:
        assert says(dvc) == b"ready\n"
        dvc.kill()
        assert dvc.communicate(timeout=SECONDS)[0] == b""


@pytest.mark.parametrize("shell", ["becomes the command", "stays"])
def test_a_stage_does_not_begin_when_its_dvc_has_died_meanwhile(tmp_path: Path, shell: str) -> None:
    """It then has a foster parent."""
    script, slow, gone = tmp_path / "stage.py", tmp_path / "shell", tmp_path / "gone"
    waiting = (
        f"import os, time\nprint('starts', flush=True)\nwhile not os.path.exists({str(gone)!r}): time.sleep(0.01)\n"
    )
    script.write_text(waiting + STAGE, encoding="utf-8")
    slow.write_text(SLOW_SHELL, encoding="utf-8")
    slow.chmod(0o755)
    command = [str(slow) if shell == "stays" else "/bin/bash", "-c", f"{sys.executable} {script}"]
    with start([sys.executable, "-c", DVC, *command]) as dvc:
        assert says(dvc) == b"starts\n"
        dvc.kill()
        dvc.wait()
        gone.touch()
        assert dvc.communicate(timeout=SECONDS)[0] == b""  # not "ready"


def test_a_command_outside_of_dvc_outlives_its_parent() -> None:
    """As programs do that `nohup` starts."""
    lives = STAGE.replace("time.sleep(600)", "time.sleep(2)\n    print('lives', flush=True)")
    parent = 'import subprocess, sys, time; subprocess.Popen([sys.executable, "-c", sys.argv[1]]); time.sleep(600)'
    with start([sys.executable, "-c", parent, lives]) as process:
        assert says(process) == b"ready\n"
        process.kill()
        assert process.communicate(timeout=SECONDS)[0] == b"lives\n"


def test_the_processes_of_a_pool_end_with_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "pool.py"
    script.write_text(POOL, encoding="utf-8")
    with start([sys.executable, str(script)]) as process:
        assert [says(process), says(process)] == [b"ready\n"] * 2
        process.kill()
        assert process.communicate(timeout=SECONDS)[0] == b""
