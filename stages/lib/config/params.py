"""params.yaml as one frozen pydantic model, checked when it is loaded."""

import re
from pathlib import Path, PurePath
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, Field, ValidationError, ValidationInfo, field_validator

from stages.lib.config.values import Count, Name, OfPaddle, Rate, Rates, Section, Seeds, Share, refuse, told
from stages.lib.files.errors import InputError, refusal

URL = r"(file:///|(https?|ftp)://[^/:])"
SOURCE = "package, an absolute path, or a URL with file:///, http://, https:// or ftp://"
SHA256 = "the 64 hexadecimal digits that sha256sum prints for data.source"
Model = TypeVar("Model", bound=BaseModel)


def _is_source(value: str) -> str:
    if value != "package" and not PurePath(value).is_absolute() and not re.match(URL, value):
        raise ValueError(SOURCE)
    return value


class Data(Section):
    """Where the images come from: 'package', or an absolute path or URL with the SHA-256 of its bytes."""

    source: Annotated[str, AfterValidator(_is_source), told(SOURCE)]
    sha256: Annotated[Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None, told(SHA256)]

    @field_validator("sha256")
    @classmethod
    def _belongs_to_the_source(cls, value: str | None, info: ValidationInfo) -> str | None:
        package = info.data.get("source") == "package"
        if package and value is not None:
            raise ValueError("blank with data.source: package, whose checksums are known")
        if not package and value is None:
            raise ValueError(SHA256)
        return value


class Optimizer(OfPaddle):
    """One optimizer: a class of paddle.optimizer, its lr and schedule unless shared, and its other arguments."""

    lr: Rate | None = None
    schedule: OfPaddle | None = None


class Sweep(Section):
    """The grid of learning rates, ascending, and the seeds that choose among them and do nothing else."""

    lrs: Rates
    seeds: Seeds


class Params(Section):
    """All of params.yaml; `optimizers` is keyed by the user's names."""

    data: Data
    network: Annotated[str, told("the path of a Python file")]
    lr: Rate
    schedule: OfPaddle | None = None
    epochs: Count
    batch_size: Count
    seeds: Seeds
    target_accuracy: Share
    optimizers: Annotated[dict[Name, Optimizer], Field(min_length=1)]
    sweep: Sweep

    @field_validator("sweep")
    @classmethod
    def _seeds_do_nothing_else(cls, value: Sweep, info: ValidationInfo) -> Sweep:
        if set(value.seeds) & set(info.data.get("seeds", ())):
            allowed = "none of `seeds`: runs that chose an lr must not also report on it"
            refuse("used_twice", "seeds", list(value.seeds), allowed)
        return value


def load_params(path: Path) -> Params:
    """Read and check `path`. InputError names the file, the key, the value and what is allowed there."""
    return of_yaml(path.read_bytes(), Params, str(path))[1]


def of_yaml(text: bytes, model: type[Model], file: str) -> tuple[Any, Model]:
    """The content of a file of YAML, and what `model` makes of it. InputError, beginning with `file`, if it refuses."""
    try:
        content = yaml.safe_load(text)
        return content, model.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{file}: {refusal(error)}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: of a date such as 2026-99-99
        raise InputError(f"{file}: is not YAML: {' '.join(str(error).split())}") from None
