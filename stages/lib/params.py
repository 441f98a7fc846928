"""params.yaml as one frozen dataclass, checked when it is loaded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Any

from stages.lib import checks
from stages.lib.checks import RefusedError
from stages.lib.errors import InputError
from stages.lib.yaml_text import read_yaml

# of what fsspec speaks, those that fetch a file as it is; others unpack, cache or join files
URL = r"(file:///|(https?|ftp)://[^/:])(?!.*::)"
URL_SHOWN = "file:///, http://, https:// or ftp://"


@dataclass(frozen=True)
class Data:
    """Where the images come from: 'package', or an absolute path or URL with the SHA-256 of its bytes."""

    source: str
    sha256: str | None


@dataclass(frozen=True)
class Optimizer:
    """One optimizer: a class of paddle.optimizer, its learning rate, and its other arguments."""

    type: str
    lr: float
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Sweep:
    """The grid of learning rates, ascending, and the seeds that choose among them and do nothing else."""

    lrs: tuple[float, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Params:
    """All of params.yaml; `optimizers` is keyed by the user's names, each with its lr resolved."""

    data: Data
    lr: float
    epochs: int
    batch_size: int
    seeds: tuple[int, ...]
    optimizers: Mapping[str, Optimizer]
    sweep: Sweep


def load_params(path: Path) -> Params:
    """Read and check `path`. InputError names the file, the key, the value and what is allowed there.

    Whether an optimizer's type and arguments exist is not known here: see `optimizers.check`.
    """
    content = read_yaml(path)
    try:
        return _params(content)
    except RefusedError as refused:
        raise InputError(f"{path}: {refused}") from None


def _params(content: object) -> Params:
    top = checks.mapping(content, "", {"data", "lr", "epochs", "batch_size", "seeds", "optimizers", "sweep"})
    lr = checks.positive(top["lr"], "lr")
    seeds = checks.seeds(top["seeds"], "seeds")
    return Params(
        data=_data(checks.mapping(top["data"], "data", {"source", "sha256"})),
        lr=lr,
        epochs=checks.whole(top["epochs"], "epochs", 1),
        batch_size=checks.whole(top["batch_size"], "batch_size", 1),
        seeds=seeds,
        optimizers=_optimizers(top["optimizers"], lr),
        sweep=_sweep(checks.mapping(top["sweep"], "sweep", {"lrs", "seeds"}), seeds),
    )


def _data(value: dict[str, Any]) -> Data:
    source, sha256 = value["source"], value["sha256"]
    if source == "package":
        if sha256 is not None:
            raise RefusedError("data.sha256", sha256, "blank with data.source: package, whose checksums are known")
        return Data(source, None)
    if not isinstance(source, str) or not (PurePath(source).is_absolute() or re.match(URL, source)):
        raise RefusedError("data.source", source, f"package, an absolute path, or a URL with {URL_SHOWN}")
    if not isinstance(sha256, str) or not re.fullmatch("[0-9a-f]{64}", sha256):
        raise RefusedError("data.sha256", sha256, "the 64 hexadecimal digits that sha256sum prints for data.source")
    return Data(source, sha256)


def _sweep(value: dict[str, Any], seeds: tuple[int, ...]) -> Sweep:
    own = checks.seeds(value["seeds"], "sweep.seeds")
    if set(own) & set(seeds):
        raise RefusedError(
            "sweep.seeds", list(own), "none of `seeds`: runs that chose an lr must not also report on it"
        )
    return Sweep(checks.grid(value["lrs"], "sweep.lrs"), own)


def _optimizers(value: object, shared_lr: float) -> Mapping[str, Optimizer]:
    if not isinstance(value, dict) or not value:
        raise RefusedError("optimizers", value, "at least one entry 'name: {type: ..., lr: ...}'")
    for name in value:
        checks.optimizer_name(name, "optimizers")
    return MappingProxyType({name: _optimizer(entry, f"optimizers.{name}", shared_lr) for name, entry in value.items()})


def _optimizer(value: object, key: str, shared_lr: float) -> Optimizer:
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise RefusedError(key, value, "a mapping with 'type', a class of paddle.optimizer, and 'lr'")
    own_lr = value.get("lr")
    others = {name: given for name, given in value.items() if name not in {"type", "lr"}}
    for name in others:
        if not isinstance(name, str) or not re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,63}", name):
            raise RefusedError(key, name, "the names of the optimizer's arguments")
    return Optimizer(
        type=value["type"],
        lr=shared_lr if own_lr is None else checks.positive(own_lr, f"{key}.lr"),
        arguments=MappingProxyType({name: checks.argument(given, f"{key}.{name}") for name, given in others.items()}),
    )
