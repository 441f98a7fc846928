import io
import re
import time

import pytest

from stages.lib import progress
from stages.lib.progress import Runs, counter, reporter, silent


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (1, [1]),
        (2, [1, 2]),
        (5, [1, 2, 3, 4, 5]),
        (10, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (11, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        (1500, [150, 300, 450, 600, 750, 900, 1050, 1200, 1350, 1500]),
    ],
)
def test_plain_line_every_tenth_of_the_way(capsys: pytest.CaptureFixture[str], steps: int, told: list[int]) -> None:
    report = reporter("adam, lr 0.01, seed 0", 0)
    for step in range(1, steps + 1):
        report(step, steps, step / 8)
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        f"adam, lr 0.01, seed 0: step {step} of {steps}, loss {step / 8:.4f}" for step in told
    ]


def test_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    report = reporter("adam", 0)
    for step in range(1, 4):
        time.sleep(0.12)  # tqdm draws ten times a second
        report(step, 3, step / 4)
    shown = terminal.getvalue()
    assert re.search(r"\radam: .*\b2/3\b.*loss=0\.5000", shown)
    assert "step 1 of 3" not in shown


def test_silent_reporter_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for step in (1, 5, 10):
        silent(step, 10, 0.5)
    assert capsys.readouterr() == ("", "")


def test_counter_names_each_run_that_has_ended(capsys: pytest.CaptureFixture[str]) -> None:
    done = counter("sweep adam")
    for run in ("adam, lr 0.1", "adam, lr 1"):
        done(run, None)
    assert capsys.readouterr() == (
        "",
        "sweep adam: adam, lr 0.1 has ended\nsweep adam: adam, lr 1 has ended\n",
    )


def test_counter_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    done = counter("sweep adam")
    for _ in range(2):
        time.sleep(0.12)  # tqdm draws ten times a second
        done("adam, lr 0.1", None)
    assert re.search(r"\rsweep adam: 2run\b", terminal.getvalue())
    assert "has ended" not in terminal.getvalue()


def test_a_silenced_process_reports_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_silenced", False)
    progress.silence()
    report = reporter("adam", 0)
    report(10, 10, 0.5)
    assert capsys.readouterr().err == ""


def test_runs_are_counted_every_tenth_of_the_way_and_failures_named(capsys: pytest.CaptureFixture[str]) -> None:
    runs = Runs("there")
    for _ in range(20):
        runs.begun()
    for ended in range(20):
        runs.ended("seed 4 failed: as told" if ended == 4 else "")
    runs.close()
    assert capsys.readouterr().err.splitlines() == [
        "there: 2 of 20 runs",
        "there: 4 of 20 runs",
        "there: seed 4 failed: as told",
        *(f"there: {count} of 20 runs" for count in range(6, 21, 2)),
    ]


def test_bar_over_runs_grows_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    runs = Runs("there")
    for _ in range(3):
        runs.begun()
    runs.ended()
    runs._bar.refresh()
    assert "there:  33%" in terminal.getvalue()
    assert "1/3" in terminal.getvalue()
    runs.close()
