"""The data on the machines of a cluster: sent once, kept by its hash, one copy for all workers of a machine."""

import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from distributed import Client, Worker, WorkerPlugin

from stages.lib.cluster_code import register
from stages.lib.errors import InputError

CHUNK = 1 << 22  # bytes; neither side holds the whole file

_copies: dict[str, Path] = {}  # of this worker, by digest


@dataclass(frozen=True)
class Placed(os.PathLike[str]):
    """A file of this machine, as work on a cluster opens it: there, the path is that of the worker's copy."""

    digest: str
    shown: str  # the path here, for messages

    def __fspath__(self) -> str:
        if not has_copy(self.digest):
            raise InputError(f"{self.shown}: a worker has no copy of it, and its log tells why; start that worker anew")
        return str(_copies[self.digest])

    def __str__(self) -> str:
        return self.shown


class Copy(WorkerPlugin):
    """Writes the file on every worker, those that join later too, unless its machine has it already."""

    def __init__(self, digest: str, content: bytes) -> None:
        self.name = _name(digest)
        self.digest = digest
        self.content = content  # compressed

    def setup(self, worker: Worker) -> None:
        """Called by Dask before the worker's first run."""
        path = Path(worker.local_directory).parent / f"{self.name}.npz"
        temporary = path.with_suffix(f".{os.getpid()}.tmp")  # the machine's other workers write theirs
        try:
            if not (path.exists() and _digest(path) == self.digest):
                _decompress(self.content, temporary)
                temporary.replace(path)
        except OSError as error:
            raise InputError(f"worker {worker.address}: {path}: cannot be written: {error.strerror}") from None
        finally:
            temporary.unlink(missing_ok=True)
        _copies[self.digest] = path
        self.content = b""


def place(client: Client, path: Path) -> Placed:
    """Send the file to the cluster, unless every worker has its copy, and give what work is to open."""
    digest = _digest(path)
    if not all(found is True for found in client.run(has_copy, digest, on_error="return").values()):
        register(client, Copy(digest, _compressed(path)))
    return Placed(digest, str(path))


def has_copy(digest: str) -> bool:
    """Whether this worker can open it: its file may be gone, as others clean up folders for temporary files."""
    return digest in _copies and _copies[digest].exists()


def _name(digest: str) -> str:
    return f"dataset-{digest[:32]}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _compressed(path: Path) -> bytes:
    """Level 1: a tenth of the bytes of images, in the time that a network of 1 Gbit/s takes for them as they are."""
    squeeze, parts = zlib.compressobj(1), []
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            parts.append(squeeze.compress(chunk))
    return b"".join([*parts, squeeze.flush()])


def _decompress(content: bytes, path: Path) -> None:
    expand = zlib.decompressobj()
    with path.open("wb") as file:
        for start in range(0, len(content), CHUNK):
            file.write(expand.decompress(content[start : start + CHUNK]))
        file.write(expand.flush())
