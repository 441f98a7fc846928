import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stages.lib.dataset.mnist_json import write_mnist_json
from stages.lib.dataset.splits import Split, load_split
from stages.lib.files.errors import InputError
from stages.prepare import prepare


def test_arrays_are_those_of_the_file(tmp_path: Path, mnist: dict[str, Split]) -> None:
    source, target = tmp_path / "mnist.json.gz", tmp_path / "data" / "mnist.npz"
    write_mnist_json(source, mnist)
    prepare(source, target)
    for name, expected in mnist.items():
        split = load_split(target, name)
        assert split.images.dtype == np.float32
        assert split.labels.dtype == np.int64
        np.testing.assert_array_equal(split.images, expected.images)
        np.testing.assert_array_equal(split.labels, expected.labels)
    assert [file.name for file in target.parent.iterdir()] == ["mnist.npz"]


def test_same_file_gives_same_bytes(tmp_path: Path, mnist: dict[str, Split]) -> None:
    write_mnist_json(tmp_path / "mnist.json.gz", mnist)
    for name in ("one.npz", "two.npz"):
        prepare(tmp_path / "mnist.json.gz", tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello", "is not a whole gzip file"),
        (gzip.compress(b"hello"), "is not JSON"),
        (gzip.compress(json.dumps([[[[0] * 783], [1]]] * 3).encode()), "train image 0: holds a list of 783"),
        (gzip.compress(json.dumps([[[[0] * 784], [10]]] * 3).encode()), "train label 0: is 10"),
    ],
    ids=["not gzip", "not JSON", "783 numbers", "label 10"],
)
def test_bad_file_leaves_nothing(tmp_path: Path, content: bytes, message: str) -> None:
    source, target = tmp_path / "mnist.json.gz", tmp_path / "data" / "mnist.npz"
    source.write_bytes(content)
    with pytest.raises(InputError, match=message):
        prepare(source, target)
    assert not target.parent.exists() or list(target.parent.iterdir()) == []


def test_bad_file_leaves_the_old_arrays(tmp_path: Path) -> None:
    source, target = tmp_path / "mnist.json.gz", tmp_path / "mnist.npz"
    source.write_bytes(b"hello")
    target.write_bytes(b"old")
    with pytest.raises(InputError, match="is not a whole gzip file"):
        prepare(source, target)
    assert target.read_bytes() == b"old"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mnist.json.gz", "mnist.npz"]


PROGRAM = """
import re, resource
from pathlib import Path
from stages.lib.workers.command import command
from stages.prepare import prepare
size = int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (size + (300 << 20), size + (300 << 20)))
command(prepare)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the memory")
@pytest.mark.parametrize("content", [b"0," * 250_000_000, b"0," * 50_000_000], ids=["of the text", "of its numbers"])
def test_memory_that_does_not_suffice(tmp_path: Path, content: bytes) -> None:
    """It is limited to 300 MB beyond what the imports took."""
    source, target = tmp_path / "mnist.json.gz", tmp_path / "mnist.npz"
    source.write_bytes(gzip.compress(b"[" + content + b"0]", compresslevel=1))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, source, target],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stderr == "error: prepare needs more memory than there is; nothing was written\n"
    assert done.returncode == 1
    assert not target.exists()


def test_missing_file_names_itself(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"mnist\.json\.gz"):
        prepare(tmp_path / "mnist.json.gz", tmp_path / "mnist.npz")
