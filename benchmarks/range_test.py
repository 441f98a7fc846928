"""Does the LR range test's suggestion lie in the range that the sweep found reasonable? One short run an optimizer."""

import os
from functools import partial
from pathlib import Path

import numpy as np

from stages.lib import range_test
from stages.lib.command import command
from stages.lib.files import replacing
from stages.lib.pool import cores, workers
from stages.lib.records import read_json
from stages.lib.settings import Run, SweepSettings, load_names, load_settings

SEED = 200
STEPS = 300  # from the grid's smallest rate to its largest
HEAD = ["| optimizer | suggestion | reasonable from | to | best of the sweep | inside |", "|---|---|---|---|---|---|"]


def compare(dataset: Path, config: Path, judged: Path, *, report: Path) -> None:
    """Write a Markdown table of suggestions beside the sweep's ranges."""
    names = load_names(config / "optimizers.json")
    plans = [load_settings(config / name / "sweep.json", SweepSettings) for name in names]
    runs = [(plan.run(plan.lrs[0], SEED), np.geomspace(plan.lrs[0], plan.lrs[-1], STEPS)) for plan in plans]
    with workers(cores(), dataset) as pool:
        losses = pool.run_all(partial(_growing, pool.dataset), runs)
    lines = []
    for name, (_, lrs), curve in zip(names, runs, losses, strict=True):
        suggestion = range_test.suggestion(lrs, np.array(curve))
        lines.append(_line(name, suggestion, read_json(judged / f"{name}.json")))
    text = (
        f"# The LR range test beside the sweep\n\nOne run of {STEPS} steps an optimizer, its rate growing over all the "
        "grid; the suggestion is where the smoothed loss falls fastest against the logarithm of the rate.\n\n"
    )
    with replacing(report) as temporary:
        temporary.write_text(text + "\n".join(HEAD + lines) + "\n", encoding="utf-8")


def _line(name: str, suggestion: float | None, record: dict[str, str | int | float | bool | None]) -> str:
    low, high, best = (record[key] for key in ("reasonable_from", "reasonable_to", "best_lr"))
    if not (isinstance(low, float) and isinstance(high, float) and isinstance(best, float)):
        return f"| {name} | {suggestion or 'none'} | unknown | unknown | unknown | unknown |"
    inside = "yes" if suggestion and low <= suggestion <= high else "no"
    shown = f"{suggestion:.2g}" if suggestion else "none"
    return f"| {name} | {shown} | {low:g} | {high:g} | {best:g} | {inside} |"


def _growing(dataset: os.PathLike[str], item: tuple[Run, np.ndarray]) -> list[float]:
    """The loss of each batch before its step, the rate being another at every step; ends where it is not finite."""
    from stages.lib import optimizers, training  # imports paddle: a second that only the workers need to spend
    from stages.lib.dataset import load_split
    from stages.lib.engines import fastest
    from stages.lib.model import initial_model

    run, lrs = item
    train, model = load_split(dataset, "train"), initial_model(run.seed)
    engine = fastest(model, run.batch_size)
    optimizer = optimizers.build(run.type, run.lr, run.arguments, model.parameters())
    losses = []
    for lr, batch in zip(lrs, training.batches(len(train.labels), run.batch_size, run.seed), strict=False):
        losses.append(engine.loss_and_gradients(train.images[batch], train.labels[batch]))
        if not np.isfinite(losses[-1]):
            break
        optimizer.set_lr(float(lr))
        optimizer.step()
        optimizer.clear_grad()
    return losses


if __name__ == "__main__":
    command(compare)
