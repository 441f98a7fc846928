"""params.yaml as a whole; single values are in test_values."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_params import PARAMS

from stages.lib.config.params import Data, load_params
from stages.lib.config.settings import Settings, SweepSettings, TrainSettings, settings_of
from stages.lib.files.errors import InputError

ParamsFile = Callable[..., Path]
ROOT = Path(__file__).parents[3]
SHA = "0123456789abcdef" * 4
MOMENTUM = "{type: Momentum, lr: 0.5, momentum: 0.9}"


def test_file_is_read(params_file: ParamsFile) -> None:
    params = load_params(params_file())
    assert params.data == Data(source="package", sha256=None)
    for name, type_, arguments, lr in (("sgd", "SGD", {}, 0.01), ("momentum", "Momentum", {"momentum": 0.9}, 0.5)):
        own: dict[str, Any] = {"optimizer": name, "type": type_, "arguments": arguments, "batch_size": 100, "epochs": 3}
        assert settings_of(name, params) == {
            "train": TrainSettings(**own, seeds=(0, 1), lr=lr),
            "tune": Settings(**own, seeds=(0, 1)),
            "sweep": SweepSettings(**own, seeds=(100, 101), lrs=(0.001, 0.01, 0.1)),
        }


def test_committed_defaults_are_allowed() -> None:
    params = load_params(ROOT / "params.yaml")
    types = {"sgd": "SGD", "momentum": "Momentum", "adagrad": "Adagrad", "rmsprop": "RMSProp", "adam": "Adam"}
    assert {name: optimizer.type for name, optimizer in params.optimizers.items()} == types
    assert params.sweep.lrs[0] < params.lr < params.sweep.lrs[-1]


@pytest.mark.parametrize(
    ("written", "lr"),
    [("1e-05", 1e-5), ("1E5", 1e5), ("1.5e-3", 0.0015), ("'0.25'", 0.25), ("+.5", 0.5), ("2", 2.0), ("5.", 5.0)],
)
def test_lr_may_be_written_in_any_way(params_file: ParamsFile, written: str, lr: float) -> None:
    """YAML 1.1 takes 1e-05 for a string."""
    assert load_params(params_file("lr: 0.01", f"lr: {written}")).lr == lr


def test_file_may_begin_as_windows_editors_do(tmp_path: Path) -> None:
    """With a byte order mark, which dvc passes."""
    path = tmp_path / "params.yaml"
    path.write_bytes(PARAMS.encode("utf-8-sig"))
    assert load_params(path).lr == 0.01


def test_numeric_string_of_an_argument_is_a_number(params_file: ParamsFile) -> None:
    params = load_params(params_file("momentum: 0.9}", "momentum: 9e-1}"))
    assert params.optimizers["momentum"].arguments == {"momentum": 0.9}


def test_blank_argument_is_as_one_that_is_not_there(params_file: ParamsFile) -> None:
    assert load_params(params_file("momentum: 0.9}", "momentum: }")).optimizers["momentum"].arguments == {}


def test_arguments_may_have_any_name(params_file: ParamsFile) -> None:
    """Also those of the model's own attributes; which of them exist is for `optimizers.check` to say."""
    params = load_params(params_file("momentum: 0.9}", "arguments: 1, model_config: 2}"))
    assert params.optimizers["momentum"].arguments == {"arguments": 1, "model_config": 2}


def test_schedule_of_its_own_comes_before_the_shared_one(params_file: ParamsFile) -> None:
    """Blank arguments are as if they were not there."""
    file = params_file("lr: 0.5, momentum: 0.9}", "lr: 0.5, schedule: {type: StepDecay, step_size: 1e-1}}")
    file.write_text(file.read_text() + "schedule: {type: CosineAnnealingDecay, T_max: }\n")
    found = {name: settings_of(name, load_params(file))["sweep"].schedule for name in ("sgd", "momentum")}
    assert {name: (one.type, one.arguments) for name, one in found.items() if one} == {
        "sgd": ("CosineAnnealingDecay", {}),
        "momentum": ("StepDecay", {"step_size": 0.1}),
    }


@pytest.mark.parametrize("source", ["/data/own.json.gz", "https://example.org/own.json.gz"])
def test_own_file_with_its_hash(params_file: ParamsFile, source: str) -> None:
    file = params_file("source: package\n  sha256:", f"source: {source}\n  sha256: {SHA}")
    assert load_params(file).data == Data(source=source, sha256=SHA)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        # keys
        (
            "lr: 0.01",
            "lr: 0.01\nlearning_rate: 1",
            "top level: 'learning_rate' is not allowed; allowed: the keys batch",
        ),
        ("epochs: 3\n", "", "epochs: is missing beside ['data', 'network', 'lr', 'batch_size', 'target_accuracy', 'se"),
        ("lr: 0.01", "rl: 0.01", "top level: 'rl' is not allowed; allowed: the keys"),  # missing, too, but misspelt
        ("lr: 0.01", "~: 0.01", "top level: None is not allowed; allowed: the keys"),
        ("  sha256:\n", "", "data.sha256: is missing beside ['source']"),
        ("sha256:", "sha256:\n  md5: 1", "data: 'md5' is not allowed; allowed: the keys sha256, source"),
        # numbers: see test_values for every kind of bad value
        ("lr: 0.01", "lr: 0", "lr: 0 is not allowed; allowed: a finite number above 0"),
        ("lr: 0.01", "lr: .nan", "lr: nan is not allowed; allowed: a finite number above 0"),
        ("lr: 0.01", "lr: 1e400", "lr: '1e400' is not allowed; allowed: a finite number above 0"),
        ("lr: 0.01", f"lr: 1{'0' * 400}", "is not allowed; allowed: a finite number above 0"),
        ("lr: 0.01", "lr: ", "lr: None is not allowed; allowed: a finite number above 0"),
        ("lr: 0.5", "lr: -0.5", "optimizers.momentum.lr: -0.5 is not allowed; allowed: a finite number above 0"),
        ("lr: 0.5", "lr: true", "optimizers.momentum.lr: True is not allowed; allowed: a finite number above 0"),
        ("epochs: 3", "epochs: 1.5", "epochs: 1.5 is not allowed; allowed: a whole number of at least 1"),
        ("epochs: 3", "epochs: 0", "epochs: 0 is not allowed; allowed: a whole number of at least 1"),
        ("batch_size: 100", "batch_size: 0", "batch_size: 0 is not allowed; allowed: a whole number of at least 1"),
        ("0.97", "97", "target_accuracy: 97 is not allowed; allowed: a number between 0 and 1"),
        ("[0, 1]", "[]", "seeds: [] is not allowed; allowed: a list of at least 1 whole number"),
        ("[0, 1]", "[3, 1, 3]", "seeds: [3, 1, 3] is not allowed; allowed: each seed once"),
        # sweep: see test_values for every kind of bad grid
        ("[0.001, 0.01, 0.1]", "[0.001, 0.1]", "sweep.lrs: [0.001, 0.1] is not allowed; allowed: a list of at least 3"),
        ("[0.001, 0.01, 0.1]", "[0.1, 0, 1]", "sweep.lrs.1: 0 is not allowed; allowed: a finite number above 0"),
        ("[100, 101]", "[]", "sweep.seeds: [] is not allowed; allowed: a list of at least 1 whole number"),
        ("[100, 101]", "[100, 1]", "sweep.seeds: [100, 1] is not allowed; allowed: none of `seeds`"),
        ("[100, 101]", "[100]\n  tolerance: 2", "sweep: 'tolerance' is not allowed; allowed: the keys lrs, seeds"),
        ("  seeds: [100, 101]\n", "", "sweep.seeds: is missing beside ['lrs']"),
        # optimizers
        (f"  sgd: {{type: SGD, lr: }}\n  momentum: {MOMENTUM}\n", "", "optimizers: None is not allowed; allowed: a ma"),
        ("  sgd:", "  ../sgd:", "optimizers: '../sgd' is not allowed; allowed: names of letters, digits, '-' and '_'"),
        ("  sgd:", "  '':", "optimizers: '' is not allowed; allowed: names of letters"),
        ("  sgd:", "  7:", "optimizers: 7 is not allowed; allowed: names of letters"),
        ("  sgd:", "  a b:", "optimizers: 'a b' is not allowed; allowed: names of letters"),
        ("  sgd:", "  .sgd:", "optimizers: '.sgd' is not allowed; allowed: names of letters"),
        ("{type: SGD, lr: }", "SGD", "optimizers.sgd: 'SGD' is not allowed; allowed: a mapping"),
        ("{type: SGD, lr: }", "{lr: 1}", "optimizers.sgd.type: is missing beside ['lr']"),
        ("type: SGD", "tpye: SGD", "optimizers.sgd.type: is missing beside ['tpye', 'lr']"),
        ("type: SGD", "type: ", "optimizers.sgd.type: None is not allowed; allowed: the name of a class"),
        ("type: SGD", "type: SGD, 7: 1", "optimizers.sgd: 7 is not allowed; allowed: words"),
        ("momentum: 0.9}", "momentum: .inf}", "optimizers.momentum.momentum: inf is not allowed; allowed: a finite"),
        # data
        ("source: package", "source: own.json.gz", "data.source: 'own.json.gz' is not allowed; allowed: package, an a"),
        (
            "source: package",
            "source: 5",
            "data.source: 5 is not allowed; allowed: package, an absolute path, or a URL with",
        ),
        ("source: package", "source: /own.gz", "data.sha256: None is not allowed; allowed: the 64 hexadecimal digits"),
        ("package\n  sha256:", "/own.gz\n  sha256: abc", "data.sha256: 'abc' is not allowed; allowed: the 64 hexa"),
        ("package\n  sha256:", f"/own.gz\n  sha256: {SHA[:-1]}G", "G' is not allowed; allowed: the 64 hexadecimal"),
        ("  sha256:", f"  sha256: {SHA}", f"data.sha256: '{SHA}' is not allowed; allowed: blank with data.source: pac"),
        ("data:\n  source: package\n  sha256:\n", "data:\n", "data: None is not allowed; allowed: a mapping"),
    ],
)
def test_bad_value_is_refused(params_file: ParamsFile, old: str, new: str, message: str) -> None:
    path = params_file(old, new)
    with pytest.raises(InputError, match=rf"^{re.escape(str(path))}: .*{re.escape(message)}"):
        load_params(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"lr: [0.01", "is not YAML: while parsing a flow sequence"),
        (b"lr: \x01", "is not YAML: unacceptable character"),
        (b"lr: \xff\xfe", "is not YAML: unacceptable character"),
        (b"lr: 1" + b"0" * 5000, "is not YAML"),  # more digits than Python reads
        (b"data: 2026-99-99", "is not YAML"),  # a date that is none
        (b"", "top level: None is not allowed; allowed: a mapping"),
        (b"[1, 2]", "top level: [1, 2] is not allowed; allowed: a mapping"),
    ],
    ids=lambda text: str(text[:12]),
)
def test_bad_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"^{re.escape(f'{path}: {message}')}") as caught:
        load_params(path)
    assert len(str(caught.value).splitlines()) == 1


def test_long_value_is_cut_in_the_message(params_file: ParamsFile) -> None:
    with pytest.raises(InputError) as caught:
        load_params(params_file("lr: 0.01", f"lr: {'x' * 5000}"))
    assert len(str(caught.value).removeprefix(str(params_file()))) < 200


def test_missing_file_names_itself(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"params\.yaml"):
        load_params(tmp_path / "params.yaml")


def test_optimizers_are_at_least_one(params_file: ParamsFile) -> None:
    path = params_file(f"optimizers:\n  sgd: {{type: SGD, lr: }}\n  momentum: {MOMENTUM}", "optimizers: {}")
    with pytest.raises(InputError, match=r"optimizers: \{\} is not allowed; allowed: at least one entry$"):
        load_params(path)
