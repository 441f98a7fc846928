"""Processes that are killed at random moments of a real pipeline, cut small: what is left, and what a rerun gives."""

import random
import re
import shutil
import time
from collections import Counter

import psutil
import pytest
import yaml
from clones import Clone
from small_clones import Session, seconds_until_gone, small_clone, write_small

from stages.lib.dataset import Split

pytestmark = pytest.mark.long

SEED = 20260101
ALONE = ("fetch", "prepare", "configure", "judge@adam", "rank", "compare", "illustrate")
WITH_WORKERS = ("train@adam", "evaluate@adam", "sweep@adam", "tune@adam", "evaluate_tuned@adam", "survey")
MOMENTS = 2  # of every stage and victim
ATTEMPTS = 3  # at each: a victim may have ended before its moment came
KILLS = MOMENTS * (2 * len(ALONE) + 3 * len(WITH_WORKERS))
PROGRESS = re.compile(r": step \d+ of \d+, loss|has ended$|^Updating lock file")
MEND = ("python", "-m", "stages.mend", "dvc.lock", ".dvc/tmp")  # as `make repro` does first


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


def disturb(clone: Clone, stage: str, victim: str, longest: float, rng: random.Random) -> bool:
    """Begin a repro, and kill the victim at a random moment of that stage; False if it came too late."""
    session = Session(clone, "dvc", "repro")
    try:
        if not session.wait_for(f"Running stage '{stage}'"):
            pytest.fail(f"{stage} did not run:\n{session.output}")
        deadline = time.monotonic() + rng.uniform(0, longest)
        killed = False
        while not killed and session.process.poll() is None:  # a worker may not be there yet
            if time.monotonic() >= deadline:
                killed = kill(session, victim, rng)
            time.sleep(0.005)
        if killed and victim != "dvc":
            session.process.wait(600)  # if it came too late, the stage goes on to its end
        if killed:
            assert seconds_until_gone(clone) < 5, f"{victim} of {stage}"
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


def repeat(clone: Clone) -> None:
    """What a user does afterwards: `make repro`."""
    clone.run(*MEND)
    session = Session(clone, "dvc", "repro")
    assert session.process.wait(1200) == 0, session.output


def test_kills_leave_the_same_bytes(clones: tuple[Clone, Clone]) -> None:
    undisturbed, killed = clones
    seconds = durations(undisturbed)
    assert sorted(seconds) == sorted(ALONE + WITH_WORKERS)
    rng, done, mended = random.Random(SEED), Counter[str](), 0
    for stage, longest in seconds.items():
        victims = ["stage", "dvc"] + ["worker"] * (stage in WITH_WORKERS)
        for victim in victims * MOMENTS:
            for _ in range(ATTEMPTS):
                mended += bool(killed.run(*MEND))
                forget(killed, stage)
                if disturb(killed, stage, victim, longest, rng):
                    done[victim] += 1
                    break
    repeat(killed)
    print(f"\n{sum(done.values())} kills of {KILLS} planned: {dict(done)}; {mended} left dvc.lock cut off")
    assert sum(done.values()) >= 50
    assert killed.bytes_of_results() == undisturbed.bytes_of_results()
    assert not [path for path in killed.path.rglob(".*.tmp") if ".dvc" not in path.parts]
    assert killed.run("dvc", "status").strip().endswith("up to date.")


def test_interrupts_end_everything_at_once_and_without_a_trace(clones: tuple[Clone, Clone]) -> None:
    """Ctrl-C at random moments of every stage; goes on from the test before."""
    undisturbed, clone = clones
    rng, answered = random.Random(SEED + 1), 0
    for stage in (*WITH_WORKERS, *ALONE) * MOMENTS:
        clone.run(*MEND)
        forget(clone, stage)
        session = Session(clone, "dvc", "repro", stage)
        try:
            assert session.wait_for(f"Running stage '{stage}'"), session.output
            time.sleep(rng.uniform(0.1, 2))
            if not session.stages():
                continue
            session.interrupt()
            session.process.wait(3)
            assert seconds_until_gone(clone) < 3
            said = [line for line in session.output.splitlines() if not line.startswith(("Running", "> ", "Stage "))]
            ours = [line for line in said if line and not PROGRESS.search(line)]
            assert len(ours) <= 1, session.output
            assert all(line.startswith("ERROR: ") for line in ours)  # dvc's own
            answered += 1
        finally:
            session.end()
    print(f"\n{answered} interrupts")
    assert answered >= 10
    repeat(clone)
    assert clone.bytes_of_results() == undisturbed.bytes_of_results()
