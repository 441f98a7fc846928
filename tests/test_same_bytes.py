"""Two clones that differ in all that must not matter."""

import os
import sys

import pytest
from clones import Clone
from small_clones import Session, small_clone, write_small

from stages.lib.dataset.splits import Split

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
    sessions[1].process.wait(1800)
    for session in sessions:
        assert session.process.returncode == 0, session.output
    return one, other


def test_surroundings_change_no_byte(clones: tuple[Clone, Clone]) -> None:
    one, other = (clone.bytes_of_results() for clone in clones)
    del one["dvc.lock"], other["dvc.lock"]  # the order of params.yaml
    names = {name.split("/")[0] + "/" + name.rsplit(".", 1)[-1] for name in one}
    assert names >= {"metrics/json", "plots/csv", "plots/png", "plots/md", "data/safetensors", "data/jsonl", "data/gz"}
    assert other == one
