import hashlib
import platform
from pathlib import Path

import numpy as np
import pytest

from stages.lib import fingerprint as module
from stages.lib.fingerprint import difference, fingerprint, first_fingerprint

ROOT = Path(__file__).parents[2]


def test_every_file_of_code_and_every_version_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    found = fingerprint()
    for path in ROOT.glob("stages/**/*.py"):
        assert found[path.relative_to(ROOT).as_posix()] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found["numpy"] == np.__version__
    assert (found["OMP_NUM_THREADS"], found["MKL_NUM_THREADS"]) == ("3", "unset")


def test_the_first_one_stays_when_the_files_change(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = first_fingerprint()
    monkeypatch.setattr(module, "STAGES", tmp_path)
    assert first_fingerprint() == before
    assert "stages/train.py" not in fingerprint()


SAME = {"stages/a.py": "1", "python": "3.11.7", "numpy": "2.4.6"}


@pytest.mark.parametrize(
    ("there", "told"),
    [
        ({}, ""),
        ({"stages/a.py": "2"}, "stages/a.py differs"),
        ({"stages/b.py": "2"}, "stages/b.py differs"),
        ({"numpy": "2.4.5"}, "numpy is 2.4.5 there, 2.4.6 here"),
        ({"stages/a.py": "2", "python": "3.12.1"}, "python is 3.12.1 there, 3.11.7 here; stages/a.py differs"),
        (
            {f"stages/{name}.py": "2" for name in "abcdef"},
            "stages/a.py differs; stages/b.py differs; stages/c.py differs; stages/d.py differs; and 2 more",
        ),
    ],
)
def test_difference_by_name(there: dict[str, str], told: str) -> None:
    assert difference(SAME, SAME | there) == told


def test_a_missing_package_differs() -> None:
    assert difference(SAME, {"stages/a.py": "1", "python": "3.11.7"}) == "numpy is missing there, 2.4.6 here"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("processor\t: 0\nmodel name\t: A CPU: fast @ 2 GHz\nprocessor : 1\nmodel name : B\n", "A CPU: fast @ 2 GHz"),
        ("processor\t: 0\nBogoMIPS\t: 50.00\n", "arm"),
        (None, "arm"),
    ],
    ids=["named", "unnamed", "not linux"],
)
def test_cpu_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, name: str) -> None:
    monkeypatch.setattr(module, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "processor", lambda: "arm")
    if content is not None:
        (tmp_path / "cpuinfo").write_text(content)
    assert module.cpu_model() == name
