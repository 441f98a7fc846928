"""The tutorial's program in plain Paddle: its model, data generator and loop, the data already in memory."""

import itertools
import random
from collections.abc import Iterator

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle.nn import Conv2D, Linear, MaxPool2D

from benchmarks import protocol


class MNIST(paddle.nn.Layer):
    """The tutorial's network, with the weights that all variants start from."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = Conv2D(in_channels=1, out_channels=20, kernel_size=5, stride=1, padding=2)
        self.max_pool1 = MaxPool2D(kernel_size=2, stride=2)
        self.conv2 = Conv2D(in_channels=20, out_channels=20, kernel_size=5, stride=1, padding=2)
        self.max_pool2 = MaxPool2D(kernel_size=2, stride=2)
        self.fc = Linear(in_features=980, out_features=10)
        for parameter, start in zip(self.parameters(), protocol.initial_weights(), strict=True):
            parameter.set_value(start)

    def forward(self, inputs: paddle.Tensor) -> paddle.Tensor:
        """Logits [N, 10]."""
        x = self.max_pool1(F.relu(self.conv1(inputs)))
        x = self.max_pool2(F.relu(self.conv2(x)))
        return self.fc(paddle.reshape(x, [x.shape[0], -1]))


Batch = tuple[np.ndarray, np.ndarray]


def generate(imgs: list[list[float]], labels: list[int], shuffled: bool) -> Iterator[Batch]:
    """The tutorial's data generator, epoch after epoch; lists as json gives them, converted one by one."""
    index_list = list(range(len(imgs)))
    while True:
        if shuffled:
            random.shuffle(index_list)
        imgs_list, labels_list = [], []
        for i in index_list:
            imgs_list.append(np.reshape(imgs[i], [1, 28, 28]).astype("float32"))
            labels_list.append(np.reshape(labels[i], [1]).astype("int64"))
            if len(imgs_list) == protocol.BATCH:
                yield np.array(imgs_list), np.array(labels_list)
                imgs_list, labels_list = [], []


def main() -> None:
    """Race with the settings of the command line."""
    settings = protocol.settings()
    images, labels = (array.tolist() for array in protocol.dataset(settings))
    random.seed(0)  # the order of protocol.batches
    loader = generate(images, labels, settings.part == "train")
    model = MNIST()
    opt = paddle.optimizer.SGD(learning_rate=protocol.LR, parameters=model.parameters())

    def mean_loss(batch: Batch) -> paddle.Tensor:
        predicts = model(paddle.to_tensor(batch[0]))
        return paddle.mean(F.cross_entropy(predicts, paddle.to_tensor(batch[1])))

    def train(order: protocol.Indices) -> paddle.Tensor:
        for batch in itertools.islice(loader, len(order)):
            avg_loss = mean_loss(batch)
            avg_loss.backward()
            opt.step()
            opt.clear_grad()
        return avg_loss

    @paddle.no_grad()
    def evaluate() -> float:
        batches = itertools.islice(loader, len(images) // protocol.BATCH)
        return float(np.mean([float(mean_loss(batch)) for batch in batches]))

    protocol.race(settings, train, evaluate, len(images))


if __name__ == "__main__":
    main()
