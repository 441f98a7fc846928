"""The search by hand, and what it finds and costs on synthetic optimizers, judged as the product judges."""

import math
from collections import Counter
from typing import get_args

import numpy as np
import pytest

from stages.lib.judging.verdict import CONFIDENCE, Spread, Verdict, pooled_spread, ratio, verdict
from stages.lib.searching.lr_result import TOLERANCE, LrResult, best_lr, too_large_from
from stages.lib.searching.search import AT_ONCE, next_lrs

GRID = [float(f"{digit}e{power}") for power in range(-5, 0) for digit in (1, 3)] + [1.0]
OPEN: set[Verdict] = {"borderline", "undetermined"}
DIVERGED = LrResult("diverged", ())


def learned(*losses: float) -> LrResult:
    return LrResult("learning", losses)


@pytest.mark.parametrize(
    ("short", "full", "wanted"),
    [
        pytest.param("dddd", "....", [], id="nothing to begin with"),
        pytest.param("ssss", "....", [1], id="all stuck: the lowest loss, and of equals the smaller rate"),
        pytest.param("9ssd", "....", [1], id="begins at what learns"),
        pytest.param("1111", "....", [1], id="of equals the smaller"),
        pytest.param("431d", "....", [10, 100], id="the best of the short pass and its smaller neighbour"),
        pytest.param("4d1d", "....", [100], id="not a neighbour that diverged"),
        pytest.param("431d", "..d.", [10], id="diverged: the next below"),
        pytest.param("431d", ".dd.", [1], id="both diverged: below both"),
        pytest.param("431d", "dd..", [], id="diverged down to the end of the grid"),
        pytest.param("sssd", "sss.", [], id="stuck at the smallest: nothing is below"),
        pytest.param("9s3s", ".ss.", [], id="stuck round the start: that is all"),
        pytest.param("431d", ".91.", [], id="worse below, diverged above"),
        pytest.param("431d", ".32.", [1], id="not definitely worse below"),
        pytest.param("4312", ".91.", [1000], id="only above is left"),
        pytest.param("4312", ".11.", [1, 1000], id="one on each side"),
        pytest.param("4312", "9119", [], id="both sides done"),
        pytest.param("1111", "1...", [10, 100], id="one side: two of it"),
        pytest.param("1111", "...1", [10, 100], id="two below"),
        pytest.param("1111", "11..", [100, 1000], id="the next two"),
        pytest.param("111d", "11..", [100], id="up to a short run that diverged"),
        pytest.param("11d1", "1...", [10], id="nothing beyond it"),
        pytest.param("1191", "1...", [10], id="up to a short run that is hopeless"),
        pytest.param("1181", "1...", [10, 100], id="worse, not hopeless"),
        pytest.param("d912", ".11.", [1, 1000], id="the short pass proves nothing of smaller rates"),
        pytest.param("2222", ".42.", [1, 1000], id="beyond the tolerance, but not by NEAR"),
        pytest.param("2222", ".52.", [1000], id="beyond it by NEAR"),
        pytest.param("2222", "..42", [10], id="beyond the tolerance on the only side: the next alone"),
        pytest.param("2222", "..54", [1, 10], id="within the tolerance: two"),
        pytest.param("2222", "..24", [1, 10], id="the end of the grid ends a side"),
        pytest.param("2222", ".24.", [1, 1000], id="the same above"),
        pytest.param("2222", ".25.", [1], id="beyond it above"),
        pytest.param("92ss", ".2s.", [1], id="stuck at full length ends a side"),
        pytest.param("9111", ".11d", [1], id="diverged at full length ends a side"),
        pytest.param("4", "1", [], id="a grid of one"),
    ],
)
def test_next_lrs_by_hand(short: str, full: str, wanted: list[float]) -> None:
    """Rates 1, 10, 100, 1000; a digit is the loss, `s` stuck, `d` diverged, `.` not run."""
    kinds = {"d": DIVERGED, "s": LrResult("stuck", (2.3,))} | {digit: learned(float(digit)) for digit in "123456789"}
    results = [[(10.0**i, kinds[kind]) for i, kind in enumerate(text) if kind != "."] for text in (short, full)]
    assert next_lrs(*(dict(pairs) for pairs in results)) == wanted
    assert next_lrs(*(dict(pairs[::-1]) for pairs in results)) == wanted


class Optimizer:
    """ln(loss) is U-shaped in log10(lr), from 0.05 at `centre` to at most 2.55, and diverges far above it."""

    def __init__(self, rng: np.random.Generator, noise: float) -> None:
        self.rng, self.noise = rng, noise
        self.centre = rng.uniform(-4, -1)
        self.below, self.above = rng.uniform(0.4, 1.1), rng.uniform(0.25, 0.8)  # decades to TOLERANCE
        self.diverges = rng.uniform(0.7, 1.5)  # decades above the centre

    def truth(self, lr: float, shift: float = 0.0) -> float:
        """The loss without noise; a short run's curve lies `shift` decades higher."""
        away = math.log10(lr) - self.centre - shift
        if away > self.diverges:
            return math.inf
        return min(2.55, 0.05 * TOLERANCE ** (abs(away) / (self.below if away < 0 else self.above)) ** 1.5)

    def result(self, lr: float, seeds: int, shift: float = 0.0) -> LrResult:
        loss = self.truth(lr, shift)
        return learned(*(loss * np.exp(self.noise * self.rng.normal(size=seeds)))) if loss < math.inf else DIVERGED

    @property
    def best(self) -> float:
        return min(GRID, key=self.truth)

    def direction(self, lr: float) -> Verdict:
        if self.truth(lr) <= TOLERANCE * self.truth(self.best):
            return "reasonable"
        return "too_small" if lr < self.best else "too_large"


Search = tuple[dict[float, LrResult], dict[float, LrResult], int]


def search(optimizer: Optimizer, shift: float = 0.5) -> Search:
    """Short results, full-length ones with the one seed of params.yaml as the rule asks for them, and its rounds."""
    short = {lr: optimizer.result(lr, 1, shift) for lr in GRID}
    full: dict[float, LrResult] = {}
    rounds = 0
    while wanted := next_lrs(short, full):
        assert 0 < len(set(wanted)) == len(wanted) <= AT_ONCE
        assert not full.keys() & set(wanted)
        full |= {lr: optimizer.result(lr, 1) for lr in wanted}
        rounds += 1
    return short, full, rounds


@pytest.mark.parametrize(("shift", "most"), [(0.0, 5.5), (0.5, 6.5), (1.0, 6.5)])
def test_the_search_finds_the_best_and_both_edges(shift: float, most: float) -> None:
    """Every reasonable rate is trained, and on each side one that is worse; above, a short run may prove that."""
    rng = np.random.default_rng(1)
    runs, rounds = [], []
    for optimizer in (Optimizer(rng, noise=1e-6) for _ in range(300)):
        short, full, times = search(optimizer, shift)
        runs.append(len(full))
        rounds.append(times)
        assert best_lr(full) == optimizer.best
        places = [place for place, lr in enumerate(GRID) if optimizer.direction(lr) == "reasonable"]
        assert {GRID[place] for place in places} <= full.keys()
        assert not places[0] or GRID[places[0] - 1] in full
        above = GRID[places[-1] + 1]
        assert above in full or above >= too_large_from(short, optimizer.best)
    print(f"off by {shift} decades: {np.mean(runs):.1f} runs, at most {max(runs)}, in {np.mean(rounds):.1f} rounds")
    assert np.mean(runs) < most
    assert max(runs) <= 8, f"of {len(GRID)}"


@pytest.mark.parametrize("noise", [0.05, 0.2])
def test_the_search_pays_little_for_noise(noise: float) -> None:
    """The loss at the rate that one seed chooses is seldom further above the best than twice the seeds' noise."""
    rng = np.random.default_rng(2)
    excess, runs = [], []
    for optimizer in (Optimizer(rng, noise) for _ in range(300)):
        _, full, _ = search(optimizer)
        best = best_lr(full)
        assert best is not None
        runs.append(len(full))
        excess.append(optimizer.truth(best) / optimizer.truth(optimizer.best))
    print(f"noise {noise:.0%}: {np.mean(runs):.1f} runs, excess {np.quantile(excess, 0.95):.3f}")
    assert np.mean(runs) < 6.5
    assert np.quantile(excess, 0.95) < 1 + 2 * noise


@pytest.mark.parametrize("noise", [0.1, 0.15])
def test_the_run_that_chose_is_lucky_and_those_that_follow_are_not(noise: float) -> None:
    """The mean error of the logarithm of the loss at the best rate, in its own standard errors."""
    rng = np.random.default_rng(5)
    errors: dict[str, list[float]] = {"tune": [], "pooled": []}
    for optimizer in (Optimizer(rng, noise) for _ in range(2000)):
        _, full, _ = search(optimizer)
        best = best_lr(full)
        assert best is not None
        two = optimizer.result(best, 2).losses
        for name, losses in (("tune", two), ("pooled", (*two, *full[best].losses))):
            errors[name].append(float(np.log(losses).mean()) - math.log(optimizer.truth(best)))
    off = {name: np.mean(found) / (np.std(found) / math.sqrt(len(found))) for name, found in errors.items()}
    print({name: (np.mean(found), np.std(found)) for name, found in errors.items()})
    assert off["pooled"] < -4 < -3 < off["tune"] < 3


def confusion(noise: float, optimizers: int = 1000) -> Counter[tuple[Verdict, Verdict]]:
    """Counts of (truth, verdict) of users' rates, as in the product.

    A user's two seeds against two fresh seeds at the sweep's best rate; the spread is pooled
    over those of five optimizers and the one that chose it, as the sweeps have one seed a rate.
    """
    rng = np.random.default_rng(7)
    counts: Counter[tuple[Verdict, Verdict]] = Counter()
    for _ in range(optimizers // 5):
        five = [Optimizer(rng, noise) for _ in range(5)]
        found = [search(optimizer)[1] for optimizer in five]
        bests = [lr for lr in map(best_lr, found) if lr is not None]
        tuned = [optimizer.result(lr, 2) for optimizer, lr in zip(five, bests, strict=True)]
        spread = pooled_spread(
            learned(*full[lr].losses, *at_best.losses) for full, lr, at_best in zip(found, bests, tuned, strict=True)
        )
        assert spread.dof == 10
        for optimizer, best, at_best in zip(five, bests, tuned, strict=True):
            lr = 10 ** rng.uniform(optimizer.centre - 1.5, optimizer.centre + 1.2)
            user = optimizer.result(lr, 2)
            judged = verdict(user.status, ratio(user, at_best, spread), lr, best)
            counts[optimizer.direction(lr), judged] += 1
    return counts


def test_verdicts_err_at_most_as_often_as_they_say() -> None:
    undecided = []
    for noise in (0.02, 0.05, 0.1, 0.2):
        counts = confusion(noise)
        for truth in ("too_small", "reasonable", "too_large"):
            row = {name: counts[truth, name] for name in get_args(Verdict)}
            print(f"seed noise {noise:.0%}: truly {truth:10} judged {row}")
        definite = sum(count for (_, judged), count in counts.items() if judged not in OPEN)
        wrong = sum(count for (truth, judged), count in counts.items() if judged not in {truth, *OPEN})
        undecided.append(1 - definite / counts.total())
        print(f"wrong {wrong} of {definite}, undecided {undecided[-1]:.1%}")
        assert wrong <= (1 - CONFIDENCE) * definite
        assert counts["too_small", "too_large"] == counts["too_large", "too_small"] == 0
    assert undecided == sorted(undecided)
    assert undecided[0] < 0.1 < undecided[-1] < 0.65


def test_without_a_spread_nothing_that_learns_is_judged() -> None:
    user, best = learned(0.1, 0.1), learned(0.1, 0.1)
    assert verdict("learning", ratio(user, best, Spread(math.inf, 0)), 0.1, 0.01) == "undetermined"
