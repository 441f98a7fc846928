"""What one run's weights do on the eval split."""

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, NonNegativeInt

At = Literal["configured lr", "best lr"]  # where an optimizer is looked at: the runs of train, and those of tune


class Evaluation(BaseModel):
    """`confusion[actual][predicted]` counts images."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

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
