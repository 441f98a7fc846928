import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pytest

from stages.lib import kept_runs as module
from stages.lib.curves import Curve, Result, Score
from stages.lib.kept_runs import KeptRuns, kept_runs
from stages.lib.pool import Pool, workers
from stages.lib.settings import Run

RUNS = [Run("mine", "SGD", {"momentum": 0.9}, 10, lr, 0.5, 7) for lr in (0.1, 0.2, 1 / 3)]


def result(run: Run) -> Result:
    """What no rounding would leave as it is."""
    valid = [Score(0, 20, 2.5, 0.125), Score(9, 100, run.lr / 7, 1 - 1 / 3)]
    return Result(Curve(3, 9, [run.lr / 3, 0.1], valid, run.lr > 0.3, [(5, 3, 8), (10, 0, 6)]), None, run.lr)


def work(calls: Path, run: Run) -> Result:
    """`result`, with a file for each call: it runs in other processes."""
    number = len(list(calls.iterdir()))
    (calls / f"{run.lr:.3f} {number}").touch()
    return result(run)


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    folder = tmp_path / "calls"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with workers(1, None) as pool:
        yield pool


def trained(calls: Path) -> list[float]:
    """The rates that were trained since the last time, in order."""
    found = sorted(calls.iterdir(), key=lambda path: int(path.name.split()[1]))
    for path in found:
        path.unlink()
    return [float(path.name.split()[0]) for path in found]


def ignore(_run: Run, _result: Result) -> None:
    """Done."""


def test_kept_runs_are_read_and_not_trained(pool: Pool, calls: Path, tmp_path: Path) -> None:
    keeping = KeptRuns(tmp_path / "kept")
    ended: list[Run] = []
    assert keeping.run_all(pool, partial(work, calls), RUNS[1:2], ignore) == [result(RUNS[1])]
    assert trained(calls) == [0.2]
    found = keeping.run_all(pool, partial(work, calls), RUNS, lambda run, _: ended.append(run))
    assert found == [result(run) for run in RUNS], "in the order of the runs, to the last bit"
    assert trained(calls) == [0.1, 0.333]
    assert ended == [RUNS[0], RUNS[2]]
    assert keeping.run_all(pool, partial(work, calls), RUNS, ignore) == found
    assert trained(calls) == []


def test_a_kill_loses_only_what_was_under_way(pool: Pool, calls: Path, tmp_path: Path) -> None:
    keeping = KeptRuns(tmp_path / "kept")

    def killed(_run: Run, _result: Result) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keeping.run_all(pool, partial(work, calls), RUNS[:1], killed)
    assert trained(calls) == [0.1]
    assert keeping.run_all(pool, partial(work, calls), RUNS, ignore) == [result(run) for run in RUNS]
    assert trained(calls) == [0.2, 0.333], "a run is kept before it is counted"


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": "yours"},
        {"type": "Adam"},
        {"arguments": {"momentum": 0.8}},
        {"arguments": {}},
        {"batch_size": 11},
        {"lr": 0.1 + 1e-16},
        {"epochs": 0.6},
        {"seed": 8},
    ],
)
def test_other_settings_are_another_run(pool: Pool, calls: Path, tmp_path: Path, change: dict[str, object]) -> None:
    keeping = KeptRuns(tmp_path / "kept")
    keeping.run_all(pool, partial(work, calls), RUNS[:1], ignore)
    other = replace(RUNS[0], **change)  # type: ignore[arg-type]
    assert keeping.run_all(pool, partial(work, calls), [RUNS[0], other], ignore)[1] == result(other)
    assert len(trained(calls)) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        pytest.param(lambda whole: whole[: len(whole) // 2], id="half"),
        pytest.param(lambda whole: whole.replace(b"2.5", b"2.6"), id="another number"),
        pytest.param(lambda whole: whole.replace(b"\n", b""), id="no checksum"),
    ],
)
def test_a_damaged_file_is_run_again(
    pool: Pool, calls: Path, tmp_path: Path, content: bytes | Callable[[bytes], bytes]
) -> None:
    keeping = KeptRuns(tmp_path / "kept")
    keeping.run_all(pool, partial(work, calls), RUNS[:1], ignore)
    [file] = (tmp_path / "kept").iterdir()
    whole = file.read_bytes()
    file.write_bytes(content if isinstance(content, bytes) else content(whole))
    assert keeping.run_all(pool, partial(work, calls), RUNS[:1], ignore) == [result(RUNS[0])]
    assert trained(calls) == [0.1, 0.1]
    assert file.read_bytes() == whole


def test_runs_are_forgotten_and_others_stay(pool: Pool, calls: Path, tmp_path: Path) -> None:
    keeping = KeptRuns(tmp_path / "kept")
    keeping.run_all(pool, partial(work, calls), RUNS, ignore)
    trained(calls)
    keeping.forget(RUNS[:2])
    keeping.forget([*RUNS[:2], replace(RUNS[0], seed=99)])
    assert len(list((tmp_path / "kept").iterdir())) == 1
    keeping.run_all(pool, partial(work, calls), RUNS, ignore)
    assert trained(calls) == [0.1, 0.2]


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of stages/lib that a test may change, and a dataset beside it."""
    copy = tmp_path / "lib"
    shutil.copytree(Path(module.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "__file__", str(copy / "kept_runs.py"))
    (tmp_path / "mnist.npz").write_bytes(b"images")
    return copy


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def other_version(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setattr(module, "version", lambda name: "99.9" if name == package else version(name))


Change = Callable[[Path, pytest.MonkeyPatch], object]
CHANGES: Sequence[tuple[str, Change]] = [
    ("dataset", lambda lib, _: (lib.parent / "mnist.npz").write_text("imagez")),
    ("code", lambda lib, _: append(lib / "training.py", "\n")),
    ("code of the first file", lambda lib, _: append(lib / "__init__.py", "#")),
    ("another file", lambda lib, _: append(lib / "zeta.py", "")),
    ("file gone", lambda lib, _: (lib / "conv.py").unlink()),
    ("paddle", lambda _, patch: other_version(patch, "paddlepaddle")),
    ("numpy", lambda _, patch: other_version(patch, "numpy")),
    ("CPU", lambda _, patch: patch.setattr(module, "cpu_model", lambda: "another")),
    ("python", lambda _, patch: patch.setattr("platform.python_version", lambda: "3.99.0")),
]


@pytest.mark.parametrize("change", [change for _, change in CHANGES], ids=[name for name, _ in CHANGES])
def test_other_data_code_or_versions_are_other_runs(
    pool: Pool, calls: Path, library: Path, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    kept, data = library.parent / "kept", library.parent / "mnist.npz"
    for times in (1, 1):  # unchanged, they are the same
        kept_runs(kept, data).run_all(pool, partial(work, calls), RUNS[:1], ignore)
        assert len(list(calls.iterdir())) == times
    change(library, monkeypatch)
    kept_runs(kept, data).run_all(pool, partial(work, calls), RUNS[:1], ignore)
    assert trained(calls) == [0.1, 0.1]


def test_runs_of_another_basis_are_removed_and_nothing_else(pool: Pool, calls: Path, library: Path) -> None:
    kept, data = library.parent / "kept", library.parent / "mnist.npz"
    kept_runs(kept, data).run_all(pool, partial(work, calls), RUNS[:1], ignore)
    [old] = kept.iterdir()
    (kept / "mine").mkdir()
    append(library / "training.py", "\n")
    kept_runs(kept, data)
    assert [path.name for path in kept.iterdir()] == ["mine"]
    assert not old.exists()


def test_where_the_dataset_lies_does_not_matter(library: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.npz"
    shutil.copy(tmp_path / "mnist.npz", copy)
    append(library / "notes.txt", "no code")
    assert kept_runs(tmp_path, copy) == kept_runs(tmp_path, tmp_path / "mnist.npz")


def test_file_of_a_run_is_a_checksum_and_json_of_its_curve_and_seconds(pool: Pool, calls: Path, tmp_path: Path) -> None:
    KeptRuns(tmp_path / "kept").run_all(pool, partial(work, calls), RUNS[:1], ignore)
    [file] = (tmp_path / "kept").iterdir()
    digest, text = file.read_text().split("\n")
    assert digest == hashlib.sha256(text.encode()).hexdigest()
    curve, seconds = json.loads(text)
    assert (curve["train_loss"], curve["valid"][1]["step"], seconds) == ([0.1 / 3, 0.1], 9, 0.1)
