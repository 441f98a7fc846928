import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from scipy import stats

from stages.lib.reason import ENGLISH, Finding, reason
from stages.lib.search import next_lrs
from stages.lib.verdict import (
    CHANCE,
    CONFIDENCE,
    TOLERANCE,
    Band,
    Cell,
    Ratio,
    Spread,
    Status,
    Verdict,
    best_lr,
    cell,
    pooled_spread,
    ratio,
    reasonable_range,
    status,
    verdict,
)

GRID = [float(f"{digit}e{power}") for power in range(-5, 0) for digit in (1, 3)] + [1.0]
STEPS = np.arange(16) / 15  # of a full-length run: validation every 100 of 1500 steps


def learned(*losses: float) -> Cell:
    return Cell("learning", losses)


DIVERGED = Cell("diverged", ())


# ---- status


def noisy(losses: np.ndarray, sd: float, seed: int = 0) -> list[float]:
    return list(losses + sd * np.random.default_rng(seed).normal(size=len(losses)))


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        pytest.param(2.6 * 0.03**STEPS, "learning", id="good run"),
        pytest.param(2.6 - 0.05 * STEPS, "learning", id="SGD at 1e-5"),
        pytest.param(2.6 - 0.05 * STEPS + 0.01 * (STEPS == 1), "learning", id="its last score on other images"),
        pytest.param(noisy(2.6 - 0.05 * STEPS, 0.001), "learning", id="SGD at 1e-5, with noise"),
        pytest.param(2.31 + 0.29 * (1 - STEPS) ** 2, "learning", id="creeps to 2.31 and still falls"),
        pytest.param(
            np.append(2.3 + 0.3 * 0.1 ** (8 * STEPS[:-2]), [2.2, 1.5]), "learning", id="leaves a plateau late"
        ),
        pytest.param(noisy(0.5 + 0 * STEPS, 0.1), "learning", id="unsteady at 0.5"),
        pytest.param([2.6, 2.5], "learning", id="two validations, falling"),
        pytest.param(0.1 + 39.9 * 0.01**STEPS, "learning", id="starts at 40: inputs of another scale"),
        pytest.param(np.full(16, CHANCE), "stuck", id="constant at chance"),
        pytest.param(np.full(16, 2.6), "stuck", id="constant at its start"),
        pytest.param([2.6, 2.6], "stuck", id="two validations, constant"),
        pytest.param(2.3 + 0.3 * 0.001 ** (8 * STEPS), "stuck", id="dead: drops to chance and stays"),
        pytest.param(2.3018 + 0.3 * (STEPS == 0) + 0.002 * 0.1**STEPS, "stuck", id="dead, its bias still settling"),
        pytest.param([2.6, 2.31, 2.303], "stuck", id="dead within three validations"),
        pytest.param(
            np.append(2.6 * 0.03 ** (2 * STEPS[:8]), np.full(8, 2.302)), "stuck", id="killed after good start"
        ),
        pytest.param(np.append(2.6 * 0.03 ** STEPS[:15], 2.302), "stuck", id="killed at the very end"),
        pytest.param(2.3 + 0.2 * (-1.0) ** np.arange(16), "stuck", id="swings round chance, ends under it"),
        pytest.param(2.3 - 0.2 * (-1.0) ** np.arange(16), "stuck", id="swings round chance, ends over it"),
        pytest.param([2.6, 56, *np.linspace(2.9, 2.31, 14)], "stuck", id="shaken dead, nearing chance from above"),
        pytest.param(2.6 + 0.5 * STEPS, "stuck", id="rises a little"),
        pytest.param([2.6, *np.linspace(2.72, 2.61, 15)], "stuck", id="falls, but not below its start"),
        pytest.param([2.6, 8, 56, 56], "diverged", id="saturated at 56"),
        pytest.param(np.append(2.6 * 0.03 ** STEPS[:15], 6.0), "diverged", id="explodes at the very end"),
        pytest.param([2.6, float("nan")], "diverged", id="not a number"),
        pytest.param([2.6, 0.1, float("inf")], "diverged", id="infinite"),
    ],
)
def test_status_of_a_run(losses: Sequence[float], expected: Status) -> None:
    assert status(losses) == expected
    assert status(losses, diverged=True) == "diverged"


def test_a_run_that_was_not_finite_from_the_start_diverged() -> None:
    assert status([], diverged=True) == "diverged"


@pytest.mark.parametrize(("end", "expected"), [(0.98 * CHANCE, "learning"), (0.995 * CHANCE, "stuck")])
def test_status_on_both_sides_of_guessing(end: float, expected: Status) -> None:
    assert status([2.6, *[end] * 15]) == expected


@pytest.mark.parametrize(("factor", "expected"), [(1.95, "stuck"), (2.05, "diverged")])
def test_status_on_both_sides_of_an_explosion(factor: float, expected: Status) -> None:
    assert status([2.6, *[2.6 * factor] * 15]) == expected


@pytest.mark.parametrize(("fall", "expected"), [(0.0015, "stuck"), (0.0025, "learning")])
def test_status_on_both_sides_of_the_least_fall(fall: float, expected: Status) -> None:
    """`fall` is over the second half, of the loss."""
    assert status(list(2.6 - 2.6 * fall * 15 / 7 * STEPS)) == expected


@pytest.mark.parametrize(("points", "share"), [(6, 0.06), (16, 0.01)])
@pytest.mark.parametrize("sd", [0.001, 0.01, 0.1])
def test_noise_above_chance_is_seldom_taken_for_learning(points: int, share: float, sd: float) -> None:
    """A network that ignores its images cannot come under the entropy of the labels, 2.301."""
    dead = [status([2.6, *(2.301 + abs(np.array(noisy(np.zeros(points), sd, seed))))]) for seed in range(500)]
    assert dead.count("learning") <= share * 500


def test_a_cell_has_the_worst_status_and_the_losses_that_are_finite() -> None:
    good, dead, gone = ([2.6, 0.2, 0.1], False), ([2.6, 2.3, 2.3, 2.3, 2.3], False), ([2.6], True)
    assert cell([good, good]) == Cell("learning", (0.1, 0.1))
    assert cell([good, dead]) == Cell("stuck", (0.1, 2.3))
    assert cell([dead, gone, good]) == Cell("diverged", (2.3, 0.1))


# ---- spread and ratio


def test_spread_by_hand() -> None:
    """Logs 0 and 2 have squares of 2, logs 0, 3, 6 of 18, each from its own mean: (2 + 18) / (1 + 2)."""
    scale = 1e-3
    cells = [Cell("learning", tuple(scale * np.exp(logs))) for logs in ([0, 2], [0, 3, 6])]
    spread = pooled_spread(cells)
    assert spread.sd == pytest.approx(math.sqrt(20 / 3))
    assert spread.dof == 3


def test_spread_leaves_out_what_tells_nothing_of_it() -> None:
    known = [learned(0.1, 0.2)]
    others = [learned(0.1), Cell("stuck", (0.1, 2.3)), Cell("diverged", (0.1, 0.9)), DIVERGED, learned(2.50, 2.51)]
    assert pooled_spread(known + others) == pooled_spread(known)
    assert pooled_spread(others) == Spread(math.inf, 0)


def test_interval_is_that_of_the_t_test() -> None:
    """With the two cells alone pooled, it is scipy's two-sample interval with equal variances."""
    rng = np.random.default_rng(3)
    first, second = rng.lognormal(-2.0, 0.2, 4), rng.lognormal(-3.0, 0.2, 3)
    result = ratio(learned(*first), learned(*second), pooled_spread([learned(*first), learned(*second)]))
    expected = stats.ttest_ind(np.log(first), np.log(second)).confidence_interval(CONFIDENCE)
    assert result is not None
    assert result.value == pytest.approx(stats.gmean(first) / stats.gmean(second))
    assert (result.low, result.high) == pytest.approx((math.exp(expected.low), math.exp(expected.high)))


def test_fewer_degrees_of_freedom_widen_the_interval() -> None:
    widths = []
    for dof in (100, 10, 2, 1):
        result = ratio(learned(0.2), learned(0.1, 0.1), Spread(0.1, dof))
        assert result is not None
        widths.append(math.log(result.high / result.low) / 2)
        assert widths[-1] == pytest.approx(stats.t.ppf(0.975, dof) * 0.1 * math.sqrt(1.5))
    assert widths == sorted(widths)
    for unknown in (Spread(math.inf, 0), Spread(90.0, 1)):
        result = ratio(learned(0.2), learned(0.1), unknown)
        assert result is not None
        assert result == Ratio(result.value, 0, math.inf)
        assert result.value == pytest.approx(2)


@pytest.mark.parametrize("bad", [DIVERGED, Cell("diverged", (0.1,)), Cell("stuck", (2.3, 0.1))])
def test_no_ratio_unless_all_runs_learn(bad: Cell) -> None:
    assert ratio(bad, learned(0.1), Spread(0.1, 5)) is None
    assert ratio(learned(0.1), bad, Spread(0.1, 5)) is None


# ---- verdict and range


@pytest.mark.parametrize(
    ("state", "interval", "below", "at", "above"),
    [
        ("learning", (0.8, 1.49), "reasonable", "reasonable", "reasonable"),
        ("learning", (1.2, 1.51), "undetermined", "undetermined", "undetermined"),
        ("learning", (1.49, 9.0), "undetermined", "undetermined", "undetermined"),
        ("learning", (1.51, 9.0), "too_small", "undetermined", "too_large"),
        ("learning", (0.0, math.inf), "undetermined", "undetermined", "undetermined"),
        ("stuck", None, "too_small", "undetermined", "too_large"),
        ("diverged", None, "undetermined", "undetermined", "too_large"),
    ],
)
def test_verdicts(state: Status, interval: tuple[float, float] | None, below: str, at: str, above: str) -> None:
    quotient = Ratio(1.3, *interval) if interval else None
    assert [verdict(state, quotient, lr, 0.01) for lr in (0.003, 0.01, 0.03)] == [below, at, above]
    assert verdict(state, quotient, 0.01, None) == "undetermined"


def test_what_does_not_learn_is_never_reasonable() -> None:
    assert verdict("stuck", Ratio(1.0, 0.9, 1.1), 0.01, 0.01) == "undetermined"
    assert verdict("diverged", Ratio(1.0, 0.9, 1.1), 0.003, 0.01) == "undetermined"


def test_best_lr_learns_with_every_seed() -> None:
    cells = {0.3: Cell("diverged", (0.01,)), 0.1: learned(0.2, 0.05), 0.03: learned(0.1), 0.01: Cell("stuck", (0.05,))}
    assert best_lr(cells) == 0.03, "equal geometric means: the smaller"
    assert best_lr(cells | {0.1: learned(0.05)}) == 0.1
    assert best_lr({0.1: DIVERGED}) is None
    assert best_lr({}) is None


@pytest.mark.parametrize(
    ("judged", "best", "band"),
    [
        ("s r r l", 0.01, Band(0.001, 0.01, False, False)),
        ("s u r r l", 0.01, Band(0.01, 0.1, True, False)),
        ("r r l r", 0.001, Band(0.0001, 0.001, True, False)),
        ("s s r", 0.01, Band(0.01, 0.01, False, True)),
        ("s r u l", 0.001, Band(0.001, 0.001, False, True)),
        ("r", 0.0001, Band(0.0001, 0.0001, True, True)),
    ],
)
def test_range_round_the_best(judged: str, best: float, band: Band) -> None:
    names: dict[str, Verdict] = {"s": "too_small", "r": "reasonable", "l": "too_large", "u": "undetermined"}
    pairs = list(zip((0.0001, 0.001, 0.01, 0.1, 1.0), judged.split(), strict=False))
    for order in (pairs, pairs[::-1]):
        assert reasonable_range({lr: names[name] for lr, name in order}, best) == band
    assert band.decades == pytest.approx(np.log10(band.end) - np.log10(band.start))


# ---- reason


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
        (learned(0.3), Ratio(3, 2, 4), 0.001, 0.01, ["is too small", "2 to 4", "95%", "1.5"]),
        (learned(0.3), Ratio(3, 2, 4), 0.1, 0.01, ["is too large", "2 to 4"]),
        (Cell("stuck", (0.1, 2.301)), None, 0.1, 0.01, ["is too large", "2.3,", "guessing", "the smaller 0.01"]),
        (Cell("stuck", (2.6,)), None, 1e-6, 0.01, ["lr 1e-06 is too small", "2.6", "the larger 0.01"]),
        (DIVERGED, None, 0.1, 0.01, ["is too large", "diverged", "the smaller 0.01"]),
        (DIVERGED, None, 0.001, 0.01, ["cannot be judged", "0.01, is larger"]),
        (learned(0.3), Ratio(3, 2, 4), 0.01, 0.01, ["cannot be judged", "is the same"]),
        (learned(0.1), Ratio(1.4, 1.1, 1.8), 0.1, 0.01, ["cannot be judged yet", "both sides", "1.1 to 1.8"]),
        (learned(0.1), Ratio(1.4, 0, math.inf), 0.1, 0.01, ["cannot be judged", "two seeds"]),
        (learned(0.1), None, 0.1, None, ["cannot be judged", "no best rate"]),
        (DIVERGED, None, 0.1, None, ["cannot be judged", "no best rate"]),
    ],
)
def test_reasons(state: Cell, quotient: Ratio | None, lr: float, best: float | None, parts: list[str]) -> None:
    judged = verdict(state.status, quotient, lr, best)
    finding = Finding("adam", lr, 1500, state, quotient, judged, best, at_edge=False)
    sentence = reason(finding)
    assert sentence.startswith("adam at lr ")
    assert all(part in sentence for part in parts), sentence
    assert not set("{}") & set(sentence)
    assert "inf" not in sentence
    narrow = reason(Finding("adam", lr, 1500, state, quotient, judged, best, at_edge=True))
    assert narrow == sentence + ENGLISH["edge"]


# ---- what a sweep of synthetic optimizers finds


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

    def cell(self, lr: float, seeds: int, shift: float = 0.0) -> Cell:
        loss = self.truth(lr, shift)
        return learned(*(loss * np.exp(self.noise * self.rng.normal(size=seeds)))) if loss < math.inf else DIVERGED

    def direction(self, lr: float) -> Verdict:
        best = min(GRID, key=self.truth)
        if self.truth(lr) <= TOLERANCE * self.truth(best):
            return "reasonable"
        return "too_small" if lr < best else "too_large"


def sweep(optimizer: Optimizer, shift: float = 0.5, seeds: int = 2) -> tuple[dict[float, Cell], int]:
    """Full-length cells as the sweep's rule asks for them, and how many runs they took."""
    short = {lr: optimizer.cell(lr, 1, shift) for lr in GRID}
    full: dict[float, Cell] = {}
    runs = 0
    while wanted := next_lrs(short, full, seeds):
        assert len(set(wanted)) == len(wanted)
        for lr in wanted:
            one = optimizer.cell(lr, 1)
            full[lr] = Cell(one.status, full[lr].losses + one.losses) if lr in full else one
            assert len(full[lr].losses) <= seeds
            runs += 1
    return full, runs


def verdicts(full: Mapping[float, Cell], spread: Spread) -> dict[float, Verdict]:
    best = best_lr(full)
    assert best is not None
    return {lr: verdict(one.status, ratio(one, full[best], spread), lr, best) for lr, one in full.items()}


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0])
def test_the_sweep_finds_the_best_and_both_edges(shift: float) -> None:
    rng = np.random.default_rng(1)
    costs = []
    for optimizer in (Optimizer(rng, noise=1e-6) for _ in range(300)):
        full, runs = sweep(optimizer, shift)
        costs.append(runs)
        assert best_lr(full) == min(GRID, key=optimizer.truth)
        reasonable = [lr for lr in GRID if optimizer.direction(lr) == "reasonable"]
        band = reasonable_range(verdicts(full, Spread(1e-6, 5)), min(GRID, key=optimizer.truth))
        assert (band.start, band.end) == (reasonable[0], reasonable[-1])
        assert band.open_below == (band.start == GRID[0])
    print(f"short pass off by {shift} decades: {np.mean(costs):.1f} runs, at most {max(costs)}")
    assert np.mean(costs) <= {0.0: 7, 0.5: 7, 1.0: 8}[shift]
    assert max(costs) <= 11


@pytest.mark.parametrize("noise", [0.05, 0.2])
def test_the_sweep_pays_little_for_noise(noise: float) -> None:
    rng = np.random.default_rng(2)
    excess, costs = [], []
    for optimizer in (Optimizer(rng, noise) for _ in range(300)):
        full, runs = sweep(optimizer)
        best = best_lr(full)
        assert best is not None
        costs.append(runs)
        excess.append(optimizer.truth(best) / min(map(optimizer.truth, GRID)))
    assert np.mean(costs) < 8
    assert np.quantile(excess, 0.95) < 1 + 1.5 * noise


def test_the_sweep_with_one_seed_asks_for_no_second() -> None:
    full, runs = sweep(Optimizer(np.random.default_rng(5), 0.1), seeds=1)
    assert runs == len(full)


@pytest.mark.parametrize(
    ("short", "full", "wanted"),
    [
        ("dddd", "....", []),
        ("ssss", "....", [1]),
        ("sssd", "sss.", []),
        ("1111", "....", [1]),
        ("431d", "....", [10, 100]),
        ("431d", "..d.", [10]),
        ("431d", ".d..", [1]),
        ("431d", "dd..", []),
        ("431d", ".91.", [100]),
        ("431d", ".32.", [10, 100]),
        ("4312", ".91.", [100, 1000]),
        ("4312", ".11.", [1, 10, 1000]),
        ("4312", "9129", [10]),
        ("4312", "9121", [10]),
        ("d312", ".1..", [1, 10, 100]),
        ("9s3s", ".ss.", []),
        ("92ss", ".2s.", [1, 10]),
        ("4", "1", [1]),
    ],
)
def test_next_lrs_by_hand(short: str, full: str, wanted: list[float]) -> None:
    """Rates 1, 10, 100, 1000; a digit is the loss, `s` stuck, `d` diverged, `.` not run."""
    kinds = {"d": DIVERGED, "s": Cell("stuck", (2.3,))} | {digit: learned(float(digit)) for digit in "123456789"}
    cells = [{10.0**i: kinds[kind] for i, kind in enumerate(text) if kind != "."} for text in (short, full)]
    assert next_lrs(cells[0], cells[1], 2) == wanted


def confusion(noise: float, optimizers: int = 500) -> Counter[tuple[Verdict, Verdict]]:
    """Counts of (truth, verdict) of users' rates, with sweeps and spreads as in the product, five optimizers each."""
    rng = np.random.default_rng(7)
    counts: Counter[tuple[Verdict, Verdict]] = Counter()
    for _ in range(optimizers // 5):
        five = [Optimizer(rng, noise) for _ in range(5)]
        sweeps = [sweep(optimizer)[0] for optimizer in five]
        lrs = [10 ** rng.uniform(optimizer.centre - 1.5, optimizer.centre + 1.2) for optimizer in five]
        users = [optimizer.cell(lr, 2) for optimizer, lr in zip(five, lrs, strict=True)]
        spread = pooled_spread([*users, *(one for full in sweeps for one in full.values())])
        for optimizer, full, lr, user in zip(five, sweeps, lrs, users, strict=True):
            best = best_lr(full)
            assert best is not None
            counts[optimizer.direction(lr), verdict(user.status, ratio(user, full[best], spread), lr, best)] += 1
    return counts


def test_verdicts_err_at_most_as_often_as_they_say() -> None:
    undetermined = []
    for noise in (0.02, 0.05, 0.1, 0.2):
        counts = confusion(noise)
        for truth in ("too_small", "reasonable", "too_large"):
            row = {name: counts[truth, name] for name in ("too_small", "reasonable", "too_large", "undetermined")}
            print(f"seed noise {noise:.0%}: truly {truth:10} judged {row}")
        definite = sum(count for (_, judged), count in counts.items() if judged != "undetermined")
        wrong = sum(count for (truth, judged), count in counts.items() if judged not in {truth, "undetermined"})
        undetermined.append(500 - definite)
        assert wrong <= (1 - CONFIDENCE) * definite
        assert counts["too_small", "too_large"] == counts["too_large", "too_small"] == 0
    assert undetermined == sorted(undetermined)
    assert undetermined[0] < 0.08 * 500 < undetermined[-1] < 0.65 * 500


@pytest.mark.parametrize("noise", [0.02, 0.2])
@pytest.mark.parametrize(("true", "right"), [(TOLERANCE, None), (TOLERANCE / 1.1, "reasonable"), (1.65, "too_large")])
def test_near_the_tolerance_errors_stay_at_their_level(noise: float, true: float, right: Verdict | None) -> None:
    """A rate exactly at the tolerance is called either way in 5% of cases; one beside it is called wrong in 2.5%."""
    rng, draws = np.random.default_rng(11), 4000
    called: Counter[Verdict] = Counter()
    for _ in range(draws):
        others = [learned(*rng.lognormal(-3, noise, 2)) for _ in range(4)]
        user, best = (learned(*np.exp(math.log(loss) + noise * rng.normal(size=2))) for loss in (0.05 * true, 0.05))
        spread = pooled_spread([user, best, *others])
        called[verdict("learning", ratio(user, best, spread), 0.1, 0.01)] += 1
    if right is None:
        assert called["reasonable"] + called["too_large"] == pytest.approx(0.05 * draws, abs=0.012 * draws)
        return
    wrong: Verdict = "reasonable" if right == "too_large" else "too_large"
    assert called[wrong] <= 0.025 * draws
    assert called[right] > (0.75 if noise == 0.02 else 0.02) * draws
