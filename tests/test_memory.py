"""Files that would fill the memory end in one line, within a limit that the kernel enforces."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# of address space beyond what the imports took
MORE = 300 << 20
PROGRAM = """
import re, resource, sys
from pathlib import Path
from stages.lib.command import command
{imports}
size = int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (size + {more}, size + {more}))
command({name})
"""
PREPARE = PROGRAM.format(imports="from stages.prepare import prepare", name="prepare", more=MORE)
CONFIGURE = PROGRAM.format(imports="from stages.configure import configure", name="configure", more=MORE)

pytestmark = [pytest.mark.long, pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the memory")]


def refusal(program: str, *arguments: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not arguments[-1].exists()
    return done.stderr


@pytest.mark.parametrize("content", [b" ", b"[", b"0", b"[[[["])
def test_gzip_bomb(tmp_path: Path, content: bytes) -> None:
    """10 GB in a file of 10 MB."""
    source = tmp_path / "mnist.json.gz"
    member = gzip.compress(content * (100_000_000 // len(content)))
    with source.open("wb") as file:
        for _ in range(100):
            file.write(member)
    message = refusal(PREPARE, source, tmp_path / "mnist.npz")
    assert f"error: {source}: holds more than 1,500,000,000 bytes of text; allowed: at most so many" in message


def test_file_of_10_gb(tmp_path: Path) -> None:
    source = tmp_path / "mnist.json.gz"
    with source.open("wb") as file:
        file.write(gzip.compress(b"[" * 1000))
        file.truncate(10**10)  # holes, which take no disk
    message = refusal(PREPARE, source, tmp_path / "mnist.npz")
    assert f"error: {source}: has 10,000,000,000 bytes; allowed: at most 1,500,000,000" in message


def test_text_within_the_limit_that_memory_cannot_hold(tmp_path: Path) -> None:
    source = tmp_path / "mnist.json.gz"
    source.write_bytes(gzip.compress(b"[" + b"0," * 250_000_000 + b"0]", compresslevel=1))
    message = refusal(PREPARE, source, tmp_path / "mnist.npz")
    assert f"error: {source}: its text needs more memory than there is" in message


def test_params_of_10_gb(tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    with params.open("wb") as file:
        file.truncate(10**10)
    message = refusal(CONFIGURE, params, tmp_path / "config")
    assert f"error: {params}: has 10,000,000,000 bytes; allowed: at most 1,000,000" in message


def test_billion_laughs(tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    lines = ["a0: &a0 [ha, ha]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 40))]
    params.write_text("\n".join(lines))
    message = refusal(CONFIGURE, params, tmp_path / "config")
    assert f"error: {params}: line 2: the alias *a0 is not allowed; allowed: values written out" in message
