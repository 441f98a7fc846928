import re
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.lib.errors import InputError
from stages.lib.params import Data, Optimizer, Params, Sweep, load_params

ParamsFile = Callable[..., Path]
ROOT = Path(__file__).parents[2]
SHA = "0123456789abcdef" * 4
MOMENTUM = "{type: Momentum, lr: 0.5, momentum: 0.9}"


def test_file_is_read(params_file: ParamsFile) -> None:
    assert load_params(params_file()) == Params(
        data=Data("package", None),
        lr=0.01,
        epochs=3,
        batch_size=100,
        seeds=(0, 1),
        optimizers={"sgd": Optimizer("SGD", 0.01, {}), "momentum": Optimizer("Momentum", 0.5, {"momentum": 0.9})},
        sweep=Sweep((0.001, 0.01, 0.1), (100, 101)),
    )


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
    params = load_params(params_file("lr: 0.01", f"lr: {written}"))
    assert params.lr == lr
    assert params.optimizers["sgd"].lr == lr
    assert params.optimizers["momentum"].lr == 0.5


def test_lr_is_a_float_even_when_written_as_a_whole_number(params_file: ParamsFile) -> None:
    """Paddle refuses an int."""
    assert isinstance(load_params(params_file("lr: 0.01", "lr: 1")).lr, float)


def test_grid_may_be_written_in_any_way(params_file: ParamsFile) -> None:
    params = load_params(params_file("[0.001, 0.01, 0.1]", "[1e-05, 0.5, 2]"))
    assert params.sweep.lrs == (1e-5, 0.5, 2.0)
    assert {type(lr) for lr in params.sweep.lrs} == {float}


def test_rates_keep_the_six_digits_of_the_tables(params_file: ParamsFile) -> None:
    """A rate of a geometric grid must be found again in what the stages write."""
    params = load_params(params_file("[0.001, 0.01, 0.1]", "[0.000316227766, 0.00316227766, 0.0316227766]"))
    assert params.sweep.lrs == (0.000316228, 0.00316228, 0.0316228)


def test_numeric_string_of_an_argument_is_a_number(params_file: ParamsFile) -> None:
    params = load_params(params_file("momentum: 0.9}", "momentum: 9e-1}"))
    assert params.optimizers["momentum"].arguments == {"momentum": 0.9}


@pytest.mark.parametrize("source", ["/data/own.json.gz", "https://example.org/own.json.gz"])
def test_own_file_with_its_hash(params_file: ParamsFile, source: str) -> None:
    file = params_file("source: package\n  sha256:", f"source: {source}\n  sha256: {SHA}")
    assert load_params(file).data == Data(source, SHA)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        # keys
        (
            "lr: 0.01",
            "lr: 0.01\nlearning_rate: 1",
            "top level: 'learning_rate' is not allowed; allowed: the keys batch",
        ),
        ("epochs: 3\n", "", "epochs: None is not allowed; allowed: not to be left out"),
        ("  sha256:\n", "", "data.sha256: None is not allowed; allowed: not to be left out"),
        ("sha256:", "sha256:\n  md5: 1", "data: 'md5' is not allowed; allowed: the keys sha256, source"),
        # numbers: see test_checks for every kind of bad value
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
        ("[0, 1]", "[]", "seeds: [] is not allowed; allowed: a list with at least one whole number"),
        ("[0, 1]", "[3, 1, 3]", "seeds: [3, 1, 3] is not allowed; allowed: each seed once"),
        # sweep: see test_checks for every kind of bad grid
        ("[0.001, 0.01, 0.1]", "[0.001, 0.1]", "sweep.lrs: [0.001, 0.1] is not allowed; allowed: a list of at least t"),
        ("[0.001, 0.01, 0.1]", "[0.1, 0, 1]", "sweep.lrs: 0 is not allowed; allowed: a finite number above 0"),
        ("[100, 101]", "[]", "sweep.seeds: [] is not allowed; allowed: a list with at least one whole number"),
        ("[100, 101]", "[100, 1]", "sweep.seeds: [100, 1] is not allowed; allowed: none of `seeds`"),
        ("[100, 101]", "[100]\n  tolerance: 2", "sweep: 'tolerance' is not allowed; allowed: the keys lrs, seeds"),
        ("  seeds: [100, 101]\n", "", "sweep.seeds: None is not allowed; allowed: not to be left out"),
        # optimizers
        (f"  sgd: {{type: SGD, lr: }}\n  momentum: {MOMENTUM}\n", "", "optimizers: None is not allowed; allowed: at l"),
        ("  sgd:", "  ../sgd:", "optimizers: '../sgd' is not allowed; allowed: names of letters, digits, '-' and '_'"),
        ("  sgd:", "  '':", "optimizers: '' is not allowed; allowed: names of letters"),
        ("  sgd:", "  7:", "optimizers: 7 is not allowed; allowed: names of letters"),
        ("  sgd:", "  a b:", "optimizers: 'a b' is not allowed; allowed: names of letters"),
        ("  sgd:", "  .sgd:", "optimizers: '.sgd' is not allowed; allowed: names of letters"),
        ("{type: SGD, lr: }", "SGD", "optimizers.sgd: 'SGD' is not allowed; allowed: a mapping with 'type'"),
        ("{type: SGD, lr: }", "{lr: 1}", "optimizers.sgd: {'lr': 1} is not allowed; allowed: a mapping with 'type'"),
        ("momentum: 0.9}", "momentum: .inf}", "optimizers.momentum.momentum: inf is not allowed; allowed: a finite"),
        ("momentum: 0.9}", "momentum: }", "optimizers.momentum.momentum: None is not allowed; allowed: a finite"),
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
        ("data:\n  source: package\n  sha256:\n", "data:\n", "data: None is not allowed; allowed: a mapping with the"),
    ],
)
def test_bad_value_is_refused(params_file: ParamsFile, old: str, new: str, message: str) -> None:
    path = params_file(old, new)
    with pytest.raises(InputError, match=rf"^{re.escape(str(path))}: .*{re.escape(message)}"):
        load_params(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr: [0.01", "is not YAML: while parsing a flow sequence"),
        ("lr: \x01", "is not YAML: unacceptable character"),
        (f"lr: 1{'0' * 5000}", "is not YAML"),  # more digits than Python reads
        ("data: 2026-99-99", "is not YAML"),  # a date that is none
        ("", "the file: None is not allowed; allowed: a mapping with the keys batch_size, data, epochs, lr, opt"),
        ("[1, 2]", "the file: [1, 2] is not allowed; allowed: a mapping with the keys"),
        ("lr", "the file: 'lr' is not allowed; allowed: a mapping with the keys"),
    ],
    ids=lambda text: text[:12],
)
def test_bad_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"^{re.escape(f'{path}: {message}')}"):
        load_params(path)


def test_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(b"lr: \xff\xfe")
    with pytest.raises(InputError, match=r"is not YAML: .* can't decode byte"):
        load_params(path)


def test_value_that_holds_itself_is_refused(params_file: ParamsFile) -> None:
    with pytest.raises(InputError, match=r"params\.yaml: line 10: the alias \*a is not allowed"):
        load_params(params_file("momentum: 0.9}", "momentum: &a [*a]}"))


def test_long_value_is_cut_in_the_message(params_file: ParamsFile) -> None:
    with pytest.raises(InputError) as caught:
        load_params(params_file("lr: 0.01", f"lr: {'x' * 5000}"))
    assert len(str(caught.value).removeprefix(str(params_file()))) < 200


def test_missing_file_names_itself(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"params\.yaml"):
        load_params(tmp_path / "params.yaml")
