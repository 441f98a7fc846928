"""What a cluster costs beside local processes: time of the same runs, seconds per empty run, data, memory."""

import json
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import psutil
from distributed import Client
from distributed.deploy.subprocess import SubprocessCluster

from stages.lib.config.settings import RunSettings
from stages.lib.files.replacing import replacing
from stages.lib.training.trained import Trained
from stages.lib.workers import progress
from stages.lib.workers.command import command
from stages.lib.workers.pool import SCHEDULER, Pool, workers

STARTS = 2  # of a cluster
PAIRS = 3  # for each: the same runs here and there in turn, as the machine drifts
RUNS = 8
EPOCHS = 0.2  # 100 steps, and two scores of all 10,000 validation images
EMPTY = 400


def measure(dataset: Path, *, results: Path) -> None:
    """Write seconds, ratios, bytes and kilobytes as JSON."""
    found: dict[str, object] = {"runs": RUNS, "pairs": STARTS * PAIRS}
    found |= {"sent_bytes": len(zlib.compress(dataset.read_bytes(), 1)), "file_bytes": dataset.stat().st_size}
    for count in (1, 2):
        starts = [_start(count, dataset) for _ in range(STARTS)]
        pairs = [pair for start, _ in starts for pair in start]
        found[f"local_seconds, {count} workers"] = median(here for here, _ in pairs)
        found[f"cluster_seconds, {count} workers"] = median(there for _, there in pairs)
        found[f"efficiencies, {count} workers"] = [round(here / there, 3) for here, there in pairs]
        found[f"efficiency, {count} workers"] = median(here / there for here, there in pairs)
        for key in starts[0][1]:
            found[f"{key}, {count} workers"] = median(costs[key] for _, costs in starts)
    with replacing(results) as temporary:
        temporary.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _start(count: int, dataset: Path) -> tuple[list[tuple[float, float]], dict[str, float]]:
    """Seconds of RUNS runs in `count` processes here and on a new cluster, PAIRS times; and what else it costs."""
    with workers(count, dataset) as here, _cluster(count) as client:
        began = time.perf_counter()
        with workers(count, dataset) as there:
            connected = time.perf_counter() - began
            for pool in (here, there):
                pool.run_all(partial(_train_one, pool.dataset), [_run(seed) for seed in range(count)])  # loads paddle
            pairs = [(_seconds(here), _seconds(there)) for _ in range(PAIRS)]
            began = time.perf_counter()
            there.run_all(_nothing, range(EMPTY))
            empty = (time.perf_counter() - began) / EMPTY
        began = time.perf_counter()
        with workers(count, dataset):
            again = time.perf_counter() - began
        return pairs, {
            "connect_and_send_seconds": connected,
            "connect_again_seconds": again,
            "empty_run_milliseconds": 1000 * empty,
            "worker_megabytes": max(client.run(_memory).values()),
            "scheduler_megabytes": client.run_on_scheduler(_memory),
        }


@contextmanager
def _cluster(count: int) -> Iterator[Client]:
    with (
        SubprocessCluster(n_workers=count, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster.scheduler_address, set_as_default=False) as client,
    ):
        os.environ[SCHEDULER] = cluster.scheduler_address
        try:
            yield client
        finally:
            del os.environ[SCHEDULER]


def _seconds(pool: Pool) -> float:
    started = time.perf_counter()
    pool.run_all(partial(_train_one, pool.dataset), [_run(seed) for seed in range(RUNS)])
    return time.perf_counter() - started


def _run(seed: int) -> RunSettings:
    network = Path("networks/tutorial.py").read_bytes()
    return RunSettings(
        optimizer="adam", type="Adam", arguments={}, network=network, batch_size=100, lr=0.003, epochs=EPOCHS, seed=seed
    )


def _train_one(dataset: os.PathLike[str], run: RunSettings) -> Trained:
    from stages.lib.training.loop import train_run  # imports paddle: a second that only the workers need to spend

    return train_run(run, dataset, progress.silent)


def _nothing(number: int) -> int:
    return number


def _memory() -> float:
    return psutil.Process().memory_info().rss / 1e6


if __name__ == "__main__":
    command(measure)
