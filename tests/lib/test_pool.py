"""Work functions are at the top, where the processes find them."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from stages.lib.errors import InputError
from stages.lib.pool import cores, processes

ROOT = Path(__file__).parents[2]


class BrokenError(Exception):
    """What work raises."""


def square_later(number: int) -> tuple[int, int]:
    """Later numbers are done sooner."""
    time.sleep(max(0.0, 0.4 - number / 10))
    return number**2, os.getpid()


def threads(name: str) -> str | None:
    return os.environ.get(name)


def ignores_interrupt(_: int) -> bool:
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def kill_first(number: int) -> int:
    if number == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(20)
    return number


def fail_or_wait(word: str) -> str:
    if word == "fail":
        time.sleep(0.5)  # until the other has begun
        raise BrokenError("as told")
    time.sleep(8)
    Path(word).write_text("went on")
    return word


def wait_or_pass(word: str) -> str:
    if word != "pass":
        time.sleep(8)
        Path(word).write_text("went on")
    return word


def run_all(work: Callable[[Any], Any], items: Sequence[Any], most: int = 8) -> list[Any]:
    with processes(most) as pool:
        return pool.run_all(work, items)


def processes_end(seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while multiprocessing.active_children() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not multiprocessing.active_children()


def use_cores(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(count)), raising=False)


@pytest.mark.parametrize("count", [1, 2, 8])
def test_results_are_in_order_on_any_number_of_cores(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    use_cores(monkeypatch, count)
    results = run_all(square_later, [0, 1, 2, 3])
    assert [square for square, _ in results] == [0, 1, 4, 9]
    assert len({process for _, process in results}) <= count
    assert os.getpid() not in {process for _, process in results}


def test_two_cores_work_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    use_cores(monkeypatch, 2)
    results = run_all(square_later, [0, 0])
    assert len({process for _, process in results}) == 2


def test_at_most_as_many_processes_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    use_cores(monkeypatch, 8)
    results = run_all(square_later, [0, 0, 0, 0], most=2)
    assert len({process for _, process in results}) == 2


def test_processes_stay_from_batch_to_batch_and_end_with_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    use_cores(monkeypatch, 1)
    with processes(1) as pool:
        batches = [pool.run_all(square_later, items) for items in ([3], [4, 5], [], [6])]
        assert [[square for square, _ in batch] for batch in batches] == [[9], [16, 25], [], [36]]
        assert len({process for batch in batches for _, process in batch}) == 1
        assert multiprocessing.active_children()
    assert multiprocessing.active_children() == []


def test_done_is_called_as_each_item_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its item and outcome, in the order of the ends: 4 sleeps for less time than 0."""
    use_cores(monkeypatch, 2)
    told: list[tuple[int, int]] = []
    with processes(2) as pool:
        pool.run_all(square_later, [4, 4])  # both processes have started
        results = pool.run_all(square_later, [0, 4], lambda item, outcome: told.append((item, outcome[0])))
    assert [square for square, _ in results] == [0, 16]
    assert told == [(4, 16), (0, 0)]


def test_what_ends_the_block_ends_the_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As Ctrl-C does, here while the first outcome is told."""
    use_cores(monkeypatch, 2)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt), processes(2) as pool:
        pool.run_all(wait_or_pass, [str(tmp_path / "other"), "pass"], interrupt)
    assert time.monotonic() - started < 6
    assert processes_end(3)
    assert not (tmp_path / "other").exists()


def test_cores_are_those_that_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    use_cores(monkeypatch, 3)
    assert cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")  # macOS has none
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert cores() == 5


def test_nothing_to_do() -> None:
    assert run_all(square_later, []) == []


def test_each_process_computes_with_one_thread() -> None:
    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]
    assert run_all(threads, names) == ["1", "1", "1"]


def test_interrupt_is_left_to_the_parent() -> None:
    assert run_all(ignores_interrupt, [0]) == [True]


@pytest.mark.parametrize("count", [1, 2])
def test_killed_process_is_one_line(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    use_cores(monkeypatch, count)
    with pytest.raises(
        InputError, match=r"^a training process was killed, perhaps for lack of memory; nothing was wri"
    ):
        run_all(kill_first, [0, 1])
    assert processes_end(3)


@pytest.mark.parametrize("failing", [0, 1])
def test_exception_is_raised_at_once_and_the_others_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, failing: int
) -> None:
    use_cores(monkeypatch, 2)
    other = tmp_path / "other"
    items = [str(other), "fail"] if failing else ["fail", str(other)]
    started = time.monotonic()
    with pytest.raises(BrokenError, match="as told"):
        run_all(fail_or_wait, items)
    assert time.monotonic() - started < 6
    assert processes_end(3)
    assert not other.exists()


STARTING = """
import time
time.sleep(0.5)  # as long as imports take
from stages.lib.pool import processes
if __name__ == "__main__":
    with processes(2) as pool:
        print("ready", flush=True)
        pool.run_all(time.sleep, [3.0, 3.0])
"""


def test_interrupt_of_starting_processes_is_the_parents(tmp_path: Path) -> None:
    """Until they answer signals themselves they would show a trace each."""
    script = tmp_path / "starting.py"
    script.write_text(STARTING)
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.3)  # they have started and import
        os.killpg(process.pid, signal.SIGINT)
        errors = process.communicate(timeout=20)[1].decode()
    assert errors.count("Traceback") == 1, errors  # the script's own, which `command` would answer
    assert errors.endswith("KeyboardInterrupt\n")
