import platform
import shutil
from pathlib import Path

import numpy as np
import paddle
import pytest

from stages.lib.workers import fingerprint as module

fingerprint = module.fingerprint.__wrapped__  # as in a new process
ROOT = Path(__file__).parents[3]


def test_versions_of_what_computes() -> None:
    found = fingerprint()
    assert (found["python"], found["numpy"], found["paddlepaddle"]) == (
        platform.python_version(),
        np.__version__,
        paddle.__version__,
    )


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another folder with the same code, whose fingerprint is taken."""
    path = tmp_path / "elsewhere"
    shutil.copytree(ROOT / "stages", path, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "STAGES", path)
    return path


def test_the_same_code_elsewhere_is_the_same(copy: Path) -> None:
    (copy / "lib/__pycache__").mkdir()
    (copy / "lib/__pycache__/a.pyc").write_bytes(b"compiled")
    assert fingerprint() == module.fingerprint()


def test_an_edit_a_new_file_and_a_move_differ(copy: Path) -> None:
    seen = {fingerprint()["stages/"]}
    path = copy / "lib/training/loop.py"
    path.write_bytes(path.read_bytes() + b"\n")
    seen.add(fingerprint()["stages/"])
    (copy / "new.py").touch()
    seen.add(fingerprint()["stages/"])
    (copy / "new.py").rename(copy / "lib/new.py")
    seen.add(fingerprint()["stages/"])
    assert len(seen) == 4


def test_a_process_keeps_its_first_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = module.fingerprint()
    monkeypatch.setattr(module, "STAGES", tmp_path)
    assert module.fingerprint() == before
