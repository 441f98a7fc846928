"""Spoiled params.yaml: configure writes right settings, or nothing and one line of what is wrong where.

Only as far as dvc lets it come: keys that stand twice, dates, sets, tags of Python, bytes that are not UTF-8 and lists
that are nested by hundreds end in dvc.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from small_params import PARAMS
from spoiled import cases, refused_or_right

from stages.configure import configure
from stages.lib.config.params import load_params
from stages.lib.config.settings import TrainSettings, load_names, load_settings

pytestmark = pytest.mark.long

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=4),
    st.sampled_from([0, -1, 2**31 - 1, 2**31, 2**63, 10**400, 1e300, 1e301, 5e-324]),
    st.sampled_from(
        ["1e-5", "1E400", "+.5e+3", "1e", ".", "", "a\nb", "\u0661\u0662", "\x85", "../x", "x" * 300, "9" * 5000]
    ),
    st.sampled_from(["SGD", "Adam", "LBFGS", "package", "/own.gz", "http://[", "file://", "s3::file:///x", "a" * 64]),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3), max_leaves=5
)
LINES = PARAMS.splitlines()
# text that YAML gives a meaning of its own
PIECES = [
    *(
        "lr: 0.01",
        "  sgd: {type: SGD, lr: }",
        "seeds: [0, 1]",
        "<<: {lr: 2}",
        "? [a, b]",
        "? {a: b}\n: c",
        "=: 1",
        "- 1",
    ),
    *("&a", "*a", "&a [*a]", "!!float 1", "!!binary x", "!!omap [a: 1]", "! 1", "!x 1", "%YAML 9.9", "%TAG ! x"),
    *("---", "...", "--- 1", "\t", "# \u2028", "|", ">-", "'", '"\\x00"', '"\\ud800"', "\ufeff", "{", "}", "[", "]"),
    *("[" * 40 + "]" * 40, "0x" + "f" * 5000, "0b" + "1" * 9000, "1:" * 500 + "1", "1:30", "1_0", "010", "0o17"),
    *(".inf", ".NaN", "~", "yes", "1e5", "1e-5", "\x07", "a: b: c", "x" * 100_000),
]


def places(content: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(content, dict) and len(path) < 4:
        return found + [way for key in content for way in places(content[key], (*path, key))]
    return found


@st.composite
def spoiled_values(draw: Callable[..., Any]) -> str:
    """PARAMS with values replaced, and keys taken out, added or renamed."""
    content = yaml.safe_load(PARAMS)
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(places(content)))
        parent = content
        for key in way:
            parent = parent[key]
        match draw(st.sampled_from(["replace", "replace", "replace", "remove", "add", "rename"])):
            case "replace":
                parent[last] = draw(VALUES)
            case "remove":
                del parent[last]
            case "add":
                parent[draw(SCALARS)] = draw(VALUES)
            case "rename":
                parent[draw(SCALARS)] = parent.pop(last)
        if not content:
            break
    return yaml.safe_dump(content, allow_unicode=draw(st.booleans()))


@st.composite
def spoiled_text(draw: Callable[..., Any]) -> str:
    """PARAMS with pieces of YAML put in: as lines, as values, or anywhere."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 3))):
        at, piece = draw(st.integers(0, len(lines) - 1)), draw(st.sampled_from(PIECES))
        match draw(st.sampled_from(["line", "value", "anywhere", "repeat"])):
            case "line":
                lines.insert(at, piece)
            case "value":
                lines[at] = lines[at].split(":")[0] + ": " + piece
            case "anywhere":
                place = draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:place] + piece + lines[at][place:]
            case "repeat":
                lines.insert(draw(st.integers(0, len(lines))), lines[at])
    return "\n".join(lines) + "\n"


def check(folder: Path, content: bytes) -> None:
    """configure(content): right settings, or the old ones."""
    params, config, network = folder / "params.yaml", folder / "out" / "config", folder / "network"
    params.write_bytes(content)
    config.mkdir(parents=True, exist_ok=True)
    (config / "old").touch()
    with refused_or_right(params, "allowed", "is missing", "is not YAML", "does not work with", "Error: "):
        configure(params, config, network, results="", lock=folder / "dvc.lock")
    assert [file.name for file in config.parent.iterdir()] == ["config"]
    if (config / "old").exists():
        return
    expected = yaml.safe_load(content)
    assert load_names(config / "optimizers.json") == sorted(expected["optimizers"])
    for name, entry in expected["optimizers"].items():
        loaded = load_settings(config / name / "train.json", TrainSettings)
        lr = expected["lr"] if entry.get("lr") is None else entry["lr"]
        assert loaded.lr == pytest.approx(float(lr), rel=1e-5)
        assert (loaded.type, loaded.epochs, list(loaded.seeds)) == (
            entry["type"],
            expected["epochs"],
            expected["seeds"],
        )
    assert load_params(params).data.source == expected["data"]["source"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("params")


@cases(500)
@given(text=spoiled_values())
def test_values(folder: Path, text: str) -> None:
    check(folder, text.encode("utf-8", "surrogatepass"))


@cases(500)
@given(text=spoiled_text())
def test_text(folder: Path, text: str) -> None:
    check(folder, text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("piece", PIECES, ids=lambda piece: piece[:12])
def test_every_piece_as_a_value(folder: Path, piece: str) -> None:
    check(folder, PARAMS.replace("lr: 0.01", f"lr: {piece}").encode("utf-8", "surrogatepass"))
    check(folder, PARAMS.replace("momentum: 0.9", f"momentum: {piece}").encode("utf-8", "surrogatepass"))
