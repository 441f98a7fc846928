"""What one training leaves. Without Paddle, whose import takes a second: processes that do not train read it too."""

from dataclasses import dataclass

import numpy as np

from stages.lib.runs.run import Run
from stages.lib.runs.snapshots import Snapshots


@dataclass(frozen=True)
class Trained:
    """`weights` float32, by name, are None if the run diverged.

    `snapshots` are its weights on the way, up to where its loss was finite; None of a run that was not to take any.
    """

    run: Run
    weights: dict[str, np.ndarray] | None
    snapshots: Snapshots | None
