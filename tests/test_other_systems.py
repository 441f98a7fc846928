"""As on Windows, as far as another system can show it: names that only POSIX has are removed before anything is
imported, every text file that is opened without naming its encoding is an error, and the folder is named in Chinese.
"""

import ast
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from small_clones import SMALL, write_small

from stages.lib.dataset.splits import Split

ROOT = Path(__file__).parent.parent
CODE = ("stages", "review")
SECONDS = 300  # more than any wait here: a test that hangs fails

# Python runs it first of all, in each process. What Python's and others' code for this system needs of POSIX stays.
SITE = """
import os, signal, sys, warnings
import psutil  # which on Linux imports resource
for module, names in {
    os: ("getpgid", "getpgrp", "killpg", "setsid", "sched_getaffinity", "fork", "getuid", "geteuid", "nice"),
    signal: ("pthread_sigmask", "pthread_kill", "SIGHUP", "SIGUSR1", "alarm", "setitimer"),
}.items():
    for name in names:
        delattr(module, name)
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
warnings.filterwarnings("error", category=EncodingWarning, module=r"stages\\b|review\\b|__main__|__mp_main__")
"""

POOL = """
import os, sys
from pathlib import Path
from stages.lib.workers.command import command
from stages.lib.workers.pool import workers
def square(number):
    assert not hasattr(os, "fork")
    return number**2
def work(out: Path) -> None:
    with workers(2, None) as pool:
        found = pool.run_all(square, [2, 3])
    out.write_text(str(found), encoding="utf-8")
if __name__ == "__main__":
    command(work)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder; stages run in it from the code of this one."""
    path = tmp_path / "我的 学习率 folder"
    path.mkdir()
    (path / "sitecustomize.py").write_text(SITE, encoding="utf-8")
    return path


def run(folder: Path, *words: str, code: int = 0) -> str:
    path = os.pathsep.join((str(folder), str(ROOT)))
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path, "PYTHONWARNDEFAULTENCODING": "1", "DVC_STAGE": "as dvc does"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_names_are_gone_and_encodings_are_asked_for(folder: Path) -> None:
    """That the tests below show something."""
    said = run(folder, "-c", "import os, signal; signal.pthread_sigmask(0, ())", code=1)
    assert "AttributeError: module 'signal' has no attribute 'pthread_sigmask'" in said
    assert "EncodingWarning: 'encoding' argument not specified" in run(folder, "-c", "open('a', 'w')", code=1)
    assert "ModuleNotFoundError" in run(folder, "-c", "import fcntl", code=1)


def test_a_pool(folder: Path) -> None:
    (folder / "池.py").write_text(POOL, encoding="utf-8")
    run(folder, "池.py", "结果 out.txt")
    assert (folder / "结果 out.txt").read_text(encoding="utf-8") == "[4, 9]"


def test_the_command_line_of_a_stage_and_its_error(folder: Path) -> None:
    said = run(folder, "-m", "stages.prepare", "没有 data.json.gz", "mnist.npz", code=1)
    assert said.startswith("error: ")
    assert len(said.splitlines()) == 1
    assert "没有 data.json.gz" in said


def test_the_pipeline(folder: Path, mnist: dict[str, Split]) -> None:
    """Every command of dvc.yaml for one optimizer, on small data."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params |= SMALL | {"data": write_small(folder / "小 small.json.gz", mnist), "seeds": [0]}
    params["optimizers"] = {"adam": params["optimizers"]["adam"]}
    shutil.copytree(ROOT / "networks", folder / "networks")
    (folder / "params.yaml").write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")
    for stage in yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"].values():
        command = stage.get("do", stage)["cmd"].replace("${key}", "adam").replace("${target_accuracy}", "0.97")
        python, *words = shlex.split(command)
        assert python == "python"
        run(folder, *words)
    assert (folder / "metrics/adam.json").exists()
    assert (folder / "plots/verdicts.md").exists()


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]


def test_text_of_other_programs_has_an_encoding() -> None:
    for path in [path for folder in CODE for path in (ROOT / folder).rglob("*.py")]:
        for call in calls(path):
            given = {keyword.arg for keyword in call.keywords}
            assert not given & {"text", "universal_newlines"} or "encoding" in given, f"{path}:{call.lineno}"


def test_text_files_have_an_encoding() -> None:
    rule = ("--preview", "--select", "PLW1514", "--ignore", "E,F,W,I,B,UP,N,C4,SIM,PTH,RET,RUF")
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *rule, *CODE],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
