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

import psutil
import pytest

from stages.lib.files.errors import InputError
from stages.lib.workers import pool as module
from stages.lib.workers.pool import cores, workers

ROOT = Path(__file__).parents[3]
SECONDS = 120  # more than any wait here: a test that hangs fails


class BrokenError(Exception):
    """What work raises."""


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def square(number: int) -> tuple[int, int]:
    return number**2, os.getpid()


def meet(item: tuple[Path, int, int]) -> int:
    """Work that ends when as many as told are at work at the same time, each in a process of its own."""
    folder, number, count = item
    (folder / f"{number}.{os.getpid()}").touch()
    wait_for(lambda: len({path.suffix for path in folder.iterdir()}) >= count)
    return os.getpid()


def end_after(item: tuple[Path, str, str]) -> str:
    """Work that waits for the file of another before it makes its own."""
    folder, name, other = item
    wait_for(lambda: not other or (folder / other).exists())
    (folder / name).touch()
    return name


def environment(name: str) -> str | None:
    return os.environ.get(name)


def ignores_interrupt(_: int) -> bool:
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def fail_beside(item: tuple[Path, str]) -> None:
    """Work of two, of which one does what it is told as soon as the other is under way, which has no end."""
    folder, word = item
    (folder / f"{word}.{os.getpid()}").touch()
    wait_for(lambda: len(list(folder.iterdir())) == 2)
    if word == "raise":
        raise BrokenError("as told")
    if word == "die":
        psutil.Process().kill()
    if word == "go on":
        time.sleep(SECONDS)
        (folder / "went on").touch()


def run_all(work: Callable[[Any], Any], items: Sequence[Any], most: int = 8) -> list[Any]:
    with workers(most, None) as pool:
        return pool.run_all(work, items)


def use_cores(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(module, "cores", lambda: count)


def no_process_is_left(folder: Path) -> None:
    """None of those that have named themselves in the folder's files."""
    wait_for(lambda: not multiprocessing.active_children())
    processes = [int(path.suffix[1:]) for path in folder.iterdir()]  # and so there is no "went on"
    assert processes
    wait_for(lambda: not any(psutil.pid_exists(process) for process in processes))


@pytest.mark.parametrize("count", [1, 2, 8])
def test_results_are_in_order_on_any_number_of_cores(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    use_cores(monkeypatch, count)
    results = run_all(square, [0, 1, 2, 3])
    assert [square for square, _ in results] == [0, 1, 4, 9]
    assert len({process for _, process in results}) <= count
    assert os.getpid() not in {process for _, process in results}


def test_two_cores_work_side_by_side(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_cores(monkeypatch, 2)
    assert len(set(run_all(meet, [(tmp_path, 0, 2), (tmp_path, 1, 2)]))) == 2


def test_at_most_as_many_processes_as_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_cores(monkeypatch, 8)
    assert len(set(run_all(meet, [(tmp_path, number, 2) for number in range(6)], most=2))) == 2


def test_no_more_processes_than_windows_can_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """ProcessPoolExecutor refuses them there."""
    use_cores(monkeypatch, 128)
    monkeypatch.setattr(sys, "platform", "win32")
    with workers(128, None) as pool:
        assert pool.executor._max_workers == 61  # type: ignore[attr-defined]


def test_processes_stay_from_batch_to_batch_and_end_with_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    use_cores(monkeypatch, 1)
    with workers(1, None) as pool:
        batches = [pool.run_all(square, items) for items in ([3], [4, 5], [], [6])]
        assert [[square for square, _ in batch] for batch in batches] == [[9], [16, 25], [], [36]]
        assert len({process for batch in batches for _, process in batch}) == 1
        assert multiprocessing.active_children()
    assert multiprocessing.active_children() == []


def test_done_is_called_as_each_item_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With its item and outcome, in the order of the ends: the first one waits until the second has been told."""
    use_cores(monkeypatch, 2)
    told: list[tuple[str, str]] = []

    def done(item: tuple[Path, str, str], outcome: str) -> None:
        told.append((item[1], outcome))
        (tmp_path / f"{outcome} told").touch()

    items = [(tmp_path, "first", "second told"), (tmp_path, "second", "")]
    with workers(2, None) as pool:
        assert pool.run_all(end_after, items, done) == ["first", "second"]
    assert told == [("second", "second"), ("first", "first")]


def test_what_ends_the_block_ends_the_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As Ctrl-C does, here while the first outcome is told."""
    use_cores(monkeypatch, 2)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), workers(2, None) as pool:
        pool.run_all(fail_beside, [(tmp_path, "go on"), (tmp_path, "pass")], interrupt)
    no_process_is_left(tmp_path)


def test_cores_are_those_that_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    assert cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")  # macOS and Windows have none
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert cores() == 5


def test_nothing_to_do() -> None:
    assert run_all(square, []) == []


def test_each_process_computes_with_one_thread_and_alike_on_all_processors() -> None:
    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "MKL_CBWR"]
    assert run_all(environment, names) == ["1", "1", "1", "COMPATIBLE"]


def test_interrupt_is_left_to_the_parent() -> None:
    assert run_all(ignores_interrupt, [0]) == [True]


@pytest.mark.parametrize("dying", [0, 1])
def test_killed_process_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, dying: int) -> None:
    use_cores(monkeypatch, 2)
    items = [(tmp_path, "die"), (tmp_path, "go on")]
    with pytest.raises(
        InputError, match=r"^a training process was killed, perhaps for lack of memory; nothing was wri"
    ):
        run_all(fail_beside, items[::-1] if dying else items)
    no_process_is_left(tmp_path)


@pytest.mark.parametrize("failing", [0, 1])
def test_exception_is_raised_at_once_and_the_others_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, failing: int
) -> None:
    use_cores(monkeypatch, 2)
    items = [(tmp_path, "raise"), (tmp_path, "go on")]
    with pytest.raises(BrokenError, match="as told"):
        run_all(fail_beside, items[::-1] if failing else items)
    no_process_is_left(tmp_path)


STARTING = """
import os, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
if __name__ != "__main__":
    (folder / str(os.getpid())).touch()
    while not (folder / "interrupted").exists():  # an import that takes its time
        time.sleep(0.01)
from stages.lib.workers import pool
pool.cores = lambda: 2
if __name__ == "__main__":
    with pool.workers(2, None) as workers:
        print(workers.run_all(abs, [-1, -2]))
"""


def test_interrupt_of_starting_processes_is_the_parents(tmp_path: Path) -> None:
    """Until they answer signals themselves they would show a trace each, and end."""
    script, folder = tmp_path / "starting.py", tmp_path / "importing"
    script.write_text(STARTING, encoding="utf-8")
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, str(script), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:
        wait_for(lambda: len(list(folder.iterdir())) == 2)  # they have started and import
        for child in list(folder.iterdir()):
            os.kill(int(child.name), signal.SIGINT)  # as Ctrl-C does to all that a terminal has started
        (folder / "interrupted").touch()
        assert process.communicate(timeout=SECONDS) == ("[1, 2]\n", "")
        assert process.returncode == 0


def test_cluster_without_its_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "stages.lib.workers.cluster", raising=False)
    monkeypatch.delattr("stages.lib.workers.cluster", raising=False)
    with pytest.raises(
        InputError, match=r"^DASK_SCHEDULER_ADDRESS is set, but the package distributed is missing: make cluster-setup"
    ):
        run_all(square, [0])


@pytest.mark.parametrize("address", ["scheduler", "127.0.0.1", "http://127.0.0.1:80"])
def test_malformed_address_is_one_line(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", address)
    with pytest.raises(
        InputError, match=rf"^DASK_SCHEDULER_ADDRESS: no scheduler answers at '{address}' .*; allowed: tcp://host:port"
    ):
        run_all(square, [0])


def test_an_empty_address_means_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "")
    assert [square for square, _ in run_all(square, [4])] == [16]


def test_work_is_given_the_dataset_that_the_workers_have(tmp_path: Path) -> None:
    with workers(1, tmp_path / "mnist.npz") as pool:
        assert pool.dataset == tmp_path / "mnist.npz"
