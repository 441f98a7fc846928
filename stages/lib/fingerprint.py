"""What a run's bytes depend on beside its settings and its data: the code, the packages, the threads of a process."""

import hashlib
import os
import platform
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

# Two runs with one thread each are faster than one run with two, and one thread sums in one order.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
PACKAGES = ("paddlepaddle", "numpy", "scipy")  # those that compute
CPUINFO = Path("/proc/cpuinfo")  # Linux only
STAGES = Path(__file__).parents[1]
SHOWN = 4  # differences in one line; a clone at another commit has dozens


def fingerprint() -> dict[str, str]:
    """The SHA-256 of every file of code, the versions, and the variables that numeric libraries read."""
    code = {f"stages/{path.relative_to(STAGES).as_posix()}": _hash(path) for path in sorted(STAGES.rglob("*.py"))}
    versions = {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}
    return code | versions | {name: os.environ.get(name, "unset") for name in ONE_THREAD}


@cache
def first_fingerprint() -> dict[str, str]:
    """That of the first call: a process that lives on keeps the code that it loaded, whatever the files then become."""
    return fingerprint()


def difference(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """What differs, for a line of text; empty when nothing does."""
    found = list(_differences(here, there))
    more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return "; ".join(found[:SHOWN] + more)


def cpu_model() -> str:
    """The CPU's name as it gives it, or where the system does not tell, its architecture."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (names or [platform.processor() or platform.machine()])[0]


def _differences(here: Mapping[str, str], there: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*here, *there}, key=lambda name: (name.endswith(".py"), name)):
        mine, other = here.get(name, "missing"), there.get(name, "missing")
        if mine != other:
            yield f"{name} differs" if name.endswith(".py") else f"{name} is {other} there, {mine} here"


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"
