"""Files that hold no network that could train: one line of what is wrong where, before any training."""

import re
from pathlib import Path

import paddle
import pytest
from short_runs import NETWORKS

from stages.lib.files.errors import InputError
from stages.lib.training.network_check import checked_network

HEAD = "import numpy as np\nimport paddle\nimport paddle.nn.functional as F\nfrom paddle import nn\n"
GOOD = f"""{HEAD}
class Network(nn.Layer):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 10)

    def forward(self, images):
        x = images.flatten(1)
        return self.fc(x)
"""


def written(folder: Path, source: str | bytes) -> Path:
    path = folder / "mine.py"
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    return path


@pytest.mark.parametrize("path", sorted(NETWORKS.glob("*.py")), ids=lambda path: path.stem)
def test_networks_of_the_project_are_taken_as_they_are(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And which of them plain Paddle trains is told in a line."""
    assert checked_network(path, "network") == path.read_bytes()
    told = capsys.readouterr().err
    assert told.count("\n") == (path.stem != "tutorial")
    assert told.startswith(f"{path}: trains in plain Paddle" if told else "")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("x = images.flatten(1)", "x = images.flatten(1", r"SyntaxError: '\(' was never closed \(mine.py, line 12\)"),
        ("", "\x00", "(SyntaxError|ValueError): source code string cannot contain null bytes"),
        ("import numpy as np", "import nympy as np", "line 1: ModuleNotFoundError: No module named 'nympy'"),
        ("class Network(nn.Layer)", "class Net(nn.Layer)", r"has no class Network\(paddle.nn.Layer\)"),
        ("class Network(nn.Layer)", "class Network", r"has no class Network\(paddle.nn.Layer\)"),
        ("class Network(nn.Layer):", "Network = 5\nclass Net:", r"has no class Network\(paddle.nn.Layer\)"),
        (
            "__init__(self):",
            "__init__(self, width):",
            "TypeError: .*__init__.. missing 1 required positional argument: 'w",
        ),
        ("nn.Linear(784, 10)", "nn.Linear(784, ten)", "line 9: NameError: name 'ten' is not defined"),
        ("        super().__init__()\n", "", "line 8: "),
        (
            "nn.Linear(784, 10)",
            "nn.Linear(28, 10)",
            r"line 13: ValueError: \(InvalidArgument\) In operator matmul, the .*",
        ),
        ("images.flatten(1)", "images.reshape([100, -1])", r"line 12: ValueError: \(InvalidArgument\) .*shape"),
        ("return self.fc(x)", "raise KeyError('a\\nb')", r"line 13: KeyError: 'a\\nb'"),
        ("return self.fc(x)", "return self.forward(x)", "line 12: "),
        ("return self.fc(x)", "assert not self.training; return self.fc(x)", "line 13: AssertionError: "),
        ("return self.fc(x)", "assert self.training; return self.fc(x)", "line 13: AssertionError: "),
        (
            "nn.Linear(784, 10)",
            "nn.Linear(784, 12)",
            r"forward gives paddle.float32 \[2, 12\] of 2 images; allowed: paddle.float32 \[2, 10\]$",
        ),
        ("return self.fc(x)", "return self.fc(x).mean()", r"forward gives paddle.float32 \[\] of 2 images"),
        ("return self.fc(x)", "return self.fc(x), x", r"forward gives tuple of 2 images; allowed: "),
        ("return self.fc(x)", "return self.fc(x).astype('float64')", r"forward gives paddle.float64 \[2, 10\] of 2"),
        ("        return self.fc(x)\n", "", "forward gives NoneType of 2 images"),
        ("nn.Linear(784, 10)", "nn.ReLU()", "Network has no parameters"),
        (
            "nn.Linear(784, 10)",
            "nn.Linear(784, 10).to(dtype='float64')",
            "Network has weights of paddle.float64; allowed",
        ),
        ("return self.fc(x)", "return self.fc(x) / 0", "forward gives numbers that are not finite"),
    ],
)
def test_bad_network_is_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert GOOD.count(old) == 1 or not old
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(InputError, match=rf"^network: {re.escape(repr(str(path)))}: {message}") as caught:
        checked_network(path, "network")
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ["none.py", "", ".", "a\nb", "a\0b", "x" * 5000, "\udc80"])
def test_file_that_is_not_there(name: str) -> None:
    with pytest.raises(InputError, match=r"^params.yaml: network: '.*'?: (Is|File|OS|Value|Uni)\w*Error: .+$"):
        checked_network(Path(name), "params.yaml: network")


def test_buffers_of_whole_numbers_are_refused(tmp_path: Path) -> None:
    """They could not be saved as weights are."""
    counted = GOOD.replace(
        "super().__init__()", "super().__init__(); self.register_buffer('seen', paddle.zeros([1], 'int64'))"
    )
    with pytest.raises(InputError, match=r"mine\.py': Network has weights of paddle.int64; allowed: paddle.float32"):
        checked_network(written(tmp_path, counted), "network")


def test_question_leaves_nothing_behind_that_a_run_would_see(tmp_path: Path) -> None:
    assert checked_network(written(tmp_path, GOOD), "network") == GOOD.encode()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]
    assert paddle.is_grad_enabled()
