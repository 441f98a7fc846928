"""Train one run: from settings and data to its record and weights."""

import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, islice

import numpy as np
from paddle import nn

from stages.lib.config import optimizers, schedules
from stages.lib.config.settings import RunSettings
from stages.lib.dataset.splits import Split, load_split
from stages.lib.files.errors import InputError
from stages.lib.runs.run import Run, Validation, tail_steps, windows
from stages.lib.runs.snapshots import Snapshots, snapshot_steps
from stages.lib.training.cpu import cpu_kind
from stages.lib.training.engines import engine_of
from stages.lib.training.network import flat_weights, initial_network, weights_of
from stages.lib.training.plain import Engine
from stages.lib.training.scoring import cross_entropies
from stages.lib.training.trained import Trained

VALID_EVERY = 100  # steps
# Before the end, a fifth of the validation images scores: all of them would cost a quarter of the training itself.
VALID_PARTS = 5

Report = Callable[[int, int, float], None]


@dataclass
class _Curve:
    """A run on its way: `losses[i]` is the mean loss of batch i after i updates. All numbers are finite."""

    steps_per_epoch: int
    lrs: np.ndarray  # float64, of every step that it is to have
    losses: list[float] = field(default_factory=list)
    valid: list[Validation] = field(default_factory=list)
    tail: list[float] = field(default_factory=list)
    wrong: tuple[int, ...] = ()
    diverged: bool = False  # the next loss was not finite, and the run stopped


def train_run(settings: RunSettings, dataset: os.PathLike[str], report: Report, *, snapshots: bool = False) -> Trained:
    """Train from the seed's initial weights over the seed's batches; stop where a loss is not finite.

    `report(step, steps, loss)` is called after every step. InputError if a batch is larger than the train split.
    Taking snapshots changes nothing of the run.
    """
    train, valid = load_split(dataset, "train"), load_split(dataset, "valid")
    if settings.batch_size > len(train.labels):
        allowed = f"at most {len(train.labels)}, the images of the train split"
        raise InputError(f"params.yaml: batch_size: {settings.batch_size} is not allowed; allowed: {allowed}")
    model = initial_network(settings.network, settings.seed)
    taken = {0: flat_weights(model)}

    def take(step: int, steps: int, loss: float) -> None:
        if step in snapshot_steps(steps):
            taken[step] = flat_weights(model)
        report(step, steps, loss)

    curve = _train(model, settings, train, valid, take if snapshots else report)
    return Trained(
        _run(settings, curve),
        None if curve.diverged else weights_of(model),
        _snapshots(taken, curve) if snapshots else None,
    )


def _run(settings: RunSettings, curve: _Curve) -> Run:
    train_loss = tuple(windows(curve.losses))
    return Run(
        optimizer=settings.optimizer,
        lr=settings.lr,
        seed=settings.seed,
        steps=len(curve.lrs),
        steps_per_epoch=curve.steps_per_epoch,
        diverged=curve.diverged,
        cpu=cpu_kind(),
        train_loss=train_loss,
        lrs=tuple(curve.lrs[[window.step for window in train_loss]].tolist()) if settings.schedule else (),
        valid=tuple(curve.valid),
        tail=tuple(curve.tail),
        wrong=curve.wrong,
    )


def _snapshots(taken: Mapping[int, np.ndarray], curve: _Curve) -> Snapshots:
    """The weights that gave a finite loss: where a run diverged, its last update led to one that is not."""
    steps = [step for step in taken if not curve.diverged or step < len(curve.losses)]
    return Snapshots(np.array(steps, np.int64), np.array([taken[step] for step in steps]))


def _train(model: nn.Layer, settings: RunSettings, train: Split, valid: Split, report: Report) -> _Curve:
    optimizer = optimizers.build(settings.type, settings.lr, settings.arguments, model.parameters())
    engine = engine_of(model, settings.batch_size)
    steps_per_epoch = math.ceil(len(train.labels) / settings.batch_size)
    steps = max(1, round(steps_per_epoch * settings.epochs))
    schedule = settings.schedule
    lrs = settings.lr * (schedules.factors(schedule.type, schedule.arguments, steps) if schedule else np.ones(steps))
    curve = _Curve(steps_per_epoch, lrs)
    parts = [Split(valid.images[part::VALID_PARTS], valid.labels[part::VALID_PARTS]) for part in range(VALID_PARTS)]
    tail = {step: parts[place % VALID_PARTS] for place, step in enumerate(tail_steps(steps))}
    try:
        for step, batch in enumerate(islice(batches(len(train.labels), settings.batch_size, settings.seed), steps)):
            if step % VALID_EVERY == 0:
                curve.valid.append(_score(engine, parts[0], step)[0])
            if step in tail:
                curve.tail.append(_score(engine, tail[step], step)[0].loss)
            curve.losses.append(_finite(engine.loss_and_gradients(train.images[batch], train.labels[batch])))
            optimizer.set_lr(lrs[step])
            optimizer.step()
            optimizer.clear_grad()
            report(step + 1, steps, curve.losses[-1])
        score, curve.wrong = _score(engine, valid, steps)
        curve.valid.append(score)
    except FloatingPointError:
        curve.diverged = True
    return curve


def batches(images: int, batch_size: int, seed: int) -> Iterator[np.ndarray]:
    """Indices int64 of batch after batch, without end: each epoch in an order of its own, fixed by the seed.

    Every epoch has every image once; its ragged last batch is kept.
    """
    for epoch in count():
        order = np.random.default_rng([seed, epoch]).permutation(images)
        for start in range(0, images, batch_size):
            yield order[start : start + batch_size]


def _score(engine: Engine, split: Split, step: int) -> tuple[Validation, tuple[int, ...]]:
    """The score, and the places of the images that are wrong. FloatingPointError where the loss is not finite."""
    outputs = engine.logits(split.images)
    wrong = np.flatnonzero(outputs.argmax(axis=1) != split.labels)
    loss = _finite(float(cross_entropies(outputs, split.labels).mean()))
    return Validation(step, len(split.labels), loss, 1 - len(wrong) / len(split.labels)), tuple(wrong.tolist())


def _finite(loss: float) -> float:
    if not math.isfinite(loss):
        raise FloatingPointError
    return loss
