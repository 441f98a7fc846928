"""Loss, gradients and logits of the tutorial's network, as matrix products that keep one CPU core busy.

All maps are float32 [row, column, channel, n], the n images of a block innermost. Four ideas make it fast:

1. Windows without copies. Five neighbouring pixels are 5*C consecutive lines of n numbers: a strided view
   shows all windows, and a 5x5 convolution is the sum of five products [20, 5*C] @ [5*C, n] per pixel. Layer
   1 has one channel: there five column shifts of the image are stored, and 25 taps are 25 consecutive lines.
2. Pooling first. max(x) + b = max(x + b) and ReLU is monotone: pool(relu(x + b)) = max(pool(x), -b) + b.
3. Layer 2 goes backward through the convolution theorem (see `spectral`): a third of the arithmetic. Not so
   forward, where rounding would break ties between pixels: equal windows must give equal sums, as in Paddle.
4. Every buffer is allocated once: the page faults of a new 200 kB array cost more than what fills it.
"""

import numpy as np
import paddle
from numpy.lib.stride_tricks import as_strided

from stages.lib.training.spectral import Spectral, zeros


class Pool:
    """Bias, ReLU and 2x2 max-pooling of strips, each [2 rows, 2 columns, *shape] -> shape."""

    def __init__(self, strips: int, *shape: int) -> None:
        self.winner = np.zeros((strips, 2, 2, *shape), bool)  # the pixels that get the gradient
        self.right, self.best = np.zeros((2, *shape), bool), zeros(2, *shape)
        self.high, self.low = np.zeros((2, *shape), bool)

    def __call__(self, strip: int, y: np.ndarray, minus_b: np.ndarray, out: np.ndarray) -> None:
        """As in Paddle the first of equal pixels wins, and none if the sum with the bias is not positive."""
        np.less(y[:, 0], y[:, 1], out=self.right)
        np.maximum(y[:, 0], y[:, 1], out=self.best)
        np.less(self.best[0], self.best[1], out=self.low)
        top = np.maximum(self.best[0], self.best[1], out=self.best[0])
        np.greater(top, minus_b, out=self.high)
        np.subtract(np.maximum(top, minus_b, out=top), minus_b, out=out)
        self.low &= self.high
        self.high ^= self.low
        for row, right, winner in zip((self.high, self.low), self.right, self.winner[strip], strict=True):
            np.greater(row, right, out=winner[0])
            np.logical_and(row, right, out=winner[1])


# of conv1.weight, conv1.bias, conv2.weight, conv2.bias, fc.weight, fc.bias
SHAPES = [(20, 1, 5, 5), (20,), (20, 20, 5, 5), (20,), (980, 10), (10,)]


class FastEngine:
    """Runs `model`, with parameters of SHAPES, on blocks of at most 128 images; zeros fill up the last block."""

    def __init__(self, model: paddle.nn.Layer, batch: int = 100) -> None:
        self.parameters = list(model.parameters())  # of SHAPES
        self.gradients = [zeros(*p.shape) for p in self.parameters]
        self.tensors = [paddle.from_dlpack(g) for g in self.gradients]  # share the memory
        n = self.n = -(-batch // -(-batch // 128))
        # shifted [row, shift, parity, column pair, n]: with even columns first, pooling reads long stretches
        self.image, self.shifted = zeros(28, 32, n), zeros(32, 5, 2, 14, n)
        row, column, item = self.image.strides
        self.shifts = as_strided(self.image, (28, 5, 2, 14, n), (row, column, column, 2 * column, item))
        strides = 560 * n, 56 * n, 28 * n, 112 * n, item
        self.windows1 = as_strided(self.shifted, (28, 2, 2, 25, 7 * n), strides)  # [row, parity, half, tap]
        self.y1, self.g1, self.minus_b1 = zeros(2, 2, 20, 14, n), zeros(20, 14, n), zeros(20, 14, n)
        self.products1 = self.y1.reshape(2, 2, 20, 2, 7 * n).swapaxes(2, 3)  # y1 in the order of windows1
        self.dw1, self.db1, self.ones = zeros(28, 2, 2, 20, 25), zeros(14, 4, 20), np.ones(14 * n, np.float32)
        self.x2, self.g2, self.minus_b2 = zeros(18, 18, 20, n), zeros(14, 14, 20, n), zeros(20, n)
        row, column, channel, item = self.x2.strides
        self.windows2 = as_strided(self.x2, (18, 2, 7, 100, n), (row, column, 2 * column, channel, item))
        self.y2, self.term, self.spectral = zeros(2, 2, 7, 20, n), zeros(2, 2, 7, 20, n), Spectral(n)
        self.pool1, self.pool2 = Pool(14, 20, 14, n), Pool(7, 7, 20, n)
        self.features, self.g3 = zeros(7, 7, 20, n), zeros(7, 7, 20, n)

    def forward(self, images: np.ndarray) -> np.ndarray:
        """images [m <= n, 784] -> logits [10, n], the first m columns count."""
        w1, b1, self.w2, b2, w3, b3 = (p.numpy() for p in self.parameters)
        self.minus_b1[:], self.minus_b2[:] = -b1[:, None, None], -b2[:, None]  # max with a scalar is slow
        kernel = np.ascontiguousarray(self.w2.transpose(2, 0, 3, 1)).reshape(5, 20, 100)
        self.w3 = w3.reshape(20, 49, 10).swapaxes(0, 1).reshape(980, 10)
        self.image[:, 2:30] = 0
        self.image[:, 2:30, : len(images)] = images.reshape(-1, 28, 28).transpose(1, 2, 0)
        self.shifted[2:30] = self.shifts
        for r in range(14):
            np.matmul(w1.reshape(20, 25), self.windows1[2 * r : 2 * r + 2], out=self.products1)
            self.pool1(r, self.y1, self.minus_b1, out=self.x2[2 + r, 2:16].swapaxes(0, 1))
        for r in range(7):
            np.matmul(kernel[0], self.windows2[2 * r : 2 * r + 2], out=self.y2)
            for i in range(1, 5):
                self.y2 += np.matmul(kernel[i], self.windows2[2 * r + i : 2 * r + i + 2], out=self.term)
            self.pool2(r, self.y2, self.minus_b2, out=self.features[r])
        return self.w3.T @ self.features.reshape(980, -1) + b3[:, None]

    def backward(self, dz: np.ndarray) -> tuple[np.ndarray, ...]:
        """Gradient of the logits, [10, n] -> gradients of the parameters."""
        dw3 = (self.features.reshape(980, -1) @ dz.T).reshape(49, 20, 10).swapaxes(0, 1).reshape(980, 10)
        np.matmul(self.w3, dz, out=self.g3.reshape(980, -1))
        for r, out in enumerate(self.g2.reshape(7, 2, 7, 2, 20, -1).swapaxes(2, 3)):
            np.multiply(self.g3[r], self.pool2.winner[r], out=out)
        db2 = self.g2.reshape(196, -1).sum(0).reshape(20, -1).sum(1)
        dw2 = self.spectral(self.x2[2:16, 2:16], self.w2, self.g2)
        for r in range(14):
            self.g1[:] = self.g2[r].swapaxes(0, 1)
            np.multiply(self.g1, self.pool1.winner[r], out=self.y1)
            pair = slice(2 * r, 2 * r + 2)
            np.matmul(self.products1, self.windows1[pair].swapaxes(3, 4), out=self.dw1[pair])
            np.matmul(self.y1.reshape(4, 20, -1), self.ones, out=self.db1[r])
        return self.dw1.sum((0, 1, 2)).reshape(20, 1, 5, 5), self.db1.sum((0, 1)), dw2, db2, dw3, dz.sum(1)

    @np.errstate(all="ignore")  # a diverged run shows as a loss of inf or nan
    def loss_and_gradients(self, images: np.ndarray, labels: np.ndarray) -> float:
        """images [N, 784] float32, labels [N] int64 -> mean cross-entropy; the gradients go to p.grad."""
        loss = 0.0
        for start in range(0, len(images), self.n):
            label = labels[start : start + self.n]
            z, column = self.forward(images[start : start + self.n]), np.arange(len(label))
            z = np.maximum(z - z.max(0), -64)  # as Paddle, whose loss ends at 64
            softmax = np.exp(z)
            loss += float(np.sum(np.log(softmax.sum(0)[column]) - z[label, column], dtype=np.float64))
            softmax /= softmax.sum(0)
            softmax[label, column] -= 1
            softmax[:, len(label) :] = 0
            parts = self.backward(softmax / np.float32(len(images)))
            for gradient, part in zip(self.gradients, parts, strict=True):
                np.add(gradient if start else 0, part, out=gradient)
        for p, tensor in zip(self.parameters, self.tensors, strict=True):
            p.grad = tensor  # Paddle copies it
        return loss / len(images)

    @np.errstate(all="ignore")
    def logits(self, images: np.ndarray) -> np.ndarray:
        """images [N, 784] float32 -> logits [N, 10] float32."""
        blocks = [images[start : start + self.n] for start in range(0, len(images), self.n)]
        return np.concatenate([self.forward(block)[:, : len(block)].T for block in blocks])
