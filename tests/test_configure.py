import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from short_runs import NETWORKS, TUTORIAL

from stages.configure import configure
from stages.lib.config.settings import Settings, SweepSettings, TrainSettings, load_names, load_settings
from stages.lib.files.errors import InputError

ParamsFile = Callable[..., Path]


def settings(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


KINDS = ("sweep.json", "train.json", "tune.json")


def run(params: Path, config: Path) -> None:
    """configure, with results beside `config`, and no dvc.lock."""
    folders = " ".join(str(config.parent / name) for name in ("train", "weights/train"))
    configure(params, config, config.parent / "network", results=folders, lock=config.parent / "dvc.lock")


def test_each_optimizer_gets_its_settings(params_file: ParamsFile, tmp_path: Path) -> None:
    config = tmp_path / "data" / "config"
    run(params_file(), config)
    expected = [
        "optimizers.json",
        *(f"{name}/{kind}" for name in ("momentum", "sgd") for kind in KINDS),
    ]
    assert sorted(settings(config)) == sorted(expected)
    assert sorted(settings(config.parent / "network")) == ["network.py", "versions.json"]
    assert load_names(config / "optimizers.json") == ["momentum", "sgd"]
    for name, type_, arguments, lr in (("sgd", "SGD", {}, 0.01), ("momentum", "Momentum", {"momentum": 0.9}, 0.5)):
        own: dict[str, Any] = {"optimizer": name, "type": type_, "arguments": arguments, "batch_size": 100, "epochs": 3}
        train = load_settings(config / name / "train.json", TrainSettings)
        assert train == TrainSettings(**own, seeds=(0, 1), lr=lr)
        assert load_settings(config / name / "tune.json", Settings) == Settings(**own, seeds=(0, 1))
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
        ("lr: 0.01", "lr: 0.01\nschedule:", []),
        (
            "lr: 0.01",
            "lr: 0.01\nschedule: {type: CosineAnnealingDecay, T_max: }",
            [f"{name}/{kind}" for name in ("momentum", "sgd") for kind in KINDS],
        ),
        ("lr: }", "lr: , schedule: {type: OneCycleLR}}", [f"sgd/{kind}" for kind in KINDS]),
    ],
)
def test_only_what_a_change_concerns_changes(
    params_file: ParamsFile, tmp_path: Path, old: str, new: str, changed: list[str]
) -> None:
    """So that dvc trains nothing else anew."""
    run(params_file(), tmp_path / "config")
    before = settings(tmp_path / "config")
    run(params_file(old, new), tmp_path / "config")
    after = settings(tmp_path / "config")
    assert sorted(name for name in after if after[name] != before[name]) == changed


def test_removed_optimizer_leaves_nothing(params_file: ParamsFile, tmp_path: Path) -> None:
    """What DVC records of it goes, too: see lib/config/test_leftovers."""
    run(params_file(), tmp_path / "data/config")
    for name in ("sgd", "momentum"):
        for path in (f"train/{name}.jsonl", f"weights/train/{name}/0.safetensors"):
            (tmp_path / "data" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "data" / path).touch()
    run(params_file("  sgd: {type: SGD, lr: }\n", ""), tmp_path / "data/config")
    assert load_names(tmp_path / "data/config/optimizers.json") == ["momentum"]
    assert [path for path in settings(tmp_path / "data") if "sgd" in path] == []
    left = {"train/momentum.jsonl", "weights/train/momentum/0.safetensors", "config/momentum/train.json"}
    assert left < set(settings(tmp_path / "data"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("lr: 0.01", "lr: fast", "lr: 'fast' is not allowed; allowed: a finite number above 0"),
        ("type: SGD", "type: SDG", r"optimizers\.sgd\.type: 'SDG' is not allowed; allowed: .*SGD"),
        (
            "type: SGD",
            "type: LBFGS",
            r"optimizers\.sgd\.type: 'LBFGS' is not allowed \(it needs a closure\)",
        ),
        (
            "momentum: 0.9}",
            "nesterov: true}",
            r"optimizers\.momentum: 'nesterov' is no argument of Momentum; allowed: ",
        ),
        (
            "momentum: 0.9}",
            "momentum: fast}",
            r"optimizers\.momentum\.momentum: 'fast' is not allowed; allowed: a number",
        ),
        (
            "lr: 0.01",
            "lr: 0.01\nschedule: {type: ReduceOnPlateau}",
            r"schedule\.type: 'ReduceOnPlateau' is not allowed",
        ),
        ("lr: 0.01", "lr: 0.01\nschedule: StepDecay", r"schedule: 'StepDecay' is not allowed; allowed: a mapping"),
        (
            "momentum: 0.9}",
            "schedule: {type: StepDecay}}",
            r"optimizers\.momentum\.schedule: {} does not work with StepDecay: .*'step_size'",
        ),
        ("momentum: 0.9}", "learning_rate: 1}", r"optimizers\.momentum: 'learning_rate' is no argument of Momentum"),
    ],
)
def test_bad_params_leave_the_old_settings(
    params_file: ParamsFile, tmp_path: Path, old: str, new: str, message: str
) -> None:
    run(params_file(), tmp_path / "config")
    (tmp_path / "train").mkdir()
    (tmp_path / "train/other.jsonl").touch()
    before = settings(tmp_path)
    bad = params_file(old, new)
    with pytest.raises(InputError, match=rf"params\.yaml: {message}"):
        run(bad, tmp_path / "config")
    assert {**settings(tmp_path), "params.yaml": b""} == {**before, "params.yaml": b""}


def test_bad_network_leaves_the_old_settings(params_file: ParamsFile, tmp_path: Path) -> None:
    run(params_file(), tmp_path / "config")
    before = settings(tmp_path / "config")
    (tmp_path / "mine.py").write_text("class Network: pass\n")
    with pytest.raises(
        InputError, match=r"params\.yaml: network: '.*mine\.py': has no class Network\(paddle\.nn\.Layer\)$"
    ):
        run(params_file(str(NETWORKS / "tutorial.py"), str(tmp_path / "mine.py")), tmp_path / "config")
    assert settings(tmp_path / "config") == before


def test_network_is_copied_and_concerns_no_settings(params_file: ParamsFile, tmp_path: Path) -> None:
    run(params_file(), tmp_path / "config")
    before = settings(tmp_path / "config")
    assert (tmp_path / "network/network.py").read_bytes() == TUTORIAL
    run(params_file("tutorial.py", "mlp.py"), tmp_path / "config")
    assert settings(tmp_path / "config") == before
    assert (tmp_path / "network/network.py").read_bytes() == (NETWORKS / "mlp.py").read_bytes()
