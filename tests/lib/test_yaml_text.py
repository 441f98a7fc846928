import re
from pathlib import Path

import pytest

from stages.lib import yaml_text
from stages.lib.errors import InputError
from stages.lib.yaml_text import read_yaml


def read(folder: Path, text: str) -> object:
    path = folder / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return read_yaml(path)


def test_plain_value(tmp_path: Path) -> None:
    text = "lr: 0.01\nseeds: [0, 1]\noptimizers:\n  小明: {type: SGD, lr: }\n"
    assert read(tmp_path, text) == {"lr": 0.01, "seeds": [0, 1], "optimizers": {"小明": {"type": "SGD", "lr": None}}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "lr: 1\nepochs: 3\nlr: 2\n",
            "is not YAML: the key 'lr' stands twice in \"<unicode string>\", line 3, column 1",
        ),
        ("a: {b: 1, b: 1}\n", "is not YAML: the key 'b' stands twice in \"<unicode string>\", line 1, column 11"),
        ("lr: 1\na: &x [1]\nb: *x\n", "line 3: the alias *x is not allowed; allowed: values written out"),
        (
            "lr: 1\na: !!python/object:os.system {}\n",
            "line 2: the tag tag:yaml.org,2002:python/object:os.system is not",
        ),
        ("a: !!int 3\n", "line 1: the tag tag:yaml.org,2002:int is not allowed; allowed: values without tags"),
        ("\n" + "[" * 20 + "]" * 20, None),
        ("\n" + "[" * 21 + "]" * 21, "line 2: is nested too deeply; allowed: at most 20 levels"),
        ("[" * 100_000, "line 1: is nested too deeply; allowed: at most 20 levels"),
        ("a: 1\n---\nb: 1\n", "is not YAML: expected a single document in the stream"),
        ("{[1]: 2}", "is not YAML: while constructing a mapping"),
    ],
)
def test_what_yaml_would_let_pass(tmp_path: Path, text: str, message: str | None) -> None:
    if message is None:
        read(tmp_path, text)
        return
    with pytest.raises(InputError, match=re.escape(message)) as error:
        read(tmp_path, text)
    assert str(error.value).startswith(str(tmp_path / "params.yaml"))
    assert len(str(error.value).splitlines()) == 1


def test_large_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "LARGEST", 10)
    assert read(tmp_path, "lr: 1     ") == {"lr": 1}
    with pytest.raises(InputError, match=r"params\.yaml: has 11 bytes; allowed: at most 10$"):
        read(tmp_path, "lr: \x00     \x00")
