"""The learning rate of each step of a run, by any class of paddle.optimizer.lr that needs neither a metric nor code."""

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from paddle.optimizer import lr as paddle_lr

from stages.lib.config.optimizers import PADDLE_REFUSES, check_arguments, class_of
from stages.lib.files.errors import InputError, shown

REFUSED = {"LRScheduler": "", "ReduceOnPlateau": "a metric", "LambdaDecay": "code", "MultiplicativeDecay": "code"}
KIND = (paddle_lr, paddle_lr.LRScheduler, REFUSED)
# The peak is 1, and a run's lr comes in as a factor: so one schedule serves a whole sweep of rates.
PEAK = {"learning_rate": 1.0, "max_learning_rate": 1.0}
LENGTHS = {"T_max": 1.0, "total_steps": 1.0, "decay_steps": 1.0}  # the whole run, unless told otherwise
WARMUP = {"start_lr": 0.0, "end_lr": 1.0}  # as LinearWarmup has no values of its own for them
STEPS = {*LENGTHS, "warmup_steps", "T_0", "step_size", "step_size_up", "step_size_down", "milestones", "boundaries"}


def factors(type_: str, arguments: Mapping[str, Any], steps: int, key: str = "params.yaml: schedule") -> np.ndarray:
    """What the lr is multiplied by at each of a run's steps, float64 [steps], from 0 to 1.

    Arguments that count steps may be a share of the run, such as 0.1; those that are rates are shares of the lr.
    InputError, beginning with `key`, if the class or an argument is not allowed.
    """
    kind = class_of(KIND, type_, key)
    known = inspect.signature(kind.__init__).parameters
    blank = {**LENGTHS, **WARMUP} if type_ == "LinearWarmup" else LENGTHS
    blank = {name: value for name, value in blank.items() if name in known}
    given = {**blank, **arguments}
    filled = given | {name: _counted(given[name], steps) for name in STEPS & given.keys()}
    check_arguments(kind, filled, key, "type")
    found = np.empty(steps)
    try:
        schedule = kind(**{name: value for name, value in PEAK.items() if name in known}, **filled)
        for step in range(steps):
            found[step] = schedule()
            if step + 1 < steps:
                schedule.step()
    except PADDLE_REFUSES as error:
        raise InputError(f"{key}: {shown(filled)} does not work with {type_}: {' '.join(str(error).split())}") from None
    if ((found < -1e-6) | (found > 1 + 1e-6)).any():  # but for rounding
        raise InputError(f"{key}: the rate goes from {found.min():g} to {found.max():g} times lr; allowed: 0 to 1")
    return found.clip(0, 1)


def _counted(value: Any, steps: int) -> Any:
    if isinstance(value, list):
        return [_counted(one, steps) for one in value]
    return max(1, round(value * steps)) if isinstance(value, float) and 0 < value <= 1 else value
