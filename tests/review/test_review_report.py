from review.judgement import NOISE, Row
from review.report import change, changed_params
from stages.lib.judging.difference import Difference


def test_params_are_compared_key_by_key() -> None:
    old = {"lr": 0.01, "seeds": [0], "optimizers": {"sgd": {"lr": None, "type": "SGD"}, "gone": {"type": "Adam"}}}
    new = {
        "lr": 0.1,
        "seeds": [0],
        "optimizers": {"sgd": {"lr": 1, "type": "SGD"}, "new": {"type": "Adam", "lr": None}},
    }
    assert changed_params(old, new) == {
        "lr": (0.01, 0.1),
        "optimizers.sgd.lr": (None, 1),
        "optimizers.gone.type": ("Adam", None),
        "optimizers.new.type": (None, "Adam"),
    }
    assert changed_params(old, old) == {}


def test_change_is_that_of_the_runs_that_were_compared() -> None:
    """Of the shared seeds alone where another one of the new side diverged, so that side has no mean accuracy."""
    assert change(Row("sgd", NOISE, "", 0.95, None, 3, 4, Difference(-0.01, -0.08, 0.06, 0.1, 6))) == -0.01
    assert change(Row("sgd", NOISE, "", 0.75, 0.5, 3, 3)) == -0.25
    assert change(Row("sgd", NOISE, "", 0.75, None, 3, 3)) is None
