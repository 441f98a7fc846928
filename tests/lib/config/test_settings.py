import json
import pickle
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from short_runs import TUTORIAL

from stages.lib.config.settings import (
    RunSettings,
    Settings,
    SweepSettings,
    TrainSettings,
    load_names,
    load_settings,
    write_names,
    write_settings,
    write_versions,
)
from stages.lib.files.errors import InputError

SHARED: dict[str, Any] = {"optimizer": "mine", "type": "Adam", "batch_size": 100, "epochs": 3}
ARGUMENTS = {
    "beta1": 0.5,
    "word": "fast",
    "amsgrad": False,
    "etas": [0.5, 1.2],
}  # lists stay lists, as Paddle takes them
TRAIN = TrainSettings(**SHARED, arguments=ARGUMENTS, seeds=(2, 0), lr=1e-05)
GOOD = TRAIN.model_dump_json()
TUNE = Settings(**SHARED, arguments=ARGUMENTS, seeds=(2, 0))
SWEEP = SweepSettings(**SHARED, arguments={"beta1": 0.5}, seeds=(9,), lrs=(0.001, 0.1, 1.0))


@pytest.mark.parametrize("settings", [TRAIN, TUNE, SWEEP], ids=["train", "tune", "sweep"])
def test_settings_are_read_back(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "config" / "mine" / "settings.json"
    write_settings(path, settings)
    loaded = load_settings(path, type(settings))
    assert loaded == settings
    assert isinstance(loaded.seeds, tuple)


def test_same_settings_give_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_settings(tmp_path / name, TRAIN)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert b"\r" not in (tmp_path / "one").read_bytes()  # on Windows, too
    assert json.loads((tmp_path / "one").read_text()) == {
        **SHARED,
        "arguments": ARGUMENTS,
        "seeds": [2, 0],
        "lr": 1e-05,
    }


@pytest.mark.parametrize(("share", "epochs"), [(1.0, 3), (0.1, 0.3), (0.5, 1.5)])
def test_run_of_a_rate_and_a_seed(share: float, epochs: float) -> None:
    run = SWEEP.run(TUTORIAL, 0.25, 7, share)
    assert run.epochs == pytest.approx(epochs)
    shared: dict[str, Any] = {"optimizer": "mine", "type": "Adam", "arguments": {"beta1": 0.5}, "batch_size": 100}
    assert run == RunSettings(**shared, network=TUTORIAL, lr=0.25, epochs=run.epochs, seed=7)


def test_run_is_of_full_length_unless_told_otherwise() -> None:
    assert TRAIN.run(TUTORIAL, 0.5, 7).epochs == 3


@pytest.mark.parametrize(
    ("lr", "share", "shown"),
    [(1e-05, 1.0, "mine, lr 1e-05, seed 2, 3 epochs"), (0.1, 0.1, "mine, lr 0.1, seed 2, 0.3 epochs")],
)
def test_run_as_a_progress_line_shows_it(lr: float, share: float, shown: str) -> None:
    assert str(TRAIN.run(TUTORIAL, lr, 2, share)) == shown


def test_run_goes_to_another_process_as_it_is() -> None:
    run = TRAIN.run(TUTORIAL, 0.1, 2)
    assert pickle.loads(pickle.dumps(run)) == run


def test_run_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        TRAIN.run(TUTORIAL, 0.1, 2).lr = 0.2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON: EOF while parsing"),
        ("{", "is not JSON: EOF while parsing"),
        ("[]", "top level: [] is not allowed; allowed: "),
        ("{}", "optimizer: is missing"),
        ('{"rate": 1}', "top level: 'rate' is not allowed; allowed: the keys arguments, batch_size, epochs, lr, op"),
        (f'{GOOD[:-1]}, "seeds": 5}}', "seeds: 5 is not allowed; allowed: a list of at least 1 whole number"),
        (f'{GOOD[:-1]}, "lr": NaN}}', "lr: nan is not allowed; allowed: a finite number above 0"),
    ],
)
def test_file_that_holds_no_settings_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "train.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_settings(path, TrainSettings)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert str(caught.value).endswith("; run 'dvc repro configure' to make it anew")
    assert len(str(caught.value).splitlines()) == 1


def test_settings_of_another_kind_are_refused(tmp_path: Path) -> None:
    write_settings(tmp_path / "train.json", TRAIN)
    with pytest.raises(
        InputError, match=r"top level: 'lr' is not allowed; allowed: the keys .*lrs, .*; run 'dvc repro"
    ):
        load_settings(tmp_path / "train.json", SweepSettings)


def test_names_are_sorted(tmp_path: Path) -> None:
    path = tmp_path / "config" / "optimizers.json"
    write_names(path, {"sgd": 1, "adam": 2, "Adam": 3})
    assert json.loads(path.read_text()) == ["Adam", "adam", "sgd"]
    assert load_names(path) == ["Adam", "adam", "sgd"]


@pytest.mark.parametrize("text", ["", "[", "5", "null", "[]", '["a", "../b"]', "[7]"])
def test_file_that_holds_no_names_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "optimizers.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"optimizers\.json: .+; run 'dvc repro configure' to make it anew$"):
        load_names(path)


def test_versions_are_of_what_computes(tmp_path: Path) -> None:
    """An update of any other package reruns nothing that depends on the file."""
    write_versions(tmp_path / "versions.json")
    expected = {name: version(name) for name in ("numpy", "paddlepaddle", "scipy")}
    assert json.loads((tmp_path / "versions.json").read_text()) == expected
