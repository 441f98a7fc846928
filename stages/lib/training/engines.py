"""Which code computes the network: the fast one where it computes the same, plain Paddle elsewhere."""

import sys
import time

import numpy as np
import paddle
from paddle import nn

from stages.lib.training import conv, probe
from stages.lib.training.network import Network
from stages.lib.training.plain import AT_ONCE, Engine, Plain

_differences: dict[object, str] = {}  # between both engines, of each network that this process has probed


def engine_of(model: Network, batch_size: int = AT_ONCE) -> Engine:
    """The fast engine where it computes what the model's own forward does, else the plain one, said on stderr.

    Batches of any size work with both. The answer holds for all models of the same code and shapes.
    """
    if not all(parameter.place.is_cpu_place() for parameter in model.parameters()):
        return Plain(model)
    kind = type(model)
    shapes = tuple((tuple(parameter.shape), parameter.dtype) for parameter in model.parameters())
    network = kind, kind.__init__, kind.forward, shapes
    if network not in _differences:
        _differences[network] = _difference(model)
    return Plain(model) if _differences[network] else conv.FastEngine(model, batch_size)


def _difference(model: Network) -> str:
    """What the fast engine computes otherwise than the model, or nothing; of the model itself nothing changes."""
    with probe.apart(model) as twin:
        parameters = twin.parameters()
        fits = [tuple(p.shape) for p in parameters] == conv.SHAPES and {p.dtype for p in parameters} == {paddle.float32}
        found = probe.difference(twin, conv.FastEngine(twin), Plain(twin)) if fits else "shapes of the parameters"
        if found:
            own = nn.ParameterList([paddle.create_parameter(shape, "float32") for shape in conv.SHAPES])
            slower = _seconds(Plain(twin)) / _seconds(conv.FastEngine(own))
            text = f"network: the fast engine does not compute this forward (other {found})"
            print(f"{text}; plain Paddle does, about {slower:.1f} times slower\n", end="", file=sys.stderr, flush=True)
    return found


def _seconds(engine: Engine) -> float:
    """Of a training step, without the update; the least of three."""
    images, labels = np.ones((AT_ONCE, 784), np.float32), np.zeros(AT_ONCE, np.int64)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        engine.loss_and_gradients(images, labels)
        seconds.append(time.perf_counter() - start)
    return min(seconds)
