"""What a result was computed on: recorded beside the seconds, so that another machine's figures can be explained."""

import platform
from importlib import metadata
from pathlib import Path

from stages.lib.pool import cores
from stages.lib.records import Value

CPUINFO = Path("/proc/cpuinfo")  # Linux only
PACKAGES = {"paddle": "paddlepaddle", "numpy": "numpy"}


def machine() -> dict[str, Value]:
    """Flat: CPU model, the cores that a stage may use, threads of one run, operating system, and versions."""
    return {
        "cpu": cpu_model(),
        "cores": cores(),
        "threads_per_run": 1,  # see pool.ONE_THREAD
        "system": platform.platform(terse=True),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        **{name: metadata.version(package) for name, package in PACKAGES.items()},
    }


def cpu_model() -> str:
    """The CPU's name as it gives it, or where the system does not tell, its architecture."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (names or [platform.processor() or platform.machine()])[0]
