"""Old against new, one row per optimizer: a judgement where the evidence carries one, and the reason where not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from stages.lib.review.difference import Difference, Pair, differences
from stages.lib.review.seen import Seen

Judgement = Literal["better beyond noise", "worse beyond noise", "within noise", "cannot tell", "added", "removed"]
BETTER: Judgement = "better beyond noise"
WORSE: Judgement = "worse beyond noise"
NOISE: Judgement = "within noise"
UNKNOWN: Judgement = "cannot tell"


@dataclass(frozen=True)
class Row:
    """One optimizer: mean validation accuracies (None if diverged or not to be trusted), and what to make of them."""

    optimizer: str
    judgement: Judgement
    note: str
    old: float | None
    new: float | None
    old_seeds: int
    new_seeds: int
    difference: Difference | None = None


def judge(old: Mapping[str, Seen], new: Mapping[str, Seen]) -> list[Row]:
    """Rows in the order of the new params, then what was removed."""
    settled = {name: _fact(old.get(name), new.get(name)) for name in [*new, *(name for name in old if name not in new)]}
    open_ones = [name for name, fact in settled.items() if fact is None]
    pairs = {name: (_matrix(old[name]), _matrix(new[name])) for name in open_ones}
    others = [group for name in settled if name not in pairs for group in _distinct(old.get(name), new.get(name))]
    found = differences(pairs, others)
    facts = {name: fact or _by_interval(found[name], pairs[name]) for name, fact in settled.items()}
    return [
        Row(
            name,
            *fact,
            _mean(old.get(name)),
            _mean(new.get(name)),
            _seeds(old, name),
            _seeds(new, name),
            found.get(name),
        )
        for name, fact in facts.items()
    ]


def _fact(old: Seen | None, new: Seen | None) -> tuple[Judgement, str] | None:
    """What can be said without a statistic, or why nothing can; None where the interval is to decide."""
    if old is None or new is None:
        return ("removed", "") if new is None else ("added", new.problem)
    untrusted = next((f"{side}: {seen.problem}" for side, seen in _sides(old, new) if not seen.trusted), "")
    if untrusted:
        return UNKNOWN, untrusted
    if old.diverged or new.diverged:
        return _divergence(old, new)
    shared = sorted(old.records.keys() & new.records.keys())
    if shared and all(_same(old, new, seed) for seed in shared):
        only = "" if old.records.keys() == new.records.keys() else f", where the seeds are ({_words(shared)})"
        return NOISE, f"unchanged: the same runs{only}"
    hindrance = _hindrance(old, new)
    return (UNKNOWN, hindrance) if hindrance else None


def _hindrance(old: Seen, new: Seen) -> str:
    """Why two sides that can be shown cannot be judged; '' if they can."""
    problem = next((f"{side}: {seen.problem}" for side, seen in _sides(old, new) if seen.problem), "")
    if problem:
        return problem
    if not old.data or old.data != new.data:
        return "the two sides have other images, or dvc.lock does not say which"
    if len({len(row) for seen in (old, new) for row in seen.wrong.values()}) > 1:
        return "not all seeds were validated on as many images"
    return ""


def _sides(old: Seen, new: Seen) -> tuple[tuple[str, Seen], tuple[str, Seen]]:
    return ("old", old), ("new", new)


def _divergence(old: Seen, new: Seen) -> tuple[Judgement, str]:
    if not old.diverged:
        return WORSE, f"a fact, no interval: seed {_words(new.diverged)} diverged, none did before"
    if not new.diverged:
        return BETTER, f"a fact, no interval: none diverges, seed {_words(old.diverged)} did before"
    return UNKNOWN, f"diverged on both sides: old seed {_words(old.diverged)}, new seed {_words(new.diverged)}"


def _by_interval(found: Difference, pair: Pair) -> tuple[Judgement, str]:
    if not found.dof:
        return UNKNOWN, "one seed on each side of every optimizer: nothing tells how much seeds do; add to seeds"
    alone = min(len(group) for group in pair) == 1
    note = "one seed on a side: how much seeds do is taken from all the other runs" if alone else ""
    return (BETTER if found.low > 0 else WORSE if found.high < 0 else NOISE), note


def _same(old: Seen, new: Seen, seed: int) -> bool:
    """Whether a seed's run is one and the same on both sides: all its validations, and its mistakes where kept."""
    kept = seed in old.wrong and seed in new.wrong
    return old.records[seed] == new.records[seed] and (not kept or np.array_equal(old.wrong[seed], new.wrong[seed]))


def _distinct(old: Seen | None, new: Seen | None) -> Iterator[np.ndarray]:
    """The runs of a settled row that tell how much seeds do; of an unchanged one the side with more, as they repeat."""
    known = [seen for seen in (old, new) if seen and seen.wrong and not seen.diverged]
    if len(known) == 2 and known[0].wrong.keys() & known[1].wrong.keys():
        known = [max(known, key=lambda seen: len(seen.wrong))]
    yield from (_matrix(seen) for seen in known)


def _matrix(seen: Seen) -> np.ndarray:
    return np.stack([seen.wrong[seed] for seed in sorted(seen.wrong)])


def _mean(seen: Seen | None) -> float | None:
    """The mean accuracy, over all seeds or none."""
    if seen is None or seen.diverged or not seen.accuracies:
        return None
    return float(np.mean(list(seen.accuracies.values())))


def _seeds(side: Mapping[str, Seen], name: str) -> int:
    return len(side[name].accuracies) + len(side[name].diverged) if name in side else 0


def _words(seeds: tuple[int, ...] | list[int]) -> str:
    return ", ".join(map(str, seeds))
