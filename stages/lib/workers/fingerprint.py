"""What a run's bytes depend on beside its settings and its data: code, packages, and a process's environment."""

import hashlib
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

# Two runs with one thread each are faster than one run with two, and one thread sums in one order.
ENVIRONMENT = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
ENVIRONMENT["MKL_CBWR"] = "COMPATIBLE"  # Paddle's MKL computes alike on Intel's and AMD's processors, as fast
PACKAGES = ("paddlepaddle", "numpy", "scipy")  # those that compute
STAGES = Path(__file__).parents[2]


@cache  # a process that lives on keeps the code that it loaded, whatever the files then become
def fingerprint() -> dict[str, str]:
    """The code in stages/, by its SHA-256, and the versions of what computes, at this process's first call."""
    files = [path.relative_to(STAGES).as_posix() for path in sorted(STAGES.rglob("*.py"))]
    code = hashlib.sha256(repr([(name, (STAGES / name).read_bytes()) for name in files]).encode())
    found = {"stages/": code.hexdigest()[:12], "python": platform.python_version()}
    return found | {name: version(name) for name in PACKAGES}
