import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SECONDS = 120  # more than any wait here: a test that hangs fails
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"} | {"PYTHONPATH": str(ROOT)}

SHOW = """
from pathlib import Path
from stages.lib.workers.command import command
def work(source: Path, kind: Path, *, train_loss: Path) -> None:
    "What the work is."
    print(repr(source), repr(kind), repr(train_loss))
command(work)
"""

RAISE = """
import errno
from stages.lib.workers.command import command
from stages.lib.files.errors import InputError
def work() -> None:
    raise {0}
command(work)
"""


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", env=ENVIRONMENT, check=False, timeout=SECONDS)


OPTIONAL = """
from pathlib import Path
from stages.lib.workers.command import command
def work(*, lr_from: Path | None = None, out: Path) -> None:
    print(repr(lr_from), repr(out))
command(work)
"""


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["--out", "a"], f"None {Path('a')!r}\n"),
        (["--out", "a", "--lr-from", "b/c.json"], f"{Path('b/c.json')!r} {Path('a')!r}\n"),
    ],
)
def test_option_with_a_default_may_be_left_out(arguments: list[str], printed: str) -> None:
    done = run(OPTIONAL, *arguments)
    assert (done.stdout, done.stderr, done.returncode) == (printed, "", 0)


def test_arguments_follow_the_signature() -> None:
    done = run(SHOW, "a/b.json", "fast", "--train-loss", "loss.csv")
    assert done.stdout == f"{Path('a/b.json')!r} {Path('fast')!r} {Path('loss.csv')!r}\n"
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "--train-loss", "b"], "the following arguments are required: kind"),
        (["a", "b"], "the following arguments are required: --train-loss"),
        (["a", "b", "c", "--train-loss", "d"], "unrecognized arguments: c"),
        (["a", "b", "--train", "c"], "the following arguments are required: --train-loss"),
    ],
    ids=["positional", "option", "too many", "abbreviation"],
)
def test_wrong_arguments(arguments: list[str], message: str) -> None:
    done = run(SHOW, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


def test_help_says_what_the_work_is() -> None:
    done = run(SHOW, "--help")
    assert done.returncode == 0
    assert "What the work is." in done.stdout
    assert "--train-loss" in done.stdout


@pytest.mark.parametrize(
    ("raised", "line"),
    [
        ('InputError("params.yaml: lr: 0 is not allowed")', "error: params.yaml: lr: 0 is not allowed\n"),
        ('FileNotFoundError(2, "No such file", "a.gz")', "error: [Errno 2] No such file: 'a.gz'\n"),
        ("PermissionError(errno.EACCES, 'Denied', 'a.gz')", "error: [Errno 13] Denied: 'a.gz'\n"),
    ],
)
def test_known_failure_is_one_line(raised: str, line: str) -> None:
    done = run(RAISE.format(raised))
    assert (done.stdout, done.stderr, done.returncode) == ("", line, 1)


def test_failure_that_is_our_mistake_keeps_its_traceback() -> None:
    done = run(RAISE.format("ValueError('ours')"))
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("ValueError: ours\n")


def test_interrupt_is_silent() -> None:
    script = RAISE.replace("raise {0}", "import time; print('ready', flush=True); time.sleep(120)")
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=SECONDS) == (b"", b"")
        assert process.returncode == 130


IMPORTING = """
import os, signal, sys, time
sys.argv[0] = "-m"  # as it is while `python -m` imports the package
import stages
print("ready", flush=True)
time.sleep(120)
"""


@pytest.mark.parametrize(("argument", "silent"), [('"-m"', True), ('"other.py"', False)])
def test_interrupt_of_the_imports_is_silent(argument: str, silent: bool) -> None:
    """But only where `python -m stages.<verb>` imports: another program that imports the package keeps its answer."""
    script = IMPORTING.replace('"-m"', argument, 1)
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=SECONDS)[1]
        assert (errors == b"") is silent
        assert process.returncode == (130 if silent else -signal.SIGINT)


IGNORING = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
from stages.lib.workers.command import command
def work() -> None:
    print("ready", flush=True)
    sys.stdin.readline()
command(work)
"""


def test_interrupt_is_ignored_where_it_was() -> None:
    """As of a command that a script has started in the background."""
    with subprocess.Popen(
        [sys.executable, "-c", IGNORING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        process.communicate(b"go on\n", timeout=SECONDS)
        assert process.returncode == 0


def test_text_stays_text() -> None:
    script = SHOW.replace("kind: Path", "kind: str")
    assert run(script, "a", "b", "--train-loss", "c").stdout == f"{Path('a')!r} 'b' {Path('c')!r}\n"


CLEANING = """
import sys, time
sys.argv[0] = "-m"
from stages.lib.workers.command import command
def work() -> None:
    try:
        print("ready", flush=True)
        time.sleep(120)
    finally:
        print("cleaned", flush=True)
command(work)
"""


def test_interrupt_of_the_work_lets_it_clean_up() -> None:
    """Unlike one of the imports, which have nothing to clean up."""
    with subprocess.Popen([sys.executable, "-c", CLEANING], stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=SECONDS)[0] == b"cleaned\n"
        assert process.returncode == 130
