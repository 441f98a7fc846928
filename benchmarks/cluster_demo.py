"""A sweep on a cluster, once through: a scheduler, two workers, one of them killed on the way, and the same bytes."""

import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from distributed import Client
from distributed.deploy.subprocess import SubprocessCluster

from stages.lib.command import command
from stages.lib.dataset import SPLITS, Split, load_split, save_splits
from stages.lib.pool import SCHEDULER
from stages.lib.settings import SweepSettings, write_settings
from stages.sweep import sweep

IMAGES = 2000  # of each split: a run of a second or two
PLAN = SweepSettings("adam", "Adam", {}, 100, 4, (100, 101), (0.0001, 0.001, 0.01, 0.1))
KILL_AFTER = 6  # seconds
RESULTS = ("curves.csv", "metrics.json")


def demonstrate(dataset: Path) -> None:
    """Sweep here and on the cluster, and tell whether the bytes are the same; exit code 1 if they are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = {name: load_split(dataset, name) for name in SPLITS}
        few = {name: Split(part.images[:IMAGES], part.labels[:IMAGES]) for name, part in parts.items()}
        save_splits(folder / "few.npz", few)
        write_settings(folder / "sweep.json", PLAN)
        _say("The sweep in processes of this machine:")
        _sweep(folder, "here")
        _say("A scheduler and two workers:")
        with SubprocessCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
            threading.Thread(target=_kill_one, args=(cluster.scheduler_address,), daemon=True).start()
            os.environ[SCHEDULER] = cluster.scheduler_address
            _sweep(folder, "there")
        same = all((folder / "here" / n).read_bytes() == (folder / "there" / n).read_bytes() for n in RESULTS)
        _say("The same bytes." if same else "The bytes differ.")
        sys.exit(not same)


def _sweep(folder: Path, out: str) -> None:
    started = time.perf_counter()
    names = {"curves": "curves.csv", "metrics": "metrics.json", "timing": "timing.json"}
    paths = {option: folder / out / name for option, name in names.items()}
    sweep(folder / "few.npz", folder / "sweep.json", **paths, kept=folder / out / "kept")
    _say(f"{time.perf_counter() - started:.0f} s")


def _kill_one(address: str) -> None:
    time.sleep(KILL_AFTER)
    with Client(address, set_as_default=False) as client:
        worker, process = next(iter(client.run(os.getpid).items()))
    _say(f"kill -9 {process}: the worker {worker}")
    os.kill(process, signal.SIGKILL)


def _say(line: str) -> None:
    print(f"{line}\n", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    command(demonstrate)
