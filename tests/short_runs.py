"""Settings of runs that take a second at most."""

from pathlib import Path

from stages.lib.config.settings import RunSettings

NETWORKS = Path(__file__).parent.parent / "networks"
TUTORIAL = (NETWORKS / "tutorial.py").read_bytes()


def settings(
    type_: str,
    lr: float,
    batch_size: int,
    epochs: float,
    *,
    seed: int = 3,
    network: bytes = TUTORIAL,
    **arguments: float,
) -> RunSettings:
    """Of an optimizer called 'mine'."""
    shared = {"optimizer": "mine", "type": type_, "arguments": arguments, "batch_size": batch_size, "network": network}
    return RunSettings.model_validate(shared | {"lr": lr, "epochs": epochs, "seed": seed})


def silent(_step: int, _steps: int, _loss: float) -> None:
    """A report that says nothing."""
