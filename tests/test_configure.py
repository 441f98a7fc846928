import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.configure import configure
from stages.lib.errors import InputError
from stages.lib.settings import SweepSettings, TrainSettings, load_names, load_settings

ParamsFile = Callable[..., Path]


def settings(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


KINDS = ("sweep.json", "train.json", "tune.json")


def test_each_optimizer_gets_its_settings(params_file: ParamsFile, tmp_path: Path) -> None:
    config = tmp_path / "data" / "config"
    configure(params_file(), config)
    expected = ["optimizers.json", *(f"{name}/{kind}" for name in ("momentum", "sgd") for kind in KINDS)]
    assert sorted(settings(config)) == sorted(expected)
    assert load_names(config / "optimizers.json") == ["momentum", "sgd"]
    for name, type_, arguments, lr in (("sgd", "SGD", {}, 0.01), ("momentum", "Momentum", {"momentum": 0.9}, 0.5)):
        own: dict[str, Any] = {"optimizer": name, "type": type_, "arguments": arguments, "batch_size": 100, "epochs": 3}
        train, tune = (load_settings(config / name / f"{kind}.json", TrainSettings) for kind in ("train", "tune"))
        assert train == TrainSettings(**own, seeds=(0, 1), lr=lr)
        assert tune == TrainSettings(**own, seeds=(0, 1), lr=None)
        sweep = SweepSettings(**own, seeds=(100, 101), lrs=(0.001, 0.01, 0.1))
        assert load_settings(config / name / "sweep.json", SweepSettings) == sweep
    assert json.loads((config / "sgd" / "train.json").read_text())["lr"] == 0.01


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("lr: 0.01", "lr: 0.001", ["sgd/train.json"]),
        ("lr: 0.5", "lr: 0.4", ["momentum/train.json"]),
        ("lr: 0.01", "lr: 1e-2", []),
        ("epochs: 3", "epochs: 4", [f"{name}/{kind}" for name in ("momentum", "sgd") for kind in KINDS]),
        ("[0, 1]", "[0, 2]", [f"{name}/{kind}" for name in ("momentum", "sgd") for kind in KINDS[1:]]),
        ("[0.001, 0.01, 0.1]", "[0.001, 0.01, 1]", ["momentum/sweep.json", "sgd/sweep.json"]),
        ("[100, 101]", "[100]", ["momentum/sweep.json", "sgd/sweep.json"]),
        ("momentum: 0.9}", "momentum: 0.8}", [f"momentum/{kind}" for kind in KINDS]),
        ("  sha256:", "  sha256:  # none", []),
    ],
)
def test_only_what_a_change_concerns_changes(
    params_file: ParamsFile, tmp_path: Path, old: str, new: str, changed: list[str]
) -> None:
    """So that dvc trains nothing else anew."""
    configure(params_file(), tmp_path / "config")
    before = settings(tmp_path / "config")
    configure(params_file(old, new), tmp_path / "config")
    after = settings(tmp_path / "config")
    assert sorted(name for name in after if after[name] != before[name]) == changed


def test_removed_optimizer_leaves_nothing(params_file: ParamsFile, tmp_path: Path) -> None:
    configure(params_file(), tmp_path / "config")
    configure(params_file("  sgd: {type: SGD, lr: }\n", ""), tmp_path / "config")
    assert sorted(path.name for path in (tmp_path / "config").iterdir()) == ["momentum", "optimizers.json"]
    assert load_names(tmp_path / "config" / "optimizers.json") == ["momentum"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("lr: 0.01", "lr: fast", "lr: 'fast' is not allowed; allowed: a finite number above 0"),
        ("type: SGD", "type: SDG", r"optimizers\.sgd\.type: 'SDG' is not allowed; allowed: .*SGD"),
        ("type: SGD", "type: LBFGS", r"optimizers\.sgd\.type: 'LBFGS' is not allowed \(its step needs a closure\)"),
        ("momentum: 0.9}", "nesterov: true}", r"optimizers\.momentum\.nesterov: is no argument of Momentum; allowed: "),
        ("momentum: 0.9}", "momentum: fast}", r"optimizers\.momentum: \{'momentum': 'fast'\} does not work with Momen"),
        ("momentum: 0.9}", "learning_rate: 1}", r"optimizers\.momentum\.learning_rate: is no argument of Momentum"),
    ],
)
def test_bad_params_leave_the_old_settings(
    params_file: ParamsFile, tmp_path: Path, old: str, new: str, message: str
) -> None:
    configure(params_file(), tmp_path / "config")
    before = settings(tmp_path)
    bad = params_file(old, new)
    with pytest.raises(InputError, match=rf"params\.yaml: {message}"):
        configure(bad, tmp_path / "config")
    assert {**settings(tmp_path), "params.yaml": b""} == {**before, "params.yaml": b""}
