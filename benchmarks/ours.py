"""Ours: the pipeline's engine in the loop of the stage train."""

from pathlib import Path

import paddle

from benchmarks import protocol
from stages.lib.training.engines import engine_of
from stages.lib.training.network import initial_network
from stages.lib.training.scoring import cross_entropies


def main() -> None:
    """Race with the settings of the command line."""
    settings = protocol.settings()
    images, labels = protocol.dataset(settings)
    model = initial_network(Path("networks/tutorial.py").read_bytes(), 0)
    for parameter, start in zip(model.parameters(), protocol.initial_weights(), strict=True):
        parameter.set_value(start)
    engine = engine_of(model, protocol.BATCH)
    optimizer = paddle.optimizer.SGD(learning_rate=protocol.LR, parameters=model.parameters())

    def train(order: protocol.Indices) -> float:
        for batch in order:
            loss = engine.loss_and_gradients(images[batch], labels[batch])
            optimizer.step()
            optimizer.clear_grad()
        return loss

    def evaluate() -> float:
        return float(cross_entropies(engine.logits(images), labels).mean())

    protocol.race(settings, train, evaluate, len(images))


if __name__ == "__main__":
    main()
