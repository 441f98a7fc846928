import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stages.lib.training import cpu

ZEN5 = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC\n"


@pytest.mark.parametrize(
    ("cpuinfo", "processor", "machine", "vendor"),
    [
        (ZEN5, "", "x86_64", "AMD"),
        (ZEN5.replace("AuthenticAMD", "GenuineIntel").replace("AMD", "Intel"), "x86_64", "x86_64", "Intel"),
        ("", "Intel64 Family 6 Model 142 Stepping 12, GenuineIntel", "AMD64", "Intel"),
        ("", "AMD64 Family 25 Model 33 Stepping 0, AuthenticAMD", "AMD64", "AMD"),
        ("", "arm", "arm64", "Apple"),
        ("processor: 0", "", "riscv64", "riscv64"),
    ],
    ids=["Linux", "Intel", "Windows", "Windows, AMD", "macOS", "unknown"],
)
def test_vendor(cpuinfo: str, processor: str, machine: str, vendor: str) -> None:
    assert cpu._vendor(cpuinfo, processor, machine) == vendor


@pytest.mark.parametrize(
    ("baseline", "found", "vectors"),
    [
        (["X86_V2"], ["X86_V3", "X86_V4", "AVX512_ICL"], "AVX-512"),
        (["X86_V2"], ["X86_V3"], "AVX2"),
        (["X86_V2"], [], "no wide vectors"),
        (["NEON", "NEON_FP16"], ["ASIMDHP"], "NEON"),
    ],
)
def test_vectors(baseline: list[str], found: list[str], vectors: str) -> None:
    assert cpu._vectors({"baseline": baseline, "found": found}) == vectors


def test_blas_without_kernels_gives_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS, where NumPy uses Apple's."""
    monkeypatch.setattr(np, "__file__", str(tmp_path / "numpy" / "__init__.py"))
    assert cpu._blas({"name": "accelerate"}) == "accelerate"
    assert cpu._blas({}) == "unknown BLAS"


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="these kernels are for x86-64")
@pytest.mark.parametrize("kernel", ["Sandybridge", "Nehalem"])
def test_kernel_is_the_one_that_openblas_uses(kernel: str) -> None:
    """Which OPENBLAS_CORETYPE chooses when the library is loaded."""
    code = "from stages.lib.training.cpu import cpu_kind; print(cpu_kind())"
    environment = os.environ | {"OPENBLAS_CORETYPE": kernel}
    shown = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, encoding="utf-8", check=True
    ).stdout
    assert shown.endswith(f", OpenBLAS {kernel}\n")
