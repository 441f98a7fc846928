"""The network of a file that the user names, and its weights."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import paddle
from paddle import nn

from stages.lib.files.errors import InputError


@cache  # one class for all runs of a process, which `engines` probes once
def network_class(source: bytes, file: str = "network.py") -> Any:
    """The class Network that running a file's source defines; `file` is its name in tracebacks."""
    names: dict[str, Any] = {"__name__": "network"}
    exec(compile(source, file, "exec"), names)  # not an import: on a cluster there is no such file
    return names.get("Network")


def initial_network(source: bytes, seed: int) -> nn.Layer:
    """The network of a source, with its initial weights, the same for the same seed; so is what Paddle draws next."""
    paddle.seed(seed)
    return network_class(source)()


def flat_weights(network: nn.Layer) -> np.ndarray:
    """A copy of all weights, those that batch normalization keeps too, float32 [p], in the order of `state_dict`."""
    return np.concatenate([value.numpy().ravel() for value in network.state_dict().values()])


def set_flat_weights(network: nn.Layer, weights: np.ndarray) -> None:
    """Give the network weights float32 [p] in the order of `flat_weights`. ValueError when they are not as many."""
    state = network.state_dict()
    ends = np.cumsum([value.size for value in state.values()])
    for value, part in zip(state.values(), np.split(weights, ends[:-1]), strict=True):
        value.set_value(part.reshape(value.shape))


def weights_of(network: nn.Layer) -> dict[str, np.ndarray]:
    """A copy of the weights, float32, under the names of `state_dict`."""
    return {name: value.numpy() for name, value in network.state_dict().items()}


def network_with(source: bytes, weights: Mapping[str, np.ndarray], name: str = "the weights") -> nn.Layer:
    """A network with weights by `weights_of`. InputError, beginning with `name`, when they are another network's."""
    network = initial_network(source, 0)
    if {key: value.shape for key, value in weights.items()} != {k: v.shape for k, v in weights_of(network).items()}:
        raise InputError(f"{name}: of another network than params.yaml names; run 'dvc repro' to train anew")
    network.set_state_dict(dict(weights))
    return network
