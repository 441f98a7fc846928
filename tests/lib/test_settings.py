from pathlib import Path

import pytest

from stages.lib.errors import InputError
from stages.lib.settings import Run, TrainSettings, load_settings, write_settings

SETTINGS = TrainSettings(
    optimizer="mine",
    type="Adam",
    arguments={"beta1": 0.5, "amsgrad": False, "etas": [0.5, 1.2], "word": "fast"},
    lr=1e-05,
    batch_size=100,
    epochs=3,
    seeds=(2, 0),
)


def test_settings_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "config" / "mine" / "train.json"
    write_settings(path, SETTINGS)
    loaded = load_settings(path)
    assert loaded == SETTINGS
    assert isinstance(loaded.seeds, tuple)
    assert isinstance(loaded.lr, float)


def test_same_settings_give_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_settings(tmp_path / name, SETTINGS)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_run_of_a_seed() -> None:
    assert SETTINGS.run(7) == Run("mine", "Adam", SETTINGS.arguments, 1e-05, 100, 3, 7)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"seeds": [0]}', '{"seeds": 5}', "null"])
def test_file_that_holds_no_settings_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "train.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"train\.json: holds no settings; run 'dvc repro configure' to make it anew"):
        load_settings(path)


def test_unknown_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    write_settings(path, SETTINGS)
    path.write_text(path.read_text().replace('"lr"', '"rate": 1, "lr"'))
    with pytest.raises(InputError, match="holds no settings"):
        load_settings(path)
