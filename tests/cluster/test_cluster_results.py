"""Where runs execute changes no byte, whatever happens to the workers."""

import os
import re
import signal
import time
from collections.abc import Callable

import pytest
from clusters import SECONDS, Cluster, Stages, ask

pytestmark = pytest.mark.long


def test_every_stage_gives_the_bytes_of_local_processes(cluster: Cluster, stages: Stages) -> None:
    said = stages.run("train", cluster.address, "there/train", "train.json")
    assert re.search(r"^cluster tcp://127\.0\.0\.1:\d+: dashboard at http://127\.0\.0\.1:\d+/status$", said, re.M)
    assert f"cluster {cluster.address}: 3 of 3 runs" in said
    models = str(stages.folder / "local/train/models")
    stages.run("evaluate", cluster.address, "there/evaluate", "train.json", models)
    stages.run("sweep", cluster.address, "there/sweep", "sweep.json")
    stages.same("local", "there")
    logs = [cluster.log(process) for process in cluster.processes[1:3]]
    assert [log.count("Starting Worker plugin dataset-") for log in logs] == [1, 1]  # sent once for all three stages
    assert len(list(cluster.folder.glob("dask-scratch-space/dataset-*"))) == 1  # and kept once by both workers
    assert not any("step" in log for log in logs)  # the bar is the client's


def test_a_killed_worker_loses_nothing(new_cluster: Callable[[], Cluster], stages: Stages) -> None:
    cluster = new_cluster()
    cluster.worker()
    cluster.worker()
    victims = ask(cluster, os.getpid)
    process = stages.start("sweep", cluster.address, stages.folder / "killed", "sweep.json")
    assert process.stderr is not None
    said = ""
    while "has ended" not in said:  # the first run has, others are under way
        said += process.stderr.readline()
    os.kill(victims[0], signal.SIGKILL)
    said += process.communicate(timeout=SECONDS)[1]
    assert process.returncode == 0, said
    assert re.search(r"^worker tcp://127\.0\.0\.1:\d+ was lost; its runs go to others$", said, re.M)
    (stages.folder / "killed/timing.json").unlink()
    stages.same("killed", "local/sweep")


def test_a_scheduler_that_dies_is_one_line_within_seconds(new_cluster: Callable[[], Cluster], stages: Stages) -> None:
    cluster = new_cluster()
    cluster.worker()
    process = stages.start("sweep", cluster.address, stages.folder / "died", "sweep.json")
    assert process.stderr is not None
    while "has ended" not in process.stderr.readline():
        pass
    cluster.scheduler.kill()
    killed = time.monotonic()
    said = process.communicate(timeout=SECONDS)[1]
    assert time.monotonic() - killed < 10
    assert process.returncode == 1
    assert [line for line in said.splitlines() if not re.search(r"has ended$| runs$", line)] == [
        f"error: the scheduler {cluster.address} is gone; nothing was written"
    ]
    assert not (stages.folder / "died").exists()


def test_ctrl_c_ends_at_once_and_takes_back_what_has_not_begun(cluster: Cluster, stages: Stages) -> None:
    process = stages.start("sweep", cluster.address, stages.folder / "stopped", "sweep.json")
    assert process.stderr is not None
    while "has ended" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    stopped = time.monotonic()
    assert "Traceback" not in process.communicate(timeout=SECONDS)[1]
    assert time.monotonic() - stopped < 10
    assert process.returncode == 130
    assert not (stages.folder / "stopped").exists()
