"""PyTorch: the tutorial's training and evaluation, as an expert writes them for the CPU.

Variants: "eager" has PyTorch's default layout, "channels_last" the faster one. Both pool before ReLU: the
same function with a quarter of ReLU's work; the bias stays in the convolution, where oneDNN fuses it.
Tried without gain: torch.compile (also max-autotune), pooling before the bias or by maximum, fused SGD,
updates by hand, flushing denormals.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks import protocol


class Network(nn.Module):
    """The tutorial's network for images [N, 1, 28, 28]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5, padding=2)
        self.conv2 = nn.Conv2d(20, 20, 5, padding=2)
        self.fc = nn.Linear(980, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, 10]."""
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        return self.fc(x.flatten(1))


def network(layout: torch.memory_format) -> Network:
    """The network with the weights that all variants start from."""
    model = Network()
    with torch.no_grad():
        for parameter, start in zip(model.parameters(), protocol.initial_weights(), strict=True):
            weight = torch.from_numpy(start)
            parameter.copy_(weight.T if weight.ndim == 2 else weight)
    return model.to(memory_format=layout)


def main() -> None:
    """Race with the settings of the command line."""
    settings = protocol.settings()
    torch.set_num_threads(settings.threads)
    torch.set_num_interop_threads(1)
    layout = torch.channels_last if settings.variant == "channels_last" else torch.contiguous_format
    images, labels = (torch.from_numpy(array) for array in protocol.dataset(settings))
    images = images.reshape(-1, 1, 28, 28).contiguous(memory_format=layout)
    model = network(layout)
    optimizer = torch.optim.SGD(model.parameters(), lr=protocol.LR)

    def train(order: protocol.Indices) -> Tensor:
        for batch in torch.from_numpy(order):
            loss = F.cross_entropy(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss.detach()

    @torch.inference_mode()
    def evaluate() -> Tensor:
        parts = zip(images.split(protocol.BATCH), labels.split(protocol.BATCH), strict=True)
        return torch.stack([F.cross_entropy(model(x), y) for x, y in parts]).mean()

    protocol.race(settings, train, evaluate, len(images))


if __name__ == "__main__":
    main()
