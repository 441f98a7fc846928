"""Clones with a small pipeline of their own, and what runs in them."""

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import yaml
from clones import Clone, clone_working_tree

from stages.lib.dataset.mnist_json import write_mnist_json
from stages.lib.dataset.splits import Split

SIZES = {"train": 300, "valid": 100, "eval": 100}
SMALL = {"epochs": 1, "batch_size": 50, "sweep": {"lrs": [0.001, 0.01, 0.1], "seeds": [100, 101]}}


def write_small(path: Path, mnist: Mapping[str, Split]) -> dict[str, str]:
    """Write real MNIST cut small; gives `data` of a params.yaml."""
    write_mnist_json(path, {name: Split(mnist[name].images[:n], mnist[name].labels[:n]) for name, n in SIZES.items()})
    return {"source": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def small_clone(path: Path, data: dict[str, str], optimizers: tuple[str, ...]) -> Clone:
    """A clone of the working tree, with a cache of its own and without any result."""
    clone = clone_working_tree(path)
    for name in ("metrics", "plots", "data"):
        shutil.rmtree(path / name, ignore_errors=True)
    (path / "dvc.lock").unlink(missing_ok=True)
    params = yaml.safe_load((path / "params.yaml").read_text(encoding="utf-8"))
    params |= SMALL | {"data": data, "optimizers": {name: params["optimizers"][name] for name in optimizers}}
    (path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    return clone


class Session:
    """One command in a session of its own, as in a terminal, with its output in a file."""

    def __init__(self, clone: Clone, *command: str, **environment: str) -> None:
        self._clone = clone
        self._log = clone.path.parent / f"{clone.path.name}.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=clone.path,
                env=clone.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_for(self, text: str, seconds: float = 120) -> bool:
        """Whether `text` came before the end."""
        deadline = time.monotonic() + seconds
        while text not in self.output:
            if self.process.poll() is not None:
                return text in self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.01)
        return True

    def stages(self) -> list[psutil.Process]:
        """The stage that runs and its workers, the stage first; no shell and no resource tracker."""
        return [process for process in at_work(self._clone) if _is_python(process)]

    def interrupt(self) -> None:
        """As Ctrl-C on a terminal does: to every process of the group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def at_work(clone: Clone) -> list[psutil.Process]:
    """What dvc has started in the clone and is not dead, the oldest first."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if "DVC_STAGE" in process.environ() and Path(process.cwd()) == clone.path:
                found.append(process)
    return sorted(found, key=lambda process: (process.create_time(), process.pid))


def _is_python(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        command: list[Any] = process.cmdline()
        return any(word.startswith("stages.") or "spawn_main" in word for word in command)
    return False


def seconds_until_gone(clone: Clone, most: float = 20) -> float:
    started = time.monotonic()
    while at_work(clone):
        assert time.monotonic() - started < most, [process.cmdline() for process in at_work(clone)]
        time.sleep(0.02)
    return time.monotonic() - started
