"""What one run's weights do on the eval split."""

from typing import Literal

import numpy as np
from pydantic import NonNegativeInt

from stages.lib.runs.run import Record

At = Literal["configured lr", "best lr"]  # where an optimizer is looked at: the runs of train, and those of tune


class Evaluation(Record):
    """`confusion[actual][predicted]` counts images."""

    optimizer: str
    at: At
    seed: NonNegativeInt
    confusion: tuple[tuple[NonNegativeInt, ...], ...]

    @property
    def images(self) -> int:
        """How many there are in the split."""
        return int(np.sum(self.confusion))

    @property
    def accuracy(self) -> float:
        """The share that was classified rightly."""
        return float(np.trace(np.array(self.confusion))) / self.images
