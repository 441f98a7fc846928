import io
import re
from functools import partial

import pytest
from tqdm import tqdm

from stages.lib.workers import progress
from stages.lib.workers.progress import counter, reporter, silent


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def use_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make standard error a terminal, on which each step is drawn, not ten in a second."""
    monkeypatch.setattr(progress, "tqdm", partial(tqdm, mininterval=0))
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    return terminal


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
    with reporter("adam, lr 0.01, seed 0", 0) as report:
        for step in range(1, steps + 1):
            report(step, steps, step / 8)
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        f"adam, lr 0.01, seed 0: step {step} of {steps}, loss {step / 8:.4f}" for step in told
    ]


def test_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    with reporter("adam", 0) as report:
        for step in range(1, 4):
            report(step, 3, step / 4)
    shown = terminal.getvalue()
    assert re.search(r"\radam: .*\b2/3\b.*loss=0\.5000", shown)
    assert "step 1 of 3" not in shown


def test_bars_side_by_side_have_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    with reporter("adam", 0) as one, reporter("sgd", 1) as other:
        one(1, 2, 0.5)
        other(1, 2, 0.25)
    assert re.search(r"\n\rsgd: .*loss=0\.2500", terminal.getvalue())


def test_the_bar_of_a_run_that_stops_on_the_way_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of one that diverges."""
    terminal = use_terminal(monkeypatch)
    with reporter("adam", 0) as report:
        report(1, 3, float("inf"))
    assert re.search(r"\r *\r$", terminal.getvalue())  # wiped out


def test_silent_reporter_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for step in (1, 5, 10):
        silent(step, 10, 0.5)
    assert capsys.readouterr() == ("", "")


def test_counter_names_each_run_that_has_ended(capsys: pytest.CaptureFixture[str]) -> None:
    with counter("sweep adam") as done:
        for run in ("adam, lr 0.1", "adam, lr 1"):
            done(run, None)
    assert capsys.readouterr() == (
        "",
        "sweep adam: adam, lr 0.1 has ended\nsweep adam: adam, lr 1 has ended\n",
    )


def test_counter_of_a_known_number_tells_every_tenth_of_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    with counter("there", 20) as done:
        for run in range(20):
            done(run, None)
    assert capsys.readouterr().err.splitlines() == [f"there: {count} of 20 runs" for count in range(2, 21, 2)]


@pytest.mark.parametrize(("total", "shown"), [(None, r"\rthere: 2run\b"), (3, r"\rthere: +67%.*\b2/3\b")])
def test_counter_on_a_terminal(monkeypatch: pytest.MonkeyPatch, total: int | None, shown: str) -> None:
    terminal = use_terminal(monkeypatch)
    with counter("there", total) as done:
        for _ in range(2):
            done("adam, lr 0.1", None)
    assert re.search(shown, terminal.getvalue())
    assert "has ended" not in terminal.getvalue()
