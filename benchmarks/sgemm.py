"""The bound: the images a second that a core could train if all of it ran at the speed of a large sgemm."""

import numpy as np

from benchmarks import protocol

SIDE = 2048  # rows and columns of the float32 matrices
REPEATS = 10
FORWARD = [28 * 28 * 20 * 25, 14 * 14 * 20 * 500, 980 * 10]  # multiply-adds of an image: conv1, conv2, linear
# The backward pass multiplies as much for the weights, and again for the inputs but not for the images.
FLOP_PER_IMAGE = {"evaluate": 2 * sum(FORWARD), "train": 2 * (3 * sum(FORWARD) - FORWARD[0])}


def main() -> None:
    """Multiply REPEATS times, and count in images."""
    settings = protocol.settings()
    left, right = np.random.default_rng(0).random((2, SIDE, SIDE), dtype=np.float32)
    out = np.empty_like(left)

    def multiply() -> float:
        for _ in range(REPEATS):
            np.matmul(left, right, out=out)
        return float(out[0, 0])

    images = REPEATS * 2 * SIDE**3 // FLOP_PER_IMAGE[settings.part]
    protocol.time_work(multiply, multiply, images)


if __name__ == "__main__":
    main()
