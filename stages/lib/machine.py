"""What a result was computed on: recorded beside the seconds, so that another machine's figures can be explained."""

import platform
from importlib import metadata

from stages.lib.pool import cores
from stages.lib.records import Value

PACKAGES = {"paddle": "paddlepaddle", "numpy": "numpy"}


def machine() -> dict[str, Value]:
    """Flat: the cores that a stage may use, threads of one run, operating system, and versions."""
    return {
        "cores": cores(),
        "threads_per_run": 1,  # see pool.ONE_THREAD
        "system": platform.platform(terse=True),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        **{name: metadata.version(package) for name, package in PACKAGES.items()},
    }
