"""Is a file a network that can train? Asked before any training."""

import traceback
from pathlib import Path

import numpy as np
import paddle
from paddle import nn

from stages.lib.dataset.splits import CLASSES
from stages.lib.files.errors import InputError
from stages.lib.training.engines import difference
from stages.lib.training.network import network_class
from stages.lib.workers.progress import tell

IMAGES = 2  # as few as an epoch's last batch may have: a network must not count on their number


def checked_network(path: Path, key: str) -> bytes:
    """The source of the network in a file, which is run: on some images, in evaluation mode and in training mode.

    InputError, in one line that begins with `key`, of what is wrong and the last line of the file that ran. What will
    train in plain Paddle is told on stderr.
    """
    try:
        source = path.read_bytes()
        wrong = _wrong(source, str(path))
    except Exception as error:  # noqa: BLE001 - a user's code may raise anything
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        reason = " ".join(str(error).split()).split(" [Hint: ")[0]  # Paddle's, which says the same in its own C++
        wrong = "".join(f"line {line}: " for line in lines[-1:]) + f"{type(error).__name__}: {reason[:300]}"
    if wrong:
        raise InputError(f"{key}: {str(path)!r:.200}: {wrong}")
    return source


def _wrong(source: bytes, file: str) -> str:
    """What breaks a rule, or nothing."""
    kind = network_class(source, file)
    if not (isinstance(kind, type) and issubclass(kind, nn.Layer)):
        return "has no class Network(paddle.nn.Layer)"
    model = kind()
    if not model.parameters():
        return "Network has no parameters"
    if others := {str(value.dtype) for value in model.state_dict().values()} - {"paddle.float32"}:
        return f"Network has weights of {', '.join(sorted(others))}; allowed: paddle.float32"
    images = paddle.to_tensor(np.random.default_rng(0).random((IMAGES, 1, 28, 28), np.float32))
    for outputs in (model.eval()(images), model.train()(images)):
        form = type(outputs).__name__
        if isinstance(outputs, paddle.Tensor):
            form = f"{outputs.dtype} {list(outputs.shape)}"
        if form != (allowed := f"paddle.float32 [{IMAGES}, {CLASSES}]"):
            return f"forward gives {form} of {IMAGES} images; allowed: {allowed}"
        if not paddle.isfinite(outputs).all():
            return "forward gives numbers that are not finite"
    if found := difference(model):
        tell(f"{file}: trains in plain Paddle, as the fast engine computes another network (other {found})")
    return ""
