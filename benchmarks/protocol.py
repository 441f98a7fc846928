"""The rules of the race: what every variant is given, and how it is timed.

All variants start from the same weights and see the same batches, so their losses must agree to rounding.
A variant is a process: it prepares and warms up, prints "ready", waits for a line on its standard input
(so that several processes start together), runs against the clock and prints one line of JSON.
"""

import argparse
import faulthandler
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

BATCH = 100  # images in a batch
CHUNK = 20  # steps in one call of a variant's train; the first call is the warm-up and is not timed
LR = 0.01
LIMIT = 180  # seconds after which a process that hangs ends itself

Array = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Train = Callable[[Indices], Any]
Evaluate = Callable[[], Any]


@dataclass(frozen=True)
class Settings:
    """What run.py asks of a process; `steps` counts the timed ones, a multiple of CHUNK."""

    data: Path
    variant: str
    threads: int
    steps: int
    part: str


def settings() -> Settings:
    """Read the settings from the command line, and set the time limit."""
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="npz written by the stage prepare")
    parser.add_argument("--variant", default="")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=5 * CHUNK)
    parser.add_argument("--part", choices=["train", "evaluate"], default="train")
    return Settings(**vars(parser.parse_args()))


def dataset(settings: Settings) -> tuple[Array, Indices]:
    """Images [N, 784] float32 and labels [N] int64 of the training or, to evaluate, the validation split."""
    split = {"train": "train", "evaluate": "valid"}[settings.part]
    with np.load(settings.data) as arrays:
        return arrays[f"{split}_images"], arrays[f"{split}_labels"]


def initial_weights() -> list[Array]:
    """Weight and bias of both convolutions [out, in, 5, 5] and of the linear layer [980, 10]."""
    rng = np.random.default_rng(0)
    shapes: list[tuple[int, ...]] = [(20, 1, 5, 5), (20,), (20, 20, 5, 5), (20,), (980, 10), (10,)]
    bounds = np.array([25, 25, 500, 500, 980, 980], dtype=np.float32) ** -0.5  # inputs of an output
    return [rng.uniform(-1, 1, s).astype("f4") * bound for s, bound in zip(shapes, bounds, strict=True)]


def batches(images: int, steps: int) -> Indices:
    """Indices [steps, BATCH], shuffled anew in each epoch: the tutorial's order after random.seed(0)."""
    shuffle, order, epochs = random.Random(0).shuffle, list(range(images)), -(-steps * BATCH // images)
    chosen: list[int] = []
    for _ in range(epochs):
        shuffle(order)
        chosen += order
    return np.array(chosen[: steps * BATCH], dtype=np.int64).reshape(steps, BATCH)


def race(settings: Settings, train: Train, evaluate: Evaluate, images: int) -> None:
    """Time the part that the settings ask for; both functions return a loss, a number or an array of one.

    `train` runs the steps of the CHUNK batches it is given and returns the last one's loss;
    `evaluate` returns the mean loss of all `images`.
    """
    if settings.part == "evaluate":
        time_work(evaluate, evaluate, images)
        return
    first, *chunks = batches(images, CHUNK + settings.steps).reshape(-1, CHUNK, BATCH)
    time_work(lambda: train(first), lambda: [train(chunk) for chunk in chunks][-1], settings.steps * BATCH)


def time_work(warm_up: Callable[[], Any], work: Callable[[], Any], images: int) -> None:
    """Warm up, wait for the start, do the work and print its seconds, images and loss."""
    float(warm_up())
    print("ready", flush=True)
    sys.stdin.readline()
    start = time.perf_counter()
    loss = float(work())  # waits for frameworks that compute in the background
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "images": images, "loss": loss}), flush=True)
