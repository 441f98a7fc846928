from stages.lib.review.report import changed_params


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
