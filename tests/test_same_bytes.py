"""Two clones that differ in all that must not matter."""

import hashlib
import os
import re
import subprocess
import sys

import pytest
from clones import Clone
from small_clones import Session, small_clone, write_small

from stages.lib.dataset import Split

pytestmark = pytest.mark.long

OPTIMIZERS = ("adam", "sgd")
HERE = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "1"}
# With such a locale and a folder outside of ASCII, dvc itself fails; test_tarball.py has the folder.
THERE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "Asia/Kolkata", "PYTHONHASHSEED": "2"}
# One core, and files that nobody else may read.
ALONE = """
import os, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
os.umask(0o077)
os.execvp(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture(scope="module")
def clones(tmp_path_factory: pytest.TempPathFactory, mnist: dict[str, Split]) -> tuple[Clone, Clone]:
    """Both after `dvc repro`: on two cores, and on one with other surroundings."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one core: two numbers of workers cannot be compared here")
    folder = tmp_path_factory.mktemp("same")
    data = write_small(folder / "small.json.gz", mnist)
    one = small_clone(folder / "one", data, OPTIMIZERS)
    other = small_clone(folder / "another folder", data, OPTIMIZERS[::-1])
    sessions = [Session(one, "dvc", "repro", **HERE)]
    sessions[0].process.wait(900)
    sessions.append(Session(other, sys.executable, "-c", ALONE, "dvc", "repro", **THERE))
    sessions[1].process.wait(900)
    for session in sessions:
        assert session.process.returncode == 0, session.output
    return one, other


def test_surroundings_change_no_byte(clones: tuple[Clone, Clone]) -> None:
    one, other = (clone.bytes_of_results() for clone in clones)
    names = {name.split("/")[0] + "/" + name.rsplit(".", 1)[-1] for name in one}
    assert names >= {"metrics/json", "plots/csv", "plots/png", "plots/md", "data/pdparams", "data/npz", "data/gz"}
    assert other == one


def test_records_tell_the_cores(clones: tuple[Clone, Clone]) -> None:
    assert [clone.metrics("timing", "adam")["cores"] for clone in clones] == [len(os.sched_getaffinity(0)), 1]


def test_result_is_reproduced_bit_by_bit(clones: tuple[Clone, Clone]) -> None:
    """And nothing changes in the clone, though its data are not there."""
    one, _ = clones
    one.run("git", "add", "--all")
    one.run("git", "commit", "--quiet", "--message", "results")
    (one.path / "data/mnist.npz").unlink()
    output = one.run("python", "-m", "stages.reproduce", "adam")
    assert "adam: bitwise equal: data/models/adam, data/snapshots/adam.npz, " in output
    assert one.run("git", "status", "--short") == ""
    assert not (one.path / "data/mnist.npz").exists()


def change_committed_accuracy(clone: Clone, points: float) -> None:
    """Commit another last accuracy of seed 1, as if another machine had found it."""
    path = clone.path / "plots/valid/adam.csv"
    lines = path.read_text().splitlines()
    cells = lines[-1].split(",")
    cells[-1] = str(float(cells[-1]) + points / 100)
    path.write_text("\n".join([*lines[:-1], ",".join(cells)]) + "\n")
    old = subprocess.check_output(["git", "show", "HEAD:plots/valid/adam.csv"], cwd=clone.path)
    lock = (clone.path / "dvc.lock").read_text()
    changed = lock.replace(hashlib.md5(old).hexdigest(), hashlib.md5(path.read_bytes()).hexdigest())
    assert changed != lock
    (clone.path / "dvc.lock").write_text(changed)
    clone.run("git", "commit", "--quiet", "--all", "--message", "another machine")


@pytest.mark.parametrize(("points", "code", "answer"), [(5.0, 0, "within tolerance"), (40.0, 1, "different")])
def test_another_result_is_told_with_both_machines(
    clones: tuple[Clone, Clone], points: float, code: int, answer: str
) -> None:
    """100 images: three standard errors of a difference are at most 21 points."""
    one, _ = clones
    change_committed_accuracy(one, points)
    output = one.run("python", "-m", "stages.reproduce", "adam", code=code)
    one.run("git", "reset", "--quiet", "--hard", "HEAD~1")
    assert (
        f"adam: {answer} (largest difference: {points:.2f} points of the final validation accuracy of seed 1" in output
    )
    assert "not bitwise equal: plots/valid/adam.csv" in output
    machine = one.metrics("timing", "adam")
    for key, value in machine.items():
        assert re.search(rf"(?m)^{key} .*{re.escape(str(value))}", output) or key in {"seconds", "ms_per_step"}
    assert f"numpy{' ' * 12}{machine['numpy']}" in output


def test_unknown_optimizer_is_one_line(clones: tuple[Clone, Clone]) -> None:
    output = clones[0].run("python", "-m", "stages.reproduce", "adm", code=1)
    assert output == "error: dvc.lock: has no train@adm; allowed: adam, sgd\n"
