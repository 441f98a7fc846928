"""Train one run: from settings and data to a loss curve, validation scores and weights."""

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import count, islice

import numpy as np

from stages.lib import optimizers
from stages.lib.curves import Curve, Result, Score
from stages.lib.dataset import Split, load_split
from stages.lib.engines import Engine, fastest
from stages.lib.errors import InputError
from stages.lib.model import Model, flat_weights, initial_model, saved
from stages.lib.scoring import cross_entropies
from stages.lib.settings import Run
from stages.lib.snapshots import Snapshots, schedule

VALID_EVERY = 100  # steps
# Before the end, every fifth validation image scores: all of them would cost a quarter of the training itself.
VALID_STRIDE = 5


def train_run(
    run: Run, dataset: os.PathLike[str], report: Callable[[int, int, float], None], *, snapshots: bool = False
) -> Result:
    """Train from the seed's initial weights over the seed's batches; stop where a loss is not finite.

    `report(step, steps, loss)` is called after every step. InputError if a batch is larger than the train split.
    The result holds snapshots if asked for; taking them changes nothing of the run.
    """
    train, valid = load_split(dataset, "train"), load_split(dataset, "valid")
    if run.batch_size > len(train.labels):
        allowed = f"at most {len(train.labels)}, the images of the train split"
        raise InputError(f"params.yaml: batch_size: {run.batch_size} is not allowed; allowed: {allowed}")
    started = time.perf_counter()
    model = initial_model(run.seed)
    taken = {0: flat_weights(model)}

    def take(step: int, steps: int, loss: float) -> None:
        if step in schedule(steps):
            taken[step] = flat_weights(model)
        report(step, steps, loss)

    curve = _train(model, run, train, valid, take if snapshots else report)
    weights = None if curve.diverged else saved(model)
    return Result(curve, weights, time.perf_counter() - started, _finite(taken, curve) if snapshots else None)


def _finite(taken: Mapping[int, np.ndarray], curve: Curve) -> Snapshots:
    """The weights that gave a finite loss: where a run diverged, its last update led to one that is not."""
    steps = [step for step in taken if not curve.diverged or step < len(curve.train_loss)]
    return Snapshots(np.array(steps, np.int64), np.array([taken[step] for step in steps]))


def _train(model: Model, run: Run, train: Split, valid: Split, report: Callable[[int, int, float], None]) -> Curve:
    optimizer = optimizers.build(run.type, run.lr, run.arguments, model.parameters())
    engine = fastest(model, run.batch_size)
    steps_per_epoch = math.ceil(len(train.labels) / run.batch_size)
    steps = max(1, round(steps_per_epoch * run.epochs))
    curve = Curve(steps_per_epoch, steps)
    for step, batch in enumerate(islice(batches(len(train.labels), run.batch_size, run.seed), steps)):
        if step % VALID_EVERY == 0 and not _score(engine, valid, step, VALID_STRIDE, curve):
            return curve
        loss = engine.loss_and_gradients(train.images[batch], train.labels[batch])
        if not math.isfinite(loss):
            curve.diverged = True
            return curve
        curve.train_loss.append(loss)
        optimizer.step()
        optimizer.clear_grad()
        report(step + 1, steps, loss)
    _score(engine, valid, steps, 1, curve)
    return curve


def batches(images: int, batch_size: int, seed: int) -> Iterator[np.ndarray]:
    """Indices int64 of batch after batch, without end: each epoch in an order of its own, fixed by the seed.

    Every epoch has every image once; its ragged last batch is kept.
    """
    for epoch in count():
        order = np.random.default_rng([seed, epoch]).permutation(images)
        for start in range(0, images, batch_size):
            yield order[start : start + batch_size]


def _score(engine: Engine, valid: Split, step: int, stride: int, curve: Curve) -> bool:
    """Add the score on every `stride`-th validation image to the curve; False, and diverged, if it is not finite."""
    labels = valid.labels[::stride]
    outputs = engine.logits(valid.images[::stride])
    losses = cross_entropies(outputs, labels)
    if not np.isfinite(losses).all():
        curve.diverged = True
        return False
    predicted = outputs.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    curve.valid.append(Score(step, len(labels), float(losses.mean()), 1 - len(wrong) / len(labels)))
    curve.mistakes = [(int(place) * stride, int(labels[place]), int(predicted[place])) for place in wrong]
    return True
