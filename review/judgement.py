"""Old against new, one row per optimizer: a judgement where the evidence carries one, and the reason where not."""

from collections.abc import Iterator, Mapping

import numpy as np

from review.outcome import BETTER, NOISE, UNKNOWN, WORSE, Row
from review.revision import Runs
from stages.lib.judging.difference import Difference, Pair, differences

Fact = tuple[str, str]  # a judgement, and a note


def judge(old: Mapping[str, Runs], new: Mapping[str, Runs]) -> list[Row]:
    """Rows in the order of the new params, then what was removed."""
    names = [*new, *(name for name in old if name not in new)]
    sides = {name: (old.get(name, Runs()), new.get(name, Runs())) for name in names}
    facts: dict[str, Fact | None] = {name: next(_facts(*pair), None) for name, pair in sides.items()}
    facts |= {name: ("added", new[name].problem) for name in names if name not in old}
    facts |= {name: ("removed", "") for name in names if name not in new}
    pairs = {name: _pair(*sides[name]) for name in names if not facts[name]}
    settled = [runs for name in names if facts[name] for runs in _settled(*sides[name])]
    found = differences(pairs, settled)
    notes = {name: facts[name] or _by_interval(found.get(name), *sides[name]) for name in names}
    return [Row(name, *notes[name], *sides[name], found.get(name)) for name in names]


def _facts(old: Runs, new: Runs) -> Iterator[Fact]:
    """What can be said without a statistic, or why nothing can; the first counts. None where the interval decides."""
    for side, runs in (("old", old), ("new", new)):
        if runs.problem:
            yield UNKNOWN, f"{side}: {runs.problem}"
    shared, evidence = old.seeds & new.seeds, _evidence(old, new)
    if shared and all(_same(old, new, seed) for seed in shared):
        where = f", where the seeds are ({_words(shared)}); {evidence}" if evidence else ""
        yield NOISE, f"unchanged: the same runs{where}"
    before, after = shared & {*old.diverged}, shared & {*new.diverged}
    if after > before:
        yield WORSE, f"a fact, no interval: seed {_words(after - before)} diverged, which did not before"
    if before > after:
        yield BETTER, f"a fact, no interval: seed {_words(before - after)} does not diverge, which did before"
    if before or after:
        yield UNKNOWN, f"diverged on both sides: old seed {_words(before)}, new seed {_words(after)}"
    if not shared and (old.diverged or new.diverged):
        yield UNKNOWN, f"the two sides share no seed; {evidence}"
    if not old.data or old.data != new.data:
        yield UNKNOWN, "the two sides have other images, or dvc.lock does not say which"
    if len({len(wrong) for runs in (old, new) for wrong in runs.wrong.values()}) > 1:
        yield UNKNOWN, "not all seeds were validated on as many images"


def _by_interval(found: Difference | None, old: Runs, new: Runs) -> Fact:
    if not found:
        return UNKNOWN, "one seed on each side of every optimizer: nothing tells how much seeds do; add to seeds"
    evidence = _evidence(old, new)
    notes = [f"judged by the shared seeds alone; {evidence}"] if evidence and (old.diverged or new.diverged) else []
    if min(map(len, _pair(old, new))) == 1:
        notes.append("one seed on a side: how much seeds do is taken from all the other runs")
    return (BETTER if found.low > 0 else WORSE if found.high < 0 else NOISE), "; ".join(notes)


def _pair(old: Runs, new: Runs) -> Pair:
    """The runs to compare: all, or where some diverged those of the seeds that both sides have.

    A seed that only one side has is evidence, not quality: what it would have done on the other side nobody knows, and
    the rest of its side would be what chance left over.
    """
    seeds = old.seeds & new.seeds if old.diverged or new.diverged else old.seeds | new.seeds
    return _matrix(old, seeds), _matrix(new, seeds)


def _settled(old: Runs, new: Runs) -> list[np.ndarray]:
    """The runs of one side that tell how much seeds do, of that with more of them, as the two may be the same runs."""
    known = [runs for runs in (old, new) if runs.wrong and not runs.diverged]
    return [_matrix(runs, runs.seeds) for runs in sorted(known, key=lambda runs: -len(runs.wrong))[:1]]


def _same(old: Runs, new: Runs, seed: int) -> bool:
    return old.curves[seed] == new.curves[seed] and np.array_equal(old.wrong.get(seed, ()), new.wrong.get(seed, ()))


def _matrix(runs: Runs, seeds: set[int]) -> np.ndarray:
    return np.stack([wrong for seed, wrong in sorted(runs.wrong.items()) if seed in seeds])


def _evidence(old: Runs, new: Runs) -> str:
    """How the seeds differ, where the same ones were not taken on both sides."""
    parts = []
    for said, one, other in (("removed", old, new), ("added", new, old)):
        only = one.seeds - other.seeds
        diverged = only & {*one.diverged}
        which = f", of which {_words(diverged)} diverged" if only > diverged else ", which diverged"
        parts += [f"seed {_words(only)} {said}{which if diverged else ''}"] if only else []
    return f"the evidence changed: {', '.join(parts)}" if parts else ""


def _words(seeds: set[int]) -> str:
    return ", ".join(map(str, sorted(seeds)))
