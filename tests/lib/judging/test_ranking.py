from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit
from twenty_seeds import LIKE, OPTIMIZERS, RUNS, SEEDS, WORSE

from stages.lib.judging.log_odds import CONFIDENCE, POWER
from stages.lib.judging.ranking import MOST_SEEDS, rank

DRAWS = 300


def separate(counts: list[int], images: int = 10_000) -> np.ndarray:
    """Runs that get so many images wrong, and no two the same one: the images add nothing to the seeds' variance."""
    wrong = np.zeros((len(counts), images), bool)
    for run, (count, start) in enumerate(zip(counts, np.cumsum([0, *counts]), strict=False)):
        wrong[run, start : start + count] = True
    return wrong


def groups(wrong: dict[str, np.ndarray]) -> dict[str, int]:
    return {name: one.group for name, one in rank(wrong).items()}


def drawn(rng: np.random.Generator, names: list[str], seeds: int) -> dict[str, np.ndarray]:
    return {name: RUNS[name][rng.permutation(SEEDS)[:seeds]] for name in names}


@pytest.mark.parametrize("distance", [20, 40, 80])
def test_two_optimizers_are_students_one_sided_test_of_log_odds(distance: int) -> None:
    rng, seen = np.random.default_rng(0), set()
    for _ in range(100):
        counts = [rng.normal(mean, 25, size).round().astype(int) for mean, size in ((200, 4), (200 + distance, 3))]
        odds = [logit((10_000 - count + 0.5) / 10_001) for count in counts]
        way = "greater" if counts[0].mean() < counts[1].mean() else "less"
        differ = stats.ttest_ind(*odds, alternative=way).pvalue < 1 - CONFIDENCE
        variances = [np.var(one, ddof=1) for one in odds]
        pooled = (3 * variances[0] + 2 * variances[1]) / 5 * (1 / 4 + 1 / 3)
        if pooled < variances[0] / 4 + variances[1] / 3:
            continue  # the groups are taken at their word: no longer Student's test
        freedom = 25 * ((3 * variances[0] + 2 * variances[1]) / 5) ** 2
        freedom = freedom / (9 * variances[0] ** 2 / 5 + 4 * variances[1] ** 2 / 4) - 2
        if freedom < 5:
            continue  # unlike groups: fewer degrees of freedom than Student's test takes
        found = groups({"a": separate(counts[0].tolist()), "b": separate(counts[1].tolist())})
        assert (max(found.values()) == 2) == differ
        seen.add(differ)
    assert seen


def test_of_several_each_is_compared_with_the_best_alone() -> None:
    """Four equally spread optimizers: the second is out by one of three comparisons, not by one of six pairs."""
    spread = np.array([-20, 0, 20])
    found = {"a": separate((200 + spread).tolist())}
    odds = logit((10_000 - 200 - spread + 0.5) / 10_001)
    needed = stats.t.ppf(1 - 0.05 / 3, 8) * np.sqrt(np.var(odds, ddof=1) * 2 / 3)
    for name, share in (("b", 0.9), ("c", 1.1), ("d", 1.2)):
        wrong = (1 - expit(odds.mean() - share * needed)) * 10_000
        found[name] = separate((wrong + spread * wrong / 200).round().astype(int).tolist())
    assert groups(found) == {"a": 1, "b": 1, "c": 2, "d": 2}
    pairs = stats.t.ppf(1 - 0.025 / 6, 8) / stats.t.ppf(1 - 0.05 / 3, 8)
    assert pairs > 1.2, "all pairs with Bonferroni would leave d among the candidates"


def test_best_first_and_equal_ones_by_name() -> None:
    ranked = rank({name: separate(counts, 100) for name, counts in EQUAL.items()})
    assert list(ranked) == ["adam", "a", "b", "sgd"]
    assert [one.valid_accuracy for one in ranked.values()] == pytest.approx([0.85, 0.8, 0.8, 0.6])
    assert [one.behind for one in ranked.values()] == pytest.approx([0, 0.05, 0.05, 0.25])


EQUAL = {"sgd": [50, 30], "b": [10, 30], "a": [20, 20], "adam": [15, 15]}


def test_how_far_behind_counts_from_the_best_of_all_also_in_later_groups() -> None:
    spread = {"a": 100, "b": 900, "c": 920}
    found = rank({name: separate([count - 5, count, count + 5]) for name, count in spread.items()})
    assert [(one.group, round(one.behind, 6)) for one in found.values()] == [(1, 0), (2, 0.08), (2, 0.082)]


def test_one_seed_each_is_one_group_with_intervals_of_everything() -> None:
    ranked = rank({name: separate([count]) for name, count in (("a", 1000), ("b", 9000), ("c", 100))})
    assert [(name, one.group, one.valid_low, one.valid_high) for name, one in ranked.items()] == [
        ("c", 1, 0.0, 1.0),
        ("a", 1, 0.0, 1.0),
        ("b", 1, 0.0, 1.0),
    ]
    assert {one.seeds_to_tell for one in ranked.values()} == {None}


def test_few_images_tell_little() -> None:
    """The same seeds, and half as many errors again: of 100 images they tie, of 10,000 they do not."""
    rng = np.random.default_rng(0)
    for images, expected in ((100, 1), (10_000, 2)):
        easy, hard = (rng.random(images) < share for share in (0.10, 0.15))
        found = {"a": np.stack([easy, easy]), "b": np.stack([hard, hard])}
        assert max(groups(found).values()) == expected


def test_no_optimizer_no_rank() -> None:
    assert rank({}) == {}


def test_seeds_to_tell_would_tell() -> None:
    """Drawn anew with as many seeds, and the gap that was seen, nearly POWER of the studies tell; with half, fewer."""
    rng = np.random.default_rng(1)
    first = {"a": separate([200, 220, 180]), "b": separate([220, 242, 198])}
    needed = rank(first)["b"].seeds_to_tell
    assert needed is not None
    assert 3 < needed < MOST_SEEDS
    deviation = np.std([200, 220, 180], ddof=1)
    told = {}
    for seeds in (needed, needed // 2):
        studies = [
            {"a": rng.normal(200, deviation, seeds), "b": rng.normal(220, deviation, seeds)} for _ in range(DRAWS)
        ]
        told[seeds] = np.mean([max(groups(_counted(study)).values()) == 2 for study in studies])
    assert told[needed] == pytest.approx(POWER, abs=0.12)
    assert told[needed // 2] < told[needed] - 0.15


MEANS = (("a", 200), ("b", 220))


def _counted(study: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: separate(counts.clip(1, 400).round().astype(int).tolist(), 20_000) for name, counts in study.items()}


def test_no_number_of_seeds_tells_what_the_images_hide() -> None:
    """Two whose seeds agree wholly, and whose few errors fall on other images."""
    one = np.arange(1000) < 20
    found = rank({"a": np.stack([one, one, one]), "b": np.stack([np.roll(one, 100)] * 3)})
    assert [one.seeds_to_tell for one in found.values()] == [None, None]


@pytest.mark.long
@pytest.mark.parametrize("seeds", [2, 4, 8])
def test_the_best_of_the_recorded_optimizers_is_seldom_out(seeds: int) -> None:
    """Which is best is known from all twenty seeds; at most 5% of studies with few say that it is not."""
    best = min(OPTIMIZERS, key=lambda name: float(RUNS[name].mean()))
    rng = np.random.default_rng(2)
    out = sum(groups(drawn(rng, OPTIMIZERS, seeds))[best] > 1 for _ in range(DRAWS))
    print(f"{seeds} seeds: the best is out in {out / DRAWS:.1%}")
    assert out <= (1 - CONFIDENCE) * DRAWS


@pytest.mark.long
@pytest.mark.parametrize("seeds", [2, 4, 8])
@pytest.mark.parametrize("deviations", [(0.1,) * 5, (0.07, 0.17, 0.07, 0.16, 0.09)], ids=["alike", "recorded"])
def test_none_of_five_equal_ones_is_often_worse_than_another(seeds: int, deviations: tuple[float, ...]) -> None:
    """Whichever is called the best: with all equal, chance alone decides, and each is out in at most 5% of studies.

    Log odds are normal about those of an accuracy of 0.98, with deviations as drawn or as the recorded ones have them.
    """
    rng, images = np.random.default_rng(3), 20_000
    out = np.zeros(5)
    for _ in range(DRAWS):
        odds = logit(0.98) + rng.normal(0, 1, (5, seeds)) * np.array(deviations)[:, None]
        counts = np.rint((1 - expit(odds)) * images).astype(int)
        found = groups({str(place): separate(row.tolist(), images) for place, row in enumerate(counts)})
        out += [found[str(place)] > 1 for place in range(5)]
    print(f"{seeds} seeds: each is out in {out / DRAWS}")
    noise = 2 * np.sqrt(0.05 * 0.95 / DRAWS)
    assert max(out) / DRAWS <= 1 - CONFIDENCE + noise


def test_a_loss_of_one_point_is_found() -> None:
    """Momentum at a rate that costs a point, beside momentum and three optimizers that are no better than it."""
    rng, found = np.random.default_rng(4), {}
    lost = RUNS[WORSE].mean() - RUNS[LIKE].mean()
    assert 0.008 < lost < 0.012
    for seeds in (2, 4, 8):
        told = 0
        for _ in range(DRAWS // 6):
            study = drawn(rng, ["sgd", WORSE, LIKE], seeds)
            study |= {name: RUNS[WORSE][rng.permutation(SEEDS)[:seeds]] for name in ("other", "another")}
            told += groups(study)[WORSE] > groups(study)[LIKE]
        found[seeds] = told / (DRAWS // 6)
    print(f"a loss of {lost:.2%} is found with so many seeds: {found}")
    assert found[4] > 0.5
    assert found[8] > 0.95


@pytest.mark.long
@pytest.mark.parametrize("seeds", [2, 4, 8])
def test_intervals_cover_the_accuracy_of_all_seeds_and_images(seeds: int) -> None:
    """Of studies with few seeds and a fifth of the images each interval holds the mean of them all in 95%."""
    rng, covered, told = np.random.default_rng(5), 0, 0
    images = next(iter(RUNS.values())).shape[1]
    for _ in range(DRAWS // 3):
        some = rng.permutation(images)[: images // 5]
        for name, one in rank({name: runs[:, some] for name, runs in drawn(rng, OPTIMIZERS, seeds).items()}).items():
            covered += one.valid_low <= 1 - RUNS[name].mean() <= one.valid_high
            told += 1
    print(f"{seeds} seeds: {covered / told:.1%} of the intervals cover")
    assert covered / told >= CONFIDENCE - 0.02


def test_groups_do_not_depend_on_names() -> None:
    study = drawn(np.random.default_rng(6), OPTIMIZERS, 4)
    for one, other in combinations(OPTIMIZERS, 2):
        swapped = {name: study[{one: other, other: one}.get(name, name)] for name in OPTIMIZERS}
        there, back = groups(study), groups(swapped)
        assert (there[one], there[other]) == (back[other], back[one])
