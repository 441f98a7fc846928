"""A sweep on a cluster, once through: a scheduler, two workers, one of them killed on the way, and the same bytes."""

import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from distributed import Client
from distributed.deploy.subprocess import SubprocessCluster

from stages.lib.config.settings import SweepSettings, write_settings
from stages.lib.dataset.splits import SPLITS, Split, load_split, save_splits
from stages.lib.workers.command import command
from stages.lib.workers.pool import SCHEDULER
from stages.lib.workers.progress import tell
from stages.sweep import sweep

IMAGES = 2000  # of each split: a run of a second or two
ASKED = SweepSettings(
    optimizer="adam",
    type="Adam",
    arguments={},
    batch_size=100,
    epochs=4,
    seeds=(100, 101),
    lrs=(0.0001, 0.001, 0.01, 0.1),
)


def demonstrate(dataset: Path) -> None:
    """Sweep here and on the cluster, and tell whether the bytes are the same; exit code 1 if they are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = {name: load_split(dataset, name) for name in SPLITS}
        few = {name: Split(part.images[:IMAGES], part.labels[:IMAGES]) for name, part in parts.items()}
        save_splits(folder / "few.npz", few)
        write_settings(folder / "sweep.json", ASKED)
        tell("The sweep in processes of this machine:")
        here = _sweep(folder, "here.jsonl")
        tell("A scheduler and two workers:")
        with SubprocessCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
            threading.Thread(target=_kill_one, args=(cluster.scheduler_address,), daemon=True).start()
            os.environ[SCHEDULER] = cluster.scheduler_address
            there = _sweep(folder, "there.jsonl")
        tell("The same bytes." if here == there else "The bytes differ.")
        sys.exit(here != there)


def _sweep(folder: Path, name: str) -> bytes:
    started = time.perf_counter()
    sweep(folder / "few.npz", Path("networks/tutorial.py"), folder / "sweep.json", runs=folder / name)
    tell(f"{time.perf_counter() - started:.0f} s")
    return (folder / name).read_bytes()


def _kill_one(address: str) -> None:
    with Client(address, set_as_default=False) as client:
        while not any(client.processing().values()):
            time.sleep(0.1)
        worker, process = next(iter(client.run(os.getpid).items()))
    tell(f"kill {process}: the worker {worker}")
    psutil.Process(process).kill()


if __name__ == "__main__":
    command(demonstrate)
