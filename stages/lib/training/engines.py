"""Which code computes the network: the fast one where it computes the same, plain Paddle elsewhere."""

import paddle
from paddle import nn

from stages.lib.training import conv, probe
from stages.lib.training.plain import AT_ONCE, Engine, Plain

_differences: dict[object, str] = {}  # between both engines, of each network that this process has probed


def engine_of(model: nn.Layer, batch_size: int = AT_ONCE) -> Engine:
    """The fast engine where it computes what the model's own forward does, else the plain one.

    Batches of any size work with both. The answer holds for all models of the same code and shapes.
    """
    return Plain(model) if difference(model) else conv.FastEngine(model, batch_size)


def difference(model: nn.Layer) -> str:
    """What the fast engine computes otherwise than the model, or nothing; of the model itself nothing changes."""
    parameters = model.parameters()
    if [tuple(p.shape) for p in parameters] != conv.SHAPES or {p.dtype for p in parameters} != {paddle.float32}:
        return "shapes of the parameters"
    if model.buffers():
        return "buffers"
    network = type(model), type(model).__init__, type(model).forward
    if network not in _differences:
        with probe.apart(model) as twin:
            _differences[network] = probe.difference(twin, conv.FastEngine(twin), Plain(twin))
    return _differences[network]
