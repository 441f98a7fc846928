"""Processes that are killed at random moments of a real pipeline, cut small: what is left, and what a rerun gives."""

import json
import random
import re
import shutil
import time

import psutil
import pytest
import yaml
from clones import Clone
from small_clones import Session, seconds_until_gone, small_clone, write_small

from stages.lib.dataset.splits import Split

pytestmark = pytest.mark.long

SEED = 20260101
ALONE = ("fetch", "prepare", "configure", "judge", "compare", "illustrate")
WITH_WORKERS = ("train@adam", "evaluate", "sweep@adam", "tune@adam", "survey")
ATTEMPTS = 12  # until a victim is hit: it may have ended before its moment came, so each moment is an earlier one
PROGRESS = re.compile(r": step \d+ of \d+, loss|has ended$|^(Updating|Generating) lock file")


@pytest.fixture(scope="module")
def clones(tmp_path_factory: pytest.TempPathFactory, mnist: dict[str, Split]) -> tuple[Clone, Clone]:
    """One clone whose pipeline has run undisturbed, and one in which nothing has run."""
    folder = tmp_path_factory.mktemp("kills")
    data = write_small(folder / "small.json.gz", mnist)
    undisturbed = small_clone(folder / "undisturbed", data, ("adam",))
    return undisturbed, small_clone(folder / "killed", data, ("adam",))


def durations(clone: Clone) -> dict[str, float]:
    """Run the pipeline; the seconds of every stage."""
    session = Session(clone, "dvc", "repro")
    seen: dict[str, float] = {}
    while session.process.poll() is None:
        for stage in re.findall(r"Running stage '([^']+)'", session.output):
            seen.setdefault(stage, time.monotonic())
        time.sleep(0.02)
    assert session.process.returncode == 0, session.output
    ends = [*list(seen.values())[1:], time.monotonic()]
    return {stage: end - start for (stage, start), end in zip(seen.items(), ends, strict=True)}


def kill(session: Session, victim: str, rng: random.Random) -> bool:
    """Kill one process of that kind, now; False if there is none."""
    running = session.stages()
    chosen = {"dvc": [psutil.Process(session.process.pid)], "stage": running[:1], "worker": running[1:]}[victim]
    if session.process.poll() is not None or not chosen:
        return False
    try:
        rng.choice(chosen).kill()
    except psutil.NoSuchProcess:
        return False
    return True


def disturb(clone: Clone, stage: str, victim: str, moment: float, rng: random.Random) -> bool:
    """Begin a repro, and kill the victim so many seconds after that stage began; False if it came too late."""
    session = Session(clone, "dvc", "repro")
    try:
        if not session.wait_for(f"Running stage '{stage}'"):
            pytest.fail(f"{stage} did not run:\n{session.output}")
        deadline = time.monotonic() + moment
        killed = False
        while not killed and session.process.poll() is None:  # a worker may not be there yet
            if time.monotonic() >= deadline:
                killed = kill(session, victim, rng)
            time.sleep(0.005)
        if killed and victim != "dvc":
            session.process.wait(600)  # if it came too late, the stage goes on to its end
        if killed:
            seconds_until_gone(clone)
        return killed
    finally:
        session.end()


def forget(clone: Clone, stage: str) -> None:
    """Let a stage run again though it has ended: dvc remembers it in its lock file and by its run cache."""
    shutil.rmtree(clone.path / ".dvc/cache/runs", ignore_errors=True)
    lock = clone.path / "dvc.lock"
    if not lock.exists():
        return
    content = yaml.safe_load(lock.read_text())
    content["stages"].pop(stage, None)
    if content["stages"]:
        lock.write_text(yaml.safe_dump(content, sort_keys=False))
    else:
        lock.unlink()


def mend(clone: Clone) -> None:
    """What the docs tell for a dvc that was killed while it wrote its own files, in place: they go."""
    for path, read in ((clone.path / "dvc.lock", yaml.safe_load), (clone.path / ".dvc/tmp/rwlock", json.loads)):
        try:
            whole = isinstance(read(path.read_text(encoding="utf-8")), dict) if path.exists() else True
        except (yaml.YAMLError, ValueError):
            whole = False
        if not whole:
            path.unlink()


def results(clone: Clone) -> tuple[dict[str, str], object]:
    """The bytes of all results, and what dvc.lock holds: `forget` changes the order of its stages."""
    found = clone.bytes_of_results()
    del found["dvc.lock"]
    return found, yaml.safe_load((clone.path / "dvc.lock").read_text(encoding="utf-8"))


def repeat(clone: Clone) -> None:
    """What a user does afterwards."""
    mend(clone)
    session = Session(clone, "dvc", "repro")
    assert session.process.wait(1200) == 0, session.output


def test_kills_leave_the_same_bytes(clones: tuple[Clone, Clone]) -> None:
    undisturbed, killed = clones
    seconds = durations(undisturbed)
    assert sorted(seconds) == sorted(ALONE + WITH_WORKERS)
    rng = random.Random(SEED)
    for stage, longest in seconds.items():
        for victim in ["stage", "dvc"] + ["worker"] * (stage in WITH_WORKERS):
            for attempt in range(ATTEMPTS):
                mend(killed)
                forget(killed, stage)
                if disturb(killed, stage, victim, rng.uniform(0, longest) * 0.8**attempt, rng):
                    break
            else:
                pytest.fail(f"{victim} of {stage} always ended before its moment came")
    repeat(killed)
    assert results(killed) == results(undisturbed)
    assert not [path for path in killed.path.rglob(".*.tmp") if ".dvc" not in path.parts]
    assert killed.run("dvc", "status").strip().endswith("up to date.")


def interrupted(clone: Clone, stage: str, moment: float) -> bool:
    """Ctrl-C so many seconds after the stage began: one line at most; False if it came too late."""
    session = Session(clone, "dvc", "repro", stage)
    try:
        assert session.wait_for(f"Running stage '{stage}'"), session.output
        time.sleep(moment)
        while not session.stages():  # it has not begun yet, or it is over
            if session.process.poll() is not None:  # never ended by us: its locks would stay, and the next dvc tell so
                return False
            time.sleep(0.01)
        session.interrupt()
        session.process.wait(60)
        seconds_until_gone(clone)
        said = [line for line in session.output.splitlines() if not line.startswith(("Running", "> ", "Stage "))]
        ours = [line for line in said if line and not PROGRESS.search(line)]
        assert len(ours) <= 1, session.output
        assert all(line.startswith("ERROR: ") for line in ours)  # dvc's own
        return True
    finally:
        session.end()


def test_interrupts_end_everything_without_a_trace(clones: tuple[Clone, Clone]) -> None:
    """Ctrl-C at random moments of every stage; goes on from the test before."""
    undisturbed, clone = clones
    rng = random.Random(SEED + 1)
    for stage in (*WITH_WORKERS, *ALONE):
        for attempt in range(ATTEMPTS):
            mend(clone)
            forget(clone, stage)
            if interrupted(clone, stage, rng.uniform(0.1, 2) * 0.7**attempt):
                break
        else:
            pytest.fail(f"{stage} always ended before its moment came")
    repeat(clone)
    assert results(clone) == results(undisturbed)
