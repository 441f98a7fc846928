import re
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from recorded import DEAD, EXPLODED, GONE, GRID, IMAGES, TARGET, ending, evaluations, optimizer_runs
from scipy import stats
from scipy.special import expit, logit

from stages.lib.judging.judgement import Judgement, Standing, judge_all, wilson
from stages.lib.judging.optimizer_runs import OptimizerRuns
from stages.lib.runs.evaluation import At
from stages.lib.runs.run import Validation

SWEEP: dict[float, list[float]] = {0.001: [0.3], 0.01: [0.1], 0.1: [0.4]}
OTHER: dict[float, list[float]] = {0.01: [0.2], 0.1: [0.25, 0.24]}
TUNED, OTHER_TUNED = (0.1, 0.104), (0.2, 0.21)  # the ends of the runs of tune, by seed


def judged(  # noqa: PLR0917
    lr: float,
    ends: Sequence[float],
    sweep: Mapping[float, Sequence[float]] = SWEEP,
    tuned: Sequence[float] = TUNED,
    other: Mapping[float, Sequence[float]] = OTHER,
    other_tuned: Sequence[float] = OTHER_TUNED,
    gone: Sequence[float] = (),
) -> Judgement:
    """The judgement on adam, beside sgd."""
    runs = {
        "adam": optimizer_runs(lr, ends, sweep, tuned, gone, optimizer="adam"),
        "sgd": optimizer_runs(0.01, [0.5], other, other_tuned),
    }
    adam, sgd = judge_all(runs, evaluations(runs), TARGET)
    assert (adam.optimizer, sgd.optimizer) == ("adam", "sgd")
    return adam


def interval(one: Judgement) -> tuple[float, float]:
    found = re.search(r"interval (\S+) to (\S+)\)", one.reason)
    assert found, one.reason
    return float(found[1]), float(found[2])


@pytest.mark.parametrize(
    ("lr", "ends", "expected", "sentence"),
    [
        (0.01, [0.1, 0.11], "reasonable", "adam at lr 0.01 is reasonable: it is the best rate tried."),
        (0.012, [0.09, 0.08], "reasonable", "adam at lr 0.012 is reasonable: after 1,500 steps"),
        (0.1, [0.3, 0.31], "too_large", "adam at lr 0.1 is too large: after 1,500 steps"),
        (0.0001, [0.5, 0.52], "too_small", "adam at lr 0.0001 is too small: after 1,500 steps"),
        (0.03, [0.15, 0.16], "borderline", "at the tolerance of 1.5; a smaller rate would likely do better"),
        (1.0, [DEAD, 0.2], "too_large", "no better than guessing"),
        (1e-06, [DEAD, DEAD], "too_small", "while the larger 0.01 learns"),
        (1.0, [0.2, GONE], "too_large", "the loss diverged, while the smaller 0.01 learns"),
        (1.0, [0.2, EXPLODED], "too_large", "the loss diverged, while the smaller 0.01 learns"),
        (1e9, [GONE, GONE], "too_large", "the loss diverged"),
        (0.001, [GONE, 0.2], "undetermined", "more of them are needed"),
        (0.01, [0.4, 0.41], "undetermined", "more of them are needed"),
    ],
)
def test_verdict_and_reason(lr: float, ends: list[float], expected: str, sentence: str) -> None:
    found = judged(lr, ends)
    assert (found.lr, found.best_lr, found.verdict) == (lr, 0.01, expected)
    assert found.reason.startswith(f"adam at lr {lr:g} ")
    assert sentence in found.reason


def test_ratio_and_its_interval_are_those_of_a_t_test() -> None:
    """Against tune's runs at the best rate; the rates with two or three seeds of sweep and tune have 5 degrees."""
    found = judged(0.03, [0.15, 0.16])
    at_best, other = [*SWEEP[0.01], *TUNED], [*OTHER[0.01], *OTHER_TUNED]
    squares = [np.var(np.log(losses)) * len(losses) for losses in (at_best, other, OTHER[0.1])]
    centre = np.log(stats.gmean([0.15, 0.16]) / stats.gmean(TUNED))
    error = np.sqrt(sum(squares) / 5) * np.sqrt(1 / 2 + 1 / 2)
    assert found.ratio == pytest.approx(np.exp(centre))
    assert interval(found) == pytest.approx(np.exp(stats.t.interval(0.95, 5, loc=centre, scale=error)), rel=0.005)


def test_no_ratio_where_a_seed_does_not_learn() -> None:
    assert judged(1.0, [DEAD, 0.2]).ratio is None


def test_the_reference_has_runs_that_chose_nothing() -> None:
    """The sweep's one run at its best rate was lucky by a factor of 2."""
    found = judged(0.03, [0.2, 0.21], tuned=(0.2, 0.21), other_tuned=(0.2, 0.2))
    assert found.ratio == pytest.approx(1)
    assert judged(0.03, [0.2, 0.21]).verdict == "too_large"


@pytest.mark.parametrize("bad", [GONE, EXPLODED, DEAD])
def test_a_best_rate_that_fails_with_the_trained_seeds(bad: float) -> None:
    found = judged(0.03, [0.15, 0.16], tuned=(0.1, bad))
    assert (found.verdict, found.ratio) == ("undetermined", None)
    assert "not every run with these seeds learned" in found.reason


def test_seeds_of_other_optimizers_widen_the_interval() -> None:
    calm, wild = judged(0.01, [0.1, 0.11]), judged(0.01, [0.1, 0.11], other_tuned=(0.02, 0.9))
    assert (calm.verdict, wild.verdict) == ("reasonable", "undetermined")
    assert wild.ratio == calm.ratio


@pytest.mark.parametrize(("lr", "calm", "wild"), [(0.1, [0.3, 0.3], [0.1, 0.9]), (0.012, [0.12, 0.12], [0.1, 0.144])])
def test_the_configured_rates_own_seeds_do_not(lr: float, calm: list[float], wild: list[float]) -> None:
    """The spread is that of good rates, also next to the best one; the geometric means are equal."""
    assert interval(judged(lr, calm)) == interval(judged(lr, wild))


def test_one_seed_is_judged_by_what_sweep_and_tune_differ_by() -> None:
    found = judged(0.01, [0.1], {0.001: [0.3], 0.01: [0.1]}, [0.105], {0.01: [0.2]}, [0.21])
    assert found.verdict == "reasonable"


def test_without_any_run_that_learned_well_there_is_no_spread() -> None:
    found = judged(0.01, [2.0], {0.01: [2.0]}, [2.0], {0.01: [2.1]}, [2.1])
    assert (found.verdict, found.ratio) == ("undetermined", 1)
    assert "no rate that learned well has two runs" in found.reason


@pytest.mark.parametrize("last", [DEAD, GONE, EXPLODED])
def test_where_nothing_learns_the_others_are_judged_as_before(last: float) -> None:
    runs = {
        "adam": optimizer_runs(0.01, [0.1, 0.11], {lr: [last] for lr in GRID}, optimizer="adam"),
        "sgd": optimizer_runs(0.01, [0.1, 0.11], SWEEP, TUNED),
    }
    adam, sgd = judge_all(runs, evaluations(runs), TARGET)
    assert (adam.verdict, adam.best_lr, adam.reasonable_range, adam.ratio) == ("undetermined", None, None, None)
    assert set(dict(adam.verdicts).values()) == {"undetermined"}
    assert list(adam.standings) == ["configured lr"]
    assert re.search("nothing learns at any rate of the sweep; widen the grid", adam.reason)
    assert sgd.verdict == "reasonable"
    assert sgd.standings["best lr"].group == 1


@pytest.mark.parametrize(
    ("sweep", "gone", "expected"),
    [
        (SWEEP, (), (0.01, 0.01)),
        ({0.001: [0.11], 0.01: [0.1], 0.1: [0.4]}, (), (0.001, 0.01)),
        ({0.001: [0.11], 0.01: [0.1], 0.1: [0.105]}, (1.0,), (0.001, 0.1)),
        ({0.0001: [0.11], 0.01: [0.1], 0.1: [0.105]}, (), (0.01, 0.1)),
    ],
)
def test_range_of_reasonable_rates(
    sweep: dict[float, list[float]], gone: tuple[float, ...], expected: tuple[float, float]
) -> None:
    assert judged(0.01, [0.1, 0.11], sweep, gone=gone).reasonable_range == expected


@pytest.mark.parametrize(("best", "at_edge"), [(0.0001, True), (0.001, False), (0.1, False), (1.0, True)])
def test_reason_says_if_the_best_rate_is_the_last_of_the_grid(best: float, at_edge: bool) -> None:
    found = judged(best, [0.1, 0.11], {best: [0.1]})
    assert found.best_lr == best
    assert found.reason.endswith(" so a better one may lie beyond it.") == at_edge


# three seeds each: adam and sgd differ by less than noise, slow by far more
ADAM, SGD, SLOW = [0.97, 0.972, 0.971], [0.9705, 0.969, 0.971], [0.9, 0.902, 0.904]


def at_accuracies(configured: Sequence[float], best: Sequence[float], name: str, lr: float = 0.1) -> OptimizerRuns:
    """Runs of train at `lr`, and of tune at 0.01, that end with these accuracies by seed; none for a diverged one."""
    runs = optimizer_runs(lr, [], {0.01: [0.1]}, [], optimizer=name)
    arms = [
        [ending(0.1, lr=rate, seed=seed, accuracy=accuracy, optimizer=name) for seed, accuracy in enumerate(accuracies)]
        or [ending(GONE, lr=rate, optimizer=name)]
        for rate, accuracies in ((lr, configured), (0.01, best))
    ]
    return OptimizerRuns(GRID, arms[0], runs.swept, arms[1])


def standings(arms: Mapping[str, tuple[Sequence[float], Sequence[float]]], at: At) -> dict[str, Standing]:
    """By optimizer, from validation accuracies at the configured and at the best lr."""
    runs = {name: at_accuracies(configured, best, name) for name, (configured, best) in arms.items()}
    found = judge_all(runs, evaluations(runs), TARGET)
    return {one.optimizer: one.standings[at] for one in found if at in one.standings}


def groups(arms: Mapping[str, tuple[Sequence[float], Sequence[float]]], at: At) -> dict[str, int]:
    return {name: one.group for name, one in standings(arms, at).items()}


def test_each_lr_is_ranked_by_its_own_runs() -> None:
    arms = {"adam": (ADAM, ADAM), "sgd": (SLOW, SGD), "slow": (SGD, SLOW)}
    assert groups(arms, "configured lr") == {"adam": 1, "sgd": 2, "slow": 1}
    assert groups(arms, "best lr") == {"adam": 1, "sgd": 1, "slow": 2}
    assert {one.lr for one in standings(arms, "best lr").values()} == {0.01}


def test_standing_by_hand() -> None:
    """Of the last validation, with all images; on the way a run had been better."""
    last = Validation(1500, 1000, 0.1, 0.96)
    way = (Validation(0, 200, 2.5, 0.1), Validation(300, 200, 0.2, 0.999), last)
    runs = {"sgd": at_accuracies([], [], "sgd")}
    trained = [ending(0.1, lr=0.1, seed=seed, accuracy=accuracy) for seed, accuracy in enumerate((0.98, 0.97))]
    trained.append(ending(0.1, lr=0.1, seed=2).model_copy(update={"valid": way, "wrong": tuple(range(40))}))
    runs["sgd"] = OptimizerRuns(GRID, trained, runs["sgd"].swept, runs["sgd"].tuned)
    found = evaluations(runs)
    found[0] = found[0].model_copy(update={"confusion": ((930, 70), (0, 0))})
    [one] = judge_all(runs, found, TARGET)
    odds = np.array([logit((1000 * accuracy + 0.5) / 1001) for accuracy in (0.98, 0.97, 0.96)])
    middle, slope = (970 + 0.5) / 1001, 0.97 * 0.03
    shares = np.repeat([1, 2 / 3, 1 / 3, 0], [20, 10, 10, 960])  # of the seeds that get an image wrong
    images = (np.var(shares, ddof=1) - (shares * (1 - shares)).mean() * 3 / 2 / 3) / slope**2 / IMAGES
    seeds = np.var(odds, ddof=1) / 3
    dof = (seeds + images) ** 2 / (seeds**2 / 2 + images**2 / 999)
    half = stats.t.ppf(0.975, dof) * np.sqrt(seeds + images)
    low, high = (0.97 - middle + expit(logit(middle) + way) for way in (-half, half))
    on_eval = stats.binomtest(910, IMAGES).proportion_ci(method="wilson")
    assert one.standings.keys() == {"configured lr"}
    assert dict(one.standings["configured lr"]) == {
        "lr": 0.1,
        "accuracy": pytest.approx(0.91),
        "accuracy_min": 0.9,
        "accuracy_max": 0.93,
        "low": pytest.approx(on_eval.low),
        "high": pytest.approx(on_eval.high),
        "valid_accuracy": pytest.approx(0.97),
        "valid_low": pytest.approx(low, abs=1e-4),
        "valid_high": pytest.approx(high, abs=1e-4),
        "group": 1,
        "behind": 0,
        "seeds_to_tell": None,
        "steps_to_target": pytest.approx((1500 + 1500 + 300) / 3),
    }


def test_a_target_that_a_seed_missed_has_no_steps() -> None:
    assert standings({"sgd": ([0.98, 0.96], SGD)}, "configured lr")["sgd"].steps_to_target is None


def test_an_optimizer_with_a_diverged_seed_has_no_standing() -> None:
    """Of 'hot' a seed is not finite, of 'wild' one explodes but has weights, which evaluate scores."""
    runs = {name: at_accuracies(SLOW, ADAM, name) for name in ("hot", "sgd", "wild")}
    for name, last in (("hot", GONE), ("wild", EXPLODED)):
        trained = [*runs[name].trained, ending(last, lr=0.1, seed=9, accuracy=0.99, optimizer=name)]
        runs[name] = OptimizerRuns(GRID, trained, runs[name].swept, runs[name].tuned)
    found = {one.optimizer: one.standings for one in judge_all(runs, evaluations(runs), TARGET)}
    assert {name: list(one) for name, one in found.items()} == {
        "hot": ["best lr"],
        "sgd": ["configured lr", "best lr"],
        "wild": ["best lr"],
    }


def test_where_all_diverged_nothing_has_a_standing() -> None:
    assert standings({"a": ([], ADAM), "b": ([], ADAM)}, "configured lr") == {}


def test_one_seed_each_is_one_tie_group() -> None:
    found = standings({"a": ([0.2], ADAM), "b": ([0.99], ADAM), "c": ([0.5], ADAM)}, "configured lr")
    assert {(one.group, one.valid_low, one.valid_high) for one in found.values()} == {(1, 0.0, 1.0)}


def test_eval_is_reported_and_does_not_order() -> None:
    runs = {name: at_accuracies(accuracies, SGD, name) for name, accuracies in (("adam", ADAM), ("slow", SLOW))}
    scores = evaluations(runs)
    turned = [
        one.model_copy(update={"confusion": ((990, 10), (0, 0))}) if one.optimizer == "slow" else one for one in scores
    ]
    before, after = (
        [one.standings["configured lr"] for one in judge_all(runs, found, TARGET)] for found in (scores, turned)
    )
    assert [one.accuracy for one in after] == pytest.approx([0.9, 0.99])
    eval_fields = {"accuracy", "accuracy_min", "accuracy_max", "low", "high"}
    assert [one.model_dump(exclude=eval_fields) for one in after] == [
        one.model_dump(exclude=eval_fields) for one in before
    ]


@pytest.mark.parametrize("count", [1, 10, 500, 10_000])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_wilson_interval_is_scipys(share: float, count: int) -> None:
    hits = round(share * count)
    expected = stats.binomtest(hits, count).proportion_ci(method="wilson")
    assert wilson(hits / count, count) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_judgements_are_the_same_after_a_file() -> None:
    for one in (judged(0.01, [0.1, 0.11]), judged(0.01, [GONE], {0.01: [GONE]})):
        assert Judgement.model_validate_json(one.model_dump_json()) == one
