import math
import re

import pytest

from stages.lib.judging.reason import CHINESE, ENGLISH, Grounds, reason
from stages.lib.judging.verdict import Ratio, verdict
from stages.lib.searching.lr_result import LrResult


def learned(*losses: float) -> LrResult:
    return LrResult("learning", losses)


DIVERGED = LrResult("diverged", ())


@pytest.mark.parametrize(
    ("state", "quotient", "lr", "best", "parts"),
    [
        (
            learned(0.1),
            Ratio(1.2, 1.1, 1.3),
            0.003,
            0.01,
            ["is reasonable", "1.2 times", "1.1 to 1.3", "1,500", "0.003"],
        ),
        (learned(0.1), Ratio(1, 0.9, 1.1), 0.01, 0.01, ["is reasonable: it is the best rate tried"]),
        (learned(0.3), Ratio(3, 2, 4), 0.001, 0.01, ["is too small", "2 to 4", "95%", "1.5"]),
        (learned(0.3), Ratio(3, 2, 4), 0.1, 0.01, ["is too large", "2 to 4"]),
        (LrResult("stuck", (0.1, 2.301)), None, 0.1, 0.01, ["is too large", "2.3,", "guessing", "the smaller 0.01"]),
        (LrResult("stuck", (2.6,)), None, 1e-6, 0.01, ["lr 1e-06 is too small", "2.6", "the larger 0.01"]),
        (DIVERGED, None, 0.1, 0.01, ["is too large", "diverged", "the smaller 0.01"]),
        (DIVERGED, None, 0.001, 0.01, ["cannot be judged", "0.01, is larger"]),
        (learned(0.3), Ratio(3, 2, 4), 0.01, 0.01, ["cannot be judged", "is the same"]),
        (learned(0.1), Ratio(1.4, 1.1, 1.8), 0.1, 0.01, ["is borderline", "1.1 to 1.8", "1.5; a smaller rate would"]),
        (learned(0.1), Ratio(1.6, 1.2, 2.1), 0.001, 0.01, ["is borderline", "1.2 to 2.1", "1.5; a larger rate would"]),
        (learned(0.1), Ratio(1.4, 0.9, 2.2), 0.1, 0.01, ["cannot be judged yet", "good to bad", "0.9 to 2.2"]),
        (learned(0.1), Ratio(1.4, 1.1, 1.8), 0.01, 0.01, ["cannot be judged yet", "good to bad", "1.1 to 1.8"]),
        (learned(0.1), Ratio(1.4, 0, math.inf), 0.1, 0.01, ["cannot be judged", "two runs"]),
        (learned(0.1), None, 0.1, 0.01, ["cannot be judged", "not every run with these seeds learned", "tried, 0.01,"]),
        (learned(0.1), None, 0.1, None, ["cannot be judged", "nothing learns at any rate", "widen the grid"]),
        (DIVERGED, None, 0.1, None, ["cannot be judged", "nothing learns at any rate", "widen the grid"]),
    ],
)
def test_reasons(state: LrResult, quotient: Ratio | None, lr: float, best: float | None, parts: list[str]) -> None:
    judged = verdict(state.status, quotient, lr, best)
    sentence = reason(Grounds("adam", lr, 1500, state, quotient, judged, best, at_edge=False), ENGLISH)
    assert sentence.startswith("adam at lr ")
    assert all(part in sentence for part in parts), sentence
    assert not set("{}") & set(sentence)
    assert "inf" not in sentence
    narrow = reason(Grounds("adam", lr, 1500, state, quotient, judged, best, at_edge=True), ENGLISH)
    assert narrow == sentence + ENGLISH["edge"]


def test_a_schedule_makes_the_lr_a_peak() -> None:
    grounds = Grounds(
        "adam", 0.003, 1500, learned(0.1), Ratio(1.2, 1.1, 1.3), "reasonable", 0.01, False, "PolynomialDecay"
    )
    assert reason(grounds, ENGLISH).startswith("adam at peak lr 0.003 (PolynomialDecay) is reasonable: ")
    assert reason(grounds, CHINESE).startswith("adam 用 峰值 lr 0.003 (PolynomialDecay) 合理")


def test_chinese_tells_the_same_numbers() -> None:
    assert CHINESE.keys() == ENGLISH.keys()
    for key, sentence in ENGLISH.items():
        assert set(re.findall(r"{(\w+)}", CHINESE[key])) == set(re.findall(r"{(\w+)}", sentence)), key
