import json
from dataclasses import replace
from pathlib import Path

import pytest

from stages.lib.errors import InputError
from stages.lib.settings import (
    Run,
    Settings,
    SweepSettings,
    TrainSettings,
    load_names,
    load_settings,
    write_names,
    write_settings,
)

TRAIN = TrainSettings("mine", "Adam", {"beta1": 0.5, "word": "fast"}, batch_size=100, epochs=3, seeds=(2, 0), lr=1e-05)
SWEEP = SweepSettings("mine", "Adam", {"beta1": 0.5}, batch_size=100, epochs=3, seeds=(9,), lrs=(0.001, 0.1, 1.0))


@pytest.mark.parametrize("settings", [TRAIN, replace(TRAIN, lr=None), SWEEP], ids=["train", "lr of the sweep", "sweep"])
def test_settings_are_read_back(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "config" / "mine" / "settings.json"
    write_settings(path, settings)
    loaded = load_settings(path, type(settings))
    assert loaded == settings
    assert isinstance(loaded.seeds, tuple)


def test_lists_among_the_arguments_stay_lists(tmp_path: Path) -> None:
    """As params.yaml gives them, and as Paddle takes them."""
    arguments = {"amsgrad": False, "etas": [0.5, 1.2]}
    write_settings(tmp_path / "train.json", replace(TRAIN, arguments=arguments))
    assert load_settings(tmp_path / "train.json", TrainSettings).arguments == arguments


def test_same_settings_give_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_settings(tmp_path / name, TRAIN)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(("share", "epochs"), [(1.0, 3), (0.1, 0.3), (0.5, 1.5)])
def test_run_of_a_rate_and_a_seed(share: float, epochs: float) -> None:
    run = SWEEP.run(0.25, 7, share)
    assert run.epochs == pytest.approx(epochs)
    assert run == Run("mine", "Adam", {"beta1": 0.5}, 100, lr=0.25, epochs=run.epochs, seed=7)


def test_run_is_of_full_length_unless_told_otherwise() -> None:
    assert TRAIN.run(0.5, 7).epochs == 3


@pytest.mark.parametrize(
    ("lr", "share", "shown"),
    [(1e-05, 1.0, "mine, lr 1e-05, seed 2, 3 epochs"), (0.1, 0.1, "mine, lr 0.1, seed 2, 0.3 epochs")],
)
def test_run_as_a_progress_line_shows_it(lr: float, share: float, shown: str) -> None:
    assert str(TRAIN.run(lr, 2, share)) == shown


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"seeds": [0]}', '{"seeds": 5}', "null"])
def test_file_that_holds_no_settings_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "train.json"
    path.write_text(text)
    message = r"train\.json: holds no TrainSettings \(.+\); run 'dvc repro configure' to make it anew"
    with pytest.raises(InputError, match=message):
        load_settings(path, TrainSettings)


def test_settings_of_another_kind_are_refused(tmp_path: Path) -> None:
    write_settings(tmp_path / "train.json", TRAIN)
    with pytest.raises(InputError, match="holds no SweepSettings"):
        load_settings(tmp_path / "train.json", SweepSettings)


def test_unknown_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    write_settings(path, TRAIN)
    path.write_text(path.read_text().replace('"lr"', '"rate": 1, "lr"'))
    with pytest.raises(InputError, match="holds no TrainSettings"):
        load_settings(path, TrainSettings)


def test_names_are_sorted(tmp_path: Path) -> None:
    path = tmp_path / "config" / "optimizers.json"
    write_names(path, {"sgd": 1, "adam": 2, "Adam": 3})
    assert json.loads(path.read_text()) == ["Adam", "adam", "sgd"]
    assert load_names(path) == ["Adam", "adam", "sgd"]


@pytest.mark.parametrize("text", ["", "[", "5", "null"])
def test_file_that_holds_no_names_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "optimizers.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"optimizers\.json: holds no names \(.+\); run 'dvc repro configure' to"):
        load_names(path)
