import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.lib import gzipped
from stages.lib.errors import InputError
from stages.lib.gzipped import read_gzip

TEXT = b"[1, 2, 3]" * 1000


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    """A function that writes mnist.json.gz."""

    def write(content: bytes) -> Path:
        path = tmp_path / "mnist.json.gz"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("parts", [[TEXT], [TEXT, TEXT[:7]], [b""]])
def test_text_of_all_members(file: Callable[[bytes], Path], parts: list[bytes]) -> None:
    assert read_gzip(file(b"".join(gzip.compress(part) for part in parts))) == b"".join(parts)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: whole[:-9],
        lambda whole: whole[:-1],
        lambda whole: whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:],
        lambda whole: whole[:20] + bytes([whole[20] ^ 255]) + whole[21:],
        lambda whole: whole + b"more",
        lambda _: TEXT,
    ],
    ids=["cut text", "cut length", "checksum", "bits", "appended", "not compressed"],
)
def test_no_whole_file(file: Callable[[bytes], Path], spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(InputError, match=r"mnist\.json\.gz: is not a whole gzip file: .+; allowed: JSON that gzip "):
        read_gzip(file(spoil(gzip.compress(TEXT))))


def test_large_file_is_refused_unread(file: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(gzip.compress(TEXT))
    size = path.stat().st_size
    monkeypatch.setattr(gzipped, "LARGEST", size - 1)
    with pytest.raises(InputError, match=rf"mnist\.json\.gz: has {size} bytes; allowed: at most {size - 1}$"):
        read_gzip(path)


def test_bomb_is_refused_before_it_fills_the_memory(
    file: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gzipped, "LARGEST", 10**7)
    path = file(gzip.compress(bytes(10**8)))
    tracemalloc.start()
    with pytest.raises(
        InputError, match=r"mnist\.json\.gz: holds more than 10,000,000 bytes of text; allowed: at most"
    ):
        read_gzip(path)
    assert tracemalloc.get_traced_memory()[1] < 2 * 10**7
    tracemalloc.stop()
