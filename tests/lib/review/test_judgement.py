from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from stages.lib.review.difference import differences
from stages.lib.review.judgement import Row, judge
from stages.lib.review.seen import Seen

IMAGES = 1000


def seen(
    wrong: Mapping[int, Sequence[int]],
    *,
    diverged: Sequence[int] = (),
    data: str = "d",
    problem: str = "",
    images: int = IMAGES,
) -> Seen:
    """Seeds that got these images wrong; without mistakes where there is a problem."""
    masks = {seed: np.isin(np.arange(images), list(found)) for seed, found in wrong.items()}
    accuracies = {seed: float(1 - mask.mean()) for seed, mask in masks.items()}
    records = {seed: ((str(sorted(found)),),) for seed, found in wrong.items()}
    return Seen(accuracies, {} if problem else masks, records, tuple(diverged), data, problem)


def row(old: Seen | None, new: Seen | None, **other: tuple[Seen | None, Seen | None]) -> Row:
    sides = {"adam": (old, new), **other}
    befores = {name: pair[0] for name, pair in sides.items() if pair[0]}
    afters = {name: pair[1] for name, pair in sides.items() if pair[1]}
    return next(found for found in judge(befores, afters) if found.optimizer == "adam")


RUNS = {0: range(10), 1: range(5, 16), 2: range(3, 15)}
GOOD = seen(RUNS)
BAD = seen({3: range(100, 200), 4: range(95, 196), 5: range(103, 200)})
NOISY = seen({3: range(8), 4: range(2, 18), 5: range(11)})
CONTRADICTS = Seen(problem="files contradict each other")


def test_interval_decides() -> None:
    assert (row(GOOD, BAD).judgement, row(BAD, GOOD).judgement) == ("worse beyond noise", "better beyond noise")
    found = row(GOOD, NOISY)
    assert (found.judgement, found.note) == ("within noise", "")
    assert [found.old, found.new] == pytest.approx([0.989, 1 - 35 / 3000])
    assert (found.old_seeds, found.new_seeds) == (3, 3)
    expected = differences({"adam": tuple(np.stack(list(side.wrong.values())) for side in (GOOD, NOISY))})  # type: ignore[dict-item]
    assert found.difference == expected["adam"]


def test_the_more_is_compared_the_more_it_takes() -> None:
    """Nine optimizers that stay as they are only tell how much seeds do; nine that are compared share the 5%."""
    unchanged = row(GOOD, BAD, **{f"o{i}": (GOOD, GOOD) for i in range(9)}).difference
    compared = row(GOOD, BAD, **{f"o{i}": (GOOD, BAD) for i in range(9)}).difference
    assert unchanged is not None
    assert compared is not None
    assert compared.dof > unchanged.dof
    assert compared.high - compared.low > 1.2 * (unchanged.high - unchanged.low)


def test_same_runs_are_unchanged() -> None:
    found = row(GOOD, GOOD)
    assert (found.judgement, found.note, found.difference) == ("within noise", "unchanged: the same runs", None)
    assert row(GOOD, GOOD, sgd=(GOOD, BAD)).judgement == "within noise"


def test_more_seeds_of_the_same_are_no_change() -> None:
    """The two new seeds happen to be far worse; they say nothing about a change, as there was none."""
    more = seen({**RUNS, 7: range(300), 8: range(300)})
    found = row(GOOD, more)
    assert (found.judgement, found.note) == ("within noise", "unchanged: the same runs, where the seeds are (0, 1, 2)")
    assert found.new is not None
    assert found.new < 0.9


def test_one_seed_that_differs_is_a_change() -> None:
    assert row(GOOD, seen({0: range(10), 1: range(5, 16), 2: range(4, 16)})).note == ""


def test_same_runs_are_known_without_their_mistakes() -> None:
    old = Seen(GOOD.accuracies, {}, GOOD.records, (), "d", "plots/mistakes/adam.csv is missing")
    assert row(old, GOOD).note == "unchanged: the same runs"


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
        (GOOD, CONTRADICTS, "cannot tell", "new: files contradict each other"),
        (CONTRADICTS, GOOD, "cannot tell", "old: files contradict each other"),
        (
            seen(RUNS, data="e"),
            BAD,
            "cannot tell",
            "the two sides have other images, or dvc.lock does not say which",
        ),
        (seen(RUNS, data=""), seen({9: [1]}, data=""), "cannot tell", "the two sides have other images, or"),
        (GOOD, seen({9: [1]}, images=500), "cannot tell", "not all seeds were validated on as many images"),
        (GOOD, seen({9: [1]}, problem="no mistakes"), "cannot tell", "new: no mistakes"),
        (seen({0: [1]}), seen({1: [2, 3]}), "cannot tell", "one seed on each side of every optimizer"),
        (None, GOOD, "added", ""),
        (GOOD, None, "removed", ""),
        (None, CONTRADICTS, "added", "files contradict each other"),
        (GOOD, seen({3: [1]}, diverged=[4]), "worse beyond noise", "a fact, no interval: seed 4 diverged, none did"),
        (seen({}, diverged=[0, 1]), GOOD, "better beyond noise", "a fact, no interval: none diverges, seed 0, 1 did"),
        (
            seen({}, diverged=[0]),
            seen({3: [1]}, diverged=[4]),
            "cannot tell",
            "diverged on both sides: old seed 0, new",
        ),
        (CONTRADICTS, seen({}, diverged=[4]), "cannot tell", "old: files contradict each other"),
    ],
)
def test_what_no_interval_can_tell(old: Seen | None, new: Seen | None, judgement: str, note: str) -> None:
    found = row(old, new)
    assert found.judgement == judgement
    assert found.note.startswith(note)
    assert bool(found.note) == bool(note)


def test_numbers_are_shown_of_all_that_finished_and_of_nothing_else() -> None:
    found = row(CONTRADICTS, seen({3: [1]}, diverged=[4]))
    assert (found.old, found.new, found.old_seeds, found.new_seeds) == (None, None, 0, 2)
    found = row(seen({0: [1], 1: [1, 2, 3]}, problem="no mistakes"), BAD)
    assert found.old == pytest.approx(0.998)


def test_one_seed_is_carried_by_the_others() -> None:
    one = seen({0: range(100)}), seen({9: range(200, 700)})
    found = row(*one, sgd=(GOOD, NOISY))
    assert found.judgement == "worse beyond noise"
    assert found.note == "one seed on a side: how much seeds do is taken from all the other runs"


def test_order_is_that_of_the_new_params_and_then_what_is_gone() -> None:
    rows = judge({"b": GOOD, "gone": GOOD, "also": GOOD}, {"z": GOOD, "b": GOOD, "a": GOOD})
    assert [found.optimizer for found in rows] == ["z", "b", "a", "gone", "also"]
