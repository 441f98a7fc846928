"""Old against new, one row per optimizer: a judgement where the evidence carries one, and the reason where not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from review.revision import Runs
from stages.lib.judging.difference import Difference, Pair, differences

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


def judge(old: Mapping[str, Runs], new: Mapping[str, Runs]) -> list[Row]:
    """Rows in the order of the new params, then what was removed."""
    sides = {name: (old.get(name), new.get(name)) for name in [*new, *(name for name in old if name not in new)]}
    facts = {name: _fact(*pair) for name, pair in sides.items()}
    pairs = {name: _pair(old[name], new[name]) for name, fact in facts.items() if fact is None}
    others = [group for name, pair in sides.items() if name not in pairs for group in _distinct(*pair)]
    found = differences(pairs, others)
    rows = []
    for name, fact in facts.items():
        one, other = old.get(name, Runs()), new.get(name, Runs())
        evidence = _evidence(one, other) if one.diverged or other.diverged else ""
        judgement, note = fact or _by_interval(found[name], pairs[name], evidence)
        seeds = len(one.seeds), len(other.seeds)
        rows.append(Row(name, judgement, note, one.accuracy, other.accuracy, *seeds, found.get(name)))
    return rows


def _fact(old: Runs | None, new: Runs | None) -> tuple[Judgement, str] | None:
    """What can be said without a statistic, or why nothing can; None where the interval is to decide."""
    if old is None or new is None:
        return ("removed", "") if new is None else ("added", new.problem)
    shared = old.seeds & new.seeds
    evidence = _evidence(old, new)
    if shared and all(_same(old, new, seed) for seed in shared):
        where = f", where the seeds are ({_words(shared)}); {evidence}" if evidence else ""
        return NOISE, f"unchanged: the same runs{where}"
    if shared & {*old.diverged, *new.diverged}:
        return _divergence(shared & {*old.diverged}, shared & {*new.diverged})
    images = {len(wrong) for runs in (old, new) for wrong in runs.wrong.values()}
    hindrances = {
        f"old: {old.problem}": old.problem,
        f"new: {new.problem}": new.problem,
        f"the two sides share no seed; {evidence}": not shared and (old.diverged or new.diverged),
        "the two sides have other images, or dvc.lock does not say which": not old.data or old.data != new.data,
        "not all seeds were validated on as many images": len(images) > 1,
    }
    return next(((UNKNOWN, told) for told, hinders in hindrances.items() if hinders), None)


def _pair(old: Runs, new: Runs) -> Pair:
    """The runs to compare: all, or where some diverged those of the seeds that both sides have.

    A seed that only one side has is evidence, not quality: what it would have done on the other side nobody knows, and
    the rest of its side would be what chance left over.
    """
    seeds = old.seeds & new.seeds if old.diverged or new.diverged else old.seeds | new.seeds
    return _matrix(old, seeds), _matrix(new, seeds)


def _divergence(old: set[int], new: set[int]) -> tuple[Judgement, str]:
    """Of seeds that both sides have."""
    if new > old:
        return WORSE, f"a fact, no interval: seed {_words(new - old)} diverged, which did not before"
    if old > new:
        return BETTER, f"a fact, no interval: seed {_words(old - new)} does not diverge, which did before"
    return UNKNOWN, f"diverged on both sides: old seed {_words(old)}, new seed {_words(new)}"


def _evidence(old: Runs, new: Runs) -> str:
    """How the seeds differ, where the same ones were not taken on both sides."""
    parts = []
    for said, one, other in (("removed", old, new), ("added", new, old)):
        only = one.seeds - other.seeds
        diverged = only & {*one.diverged}
        which = f", of which {_words(diverged)} diverged" if only > diverged else ", which diverged"
        parts += [f"seed {_words(only)} {said}{which if diverged else ''}"] if only else []
    return f"the evidence changed: {', '.join(parts)}" if parts else ""


def _by_interval(found: Difference, pair: Pair, evidence: str) -> tuple[Judgement, str]:
    if not found.dof:
        return UNKNOWN, "one seed on each side of every optimizer: nothing tells how much seeds do; add to seeds"
    notes = [f"judged by the shared seeds alone; {evidence}"] if evidence else []
    if min(len(group) for group in pair) == 1:
        notes.append("one seed on a side: how much seeds do is taken from all the other runs")
    return (BETTER if found.low > 0 else WORSE if found.high < 0 else NOISE), "; ".join(notes)


def _same(old: Runs, new: Runs, seed: int) -> bool:
    """Whether a seed's run is one and the same on both sides: all its losses, and which images were wrong."""
    return old.losses[seed] == new.losses[seed] and np.array_equal(old.wrong.get(seed, ()), new.wrong.get(seed, ()))


def _distinct(old: Runs | None, new: Runs | None) -> Iterator[np.ndarray]:
    """The runs of a settled row that tell how much seeds do; of an unchanged one the side with more, as they repeat."""
    known = [runs for runs in (old, new) if runs and runs.wrong and not runs.diverged]
    if len(known) == 2 and known[0].seeds & known[1].seeds:
        known = [max(known, key=lambda runs: len(runs.wrong))]
    yield from (_matrix(runs, runs.seeds) for runs in known)


def _matrix(runs: Runs, seeds: set[int]) -> np.ndarray:
    return np.stack([wrong for seed, wrong in sorted(runs.wrong.items()) if seed in seeds])


def _words(seeds: set[int]) -> str:
    return ", ".join(map(str, sorted(seeds)))
