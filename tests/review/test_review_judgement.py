from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from review.judgement import judge
from review.outcome import Row
from review.revision import Runs
from stages.lib.judging.difference import differences

IMAGES = 1000


def runs(
    wrong: Mapping[int, Sequence[int]], *, diverged: Sequence[int] = (), data: str = "d", images: int = IMAGES
) -> Runs:
    """Seeds that got these images wrong; the curves of those that diverged are the same for each seed."""
    masks = {seed: np.isin(np.arange(images), list(found)) for seed, found in wrong.items()}
    curves = {seed: [(place, 0.5) for place in found] for seed, found in wrong.items()}
    return Runs(masks, tuple(diverged), {**curves, **{seed: [(0, 9.0)] for seed in diverged}}, data)


def row(old: Runs | None, new: Runs | None, **other: tuple[Runs | None, Runs | None]) -> Row:
    sides = {"adam": (old, new), **other}
    befores = {name: pair[0] for name, pair in sides.items() if pair[0]}
    afters = {name: pair[1] for name, pair in sides.items() if pair[1]}
    return next(found for found in judge(befores, afters) if found.optimizer == "adam")


WRONG = {0: range(10), 1: range(5, 16), 2: range(3, 15)}
GOOD = runs(WRONG)
OTHERS = {3: range(8), 4: range(2, 18), 5: range(11)}
BAD = runs({3: range(100, 200), 4: range(95, 196), 5: range(103, 200)})
NOISY = runs(OTHERS)
SHARED = "unchanged: the same runs, where the seeds are"
STALE = Runs(problem="stages has changed since train ran")


def test_interval_decides() -> None:
    assert (row(GOOD, BAD).judgement, row(BAD, GOOD).judgement) == ("worse beyond noise", "better beyond noise")
    found = row(GOOD, NOISY)
    assert (found.judgement, found.note) == ("within noise", "")
    assert [found.old.accuracy, found.new.accuracy] == pytest.approx([0.989, 1 - 35 / 3000])
    assert (len(found.old.seeds), len(found.new.seeds)) == (3, 3)
    expected = differences({"adam": tuple(np.stack(list(side.wrong.values())) for side in (GOOD, NOISY))})  # type: ignore[dict-item]
    assert found.difference == expected["adam"]


def test_the_more_is_compared_the_more_it_takes() -> None:
    """Nine optimizers that stay as they are only tell how much seeds do; nine that are compared share the 5%."""
    unchanged = row(GOOD, BAD, **{f"o{i}": (GOOD, GOOD) for i in range(9)}).difference
    compared = row(GOOD, BAD, **{f"o{i}": (GOOD, BAD) for i in range(9)}).difference
    assert unchanged is not None
    assert compared is not None
    assert compared.high - compared.low > 1.2 * (unchanged.high - unchanged.low)


def test_same_runs_are_unchanged() -> None:
    found = row(GOOD, GOOD)
    assert (found.judgement, found.note, found.difference) == ("within noise", "unchanged: the same runs", None)
    assert row(GOOD, GOOD, sgd=(GOOD, BAD)).judgement == "within noise"


def test_more_seeds_of_the_same_are_no_change() -> None:
    """The two new seeds happen to be far worse; they say nothing about a change, as there was none."""
    more = runs({**WRONG, 7: range(300), 8: range(300)})
    found = row(GOOD, more)
    assert (found.judgement, found.note) == (
        "within noise",
        f"{SHARED} (0, 1, 2); the evidence changed: seed 7, 8 added",
    )
    assert found.new.accuracy is not None
    assert found.new.accuracy < 0.9
    assert row(more, GOOD).note == f"{SHARED} (0, 1, 2); the evidence changed: seed 7, 8 removed"


def test_seed_beside_the_same_runs_that_diverges_is_no_change() -> None:
    more = runs(WRONG, diverged=[7])
    for old, new, word in ((GOOD, more, "added"), (more, GOOD, "removed")):
        found = row(old, new)
        assert found.judgement == "within noise"
        assert found.note == f"{SHARED} (0, 1, 2); the evidence changed: seed 7 {word}, which diverged"
        assert found.difference is None


def test_same_runs_of_which_one_diverges_are_unchanged() -> None:
    both = runs(WRONG, diverged=[7])
    assert (row(both, both).judgement, row(both, both).note) == ("within noise", "unchanged: the same runs")


def test_seed_that_diverges_on_the_only_side_that_has_it_judges_nothing() -> None:
    """The shared seeds are other runs: they decide, and the rest of the new side, chosen by luck, does not."""
    more = runs({**OTHERS, 9: range(300)}, diverged=[7])
    old = runs({**{seed + 3: found for seed, found in WRONG.items()}, 2: range(500)})
    found = row(old, more)
    shared = [np.stack([side.wrong[seed] for seed in (3, 4, 5)]) for side in (old, more)]
    assert found.difference == differences({"adam": (shared[0], shared[1])})["adam"]
    assert found.judgement == "within noise"
    told = (
        "judged by the shared seeds alone; the evidence changed: seed 2 removed, seed 7, 9 added, of which 7 diverged"
    )
    assert (found.note, found.new.accuracy) == (told, None)
    worse = row(GOOD, runs({0: range(100, 200), 1: range(95, 196), 2: range(103, 200)}, diverged=[7]))
    assert worse.judgement == "worse beyond noise"


def test_one_seed_that_differs_is_a_change() -> None:
    assert row(GOOD, runs({0: range(10), 1: range(5, 16), 2: range(4, 16)})).note == ""


def test_runs_that_repeat_count_once() -> None:
    """The unchanged one has three runs, not six: two degrees of freedom beside the pair's own four."""
    found = row(GOOD, BAD, sgd=(GOOD, GOOD)).difference
    assert found is not None
    assert (
        found
        == differences(
            {"adam": (np.stack(list(GOOD.wrong.values())), np.stack(list(BAD.wrong.values())))},
            [np.stack(list(GOOD.wrong.values()))],
        )["adam"]
    )


@pytest.mark.parametrize(
    ("old", "new", "judgement", "note"),
    [
        (GOOD, STALE, "cannot tell", "new: stages has changed since train ran"),
        (STALE, GOOD, "cannot tell", "old: stages has changed since train ran"),
        (
            runs(WRONG, data="e"),
            BAD,
            "cannot tell",
            "the two sides have other images, or dvc.lock does not say which",
        ),
        (runs(WRONG, data=""), runs({9: [1]}, data=""), "cannot tell", "the two sides have other images, or"),
        (GOOD, runs({9: [1]}, images=500), "cannot tell", "not all seeds were validated on as many images"),
        (runs({0: [1]}), runs({1: [2, 3]}), "cannot tell", "one seed on each side of every optimizer"),
        (None, GOOD, "added", ""),
        (GOOD, None, "removed", ""),
        (None, STALE, "added", "stages has changed since train ran"),
        (GOOD, runs({0: [1]}, diverged=[2, 4]), "worse beyond noise", "a fact, no interval: seed 2 diverged, which"),
        (runs({}, diverged=[0, 1]), GOOD, "better beyond noise", "a fact, no interval: seed 0, 1 does not diverge"),
        (runs({1: [1]}, diverged=[0]), runs({}, diverged=[0, 1]), "worse beyond noise", "a fact, no interval: seed 1"),
        (
            runs({1: [1]}, diverged=[0]),
            runs({0: [1]}, diverged=[1]),
            "cannot tell",
            "diverged on both sides: old seed 0",
        ),
        (
            runs({1: [1]}, diverged=[0]),
            runs({1: [2]}, diverged=[0]),
            "cannot tell",
            "diverged on both sides: old seed 0",
        ),
        (
            GOOD,
            runs({3: [1]}, diverged=[4]),
            "cannot tell",
            "the two sides share no seed; the evidence changed: seed 0, 1, 2 removed, seed 3, 4 added, of which 4",
        ),
        (runs({}, diverged=[0]), runs({3: [1]}, diverged=[4]), "cannot tell", "the two sides share no seed; "),
        (STALE, runs({}, diverged=[4]), "cannot tell", "old: stages has changed since train ran"),
    ],
)
def test_what_no_interval_can_tell(old: Runs | None, new: Runs | None, judgement: str, note: str) -> None:
    found = row(old, new)
    assert found.judgement == judgement
    assert found.note.startswith(note)
    assert bool(found.note) == bool(note)


def test_numbers_are_shown_of_all_that_finished_and_of_nothing_else() -> None:
    found = row(STALE, runs({3: [1]}, diverged=[4]))
    assert (found.old.accuracy, found.new.accuracy, len(found.old.seeds), len(found.new.seeds)) == (None, None, 0, 2)
    found = row(runs({0: [1], 1: [1, 2, 3]}, data="e"), BAD)
    assert found.judgement == "cannot tell"
    assert found.old.accuracy == pytest.approx(0.998)


def test_one_seed_is_carried_by_the_others() -> None:
    one = runs({0: range(100)}), runs({9: range(200, 700)})
    found = row(*one, sgd=(GOOD, NOISY))
    assert found.judgement == "worse beyond noise"
    assert found.note == "one seed on a side: how much seeds do is taken from all the other runs"


def test_order_is_that_of_the_new_params_and_then_what_is_gone() -> None:
    rows = judge({"b": GOOD, "gone": GOOD, "also": GOOD}, {"z": GOOD, "b": GOOD, "a": GOOD})
    assert [found.optimizer for found in rows] == ["z", "b", "a", "gone", "also"]
