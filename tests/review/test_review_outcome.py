from review.outcome import Review
from review.revision import Revision


def test_params_are_compared_key_by_key() -> None:
    old = {"lr": 0.01, "seeds": [0], "optimizers": {"sgd": {"lr": None, "type": "SGD"}, "gone": {"type": "Adam"}}}
    new = {
        "lr": 0.1,
        "seeds": [0],
        "optimizers": {"sgd": {"lr": 1, "type": "SGD"}, "new": {"type": "Adam", "lr": None}},
    }
    before, after = (Revision("one", {}, params, {}, "") for params in (old, new))
    assert Review(before, after, []).params == {
        "lr": (0.01, 0.1),
        "optimizers.sgd.lr": (None, 1),
        "optimizers.gone.type": ("Adam", None),
        "optimizers.new.type": (None, "Adam"),
    }
    assert Review(before, before, []).params == {}


def test_code_is_compared_line_by_line() -> None:
    old = {"stages/train.py": b"one\ntwo\n", "stages/gone.py": b"1\n2\n", "stages/same.py": b"x", "plots/a.csv": b"1"}
    new = {"stages/train.py": b"one\n2\n3\n", "stages/new.py": b"1\n", "stages/same.py": b"x", "plots/a.csv": b"2"}
    before, after = (Revision("one", files, {}, {}, "") for files in (old, new))
    assert Review(before, after, []).code == {
        "stages/gone.py": "+0 -2",
        "stages/new.py": "+1 -0",
        "stages/train.py": "+2 -1",
    }
