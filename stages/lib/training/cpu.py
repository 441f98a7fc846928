"""The kind of CPU that computes here: a run repeats to the byte on CPUs of one kind."""

import ctypes
import platform
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

CPUINFO = Path("/proc/cpuinfo")  # Linux only; Windows names the vendor in platform.processor()
VENDORS = {"AuthenticAMD": "AMD", "GenuineIntel": "Intel", "Apple": "Apple", "arm64": "Apple"}
VECTORS = {"X86_V4": "AVX-512", "X86_V3": "AVX2", "NEON": "NEON"}  # NumPy's names for them, the widest first


@cache
def cpu_kind() -> str:
    """The vendor, the widest vector instructions and the BLAS kernel, as in 'AMD, AVX-512, OpenBLAS SkylakeX'.

    Vector instructions and kernel are those that NumPy uses, whatever else the CPU has.
    """
    config: dict[str, Any] = np.show_config(mode="dicts")  # type: ignore[assignment]  # which names what it prints
    cpuinfo = CPUINFO.read_text(encoding="utf-8", errors="replace") if CPUINFO.exists() else ""
    vendor = _vendor(cpuinfo, platform.processor(), platform.machine())
    return ", ".join((vendor, _vectors(config["SIMD Extensions"]), _blas(config["Build Dependencies"]["blas"])))


def _vendor(cpuinfo: str, processor: str, machine: str) -> str:
    text = f"{cpuinfo} {processor} {machine}"
    return next((name for word, name in VENDORS.items() if word in text), machine)


def _vectors(extensions: dict[str, list[str]]) -> str:
    names = {*extensions.get("baseline", ()), *extensions.get("found", ())}
    return next((shown for name, shown in VECTORS.items() if name in names), "no wide vectors")


def _blas(built_with: dict[str, Any]) -> str:
    """OpenBLAS chooses a kernel by the CPU, or as OPENBLAS_CORETYPE says, and tells which; others do not."""
    package = Path(np.__file__).parent
    for file in (*package.parent.glob("numpy.libs/*openblas*"), *package.glob(".dylibs/*openblas*")):
        library = ctypes.CDLL(str(file))  # the one that NumPy has loaded
        for name in ("scipy_openblas_get_corename64_", "scipy_openblas_get_corename"):
            if hasattr(library, name):
                get = getattr(library, name)
                get.restype = ctypes.c_char_p
                return f"OpenBLAS {get().decode()}"
    return str(built_with.get("name", "unknown BLAS"))
