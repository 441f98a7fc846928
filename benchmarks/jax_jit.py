"""JAX: the tutorial's training and evaluation, as an expert writes them for the CPU.

NHWC, pooling before bias and ReLU, pooling as the maximum of a reshaped array (a step takes a third of the
time it takes with reduce_window, whose gradient is slow on the CPU), one compiled step per call with
donated weights. Tried without gain: lax.scan over steps (XLA's convolutions are slow in a loop: 15 times
the time; unrolled: the same), pooling by maximum or where, NCHW, [H, W, C, N], convolutions as matrix
products, and XLA's flags for oneDNN, XNNPACK, fast math, vector width and fusion.
"""

import os

os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp

from benchmarks import protocol

Weights = list[jax.Array]
LAYOUTS = ("NHWC", "HWIO", "NHWC")


def initial_weights() -> Weights:
    """The weights that all variants start from, in the layouts of NHWC images."""
    conv1, bias1, conv2, bias2, linear, bias = protocol.initial_weights()
    linear = linear.reshape(20, 7, 7, 10).transpose(1, 2, 0, 3).reshape(980, 10)
    kernels = [kernel.transpose(2, 3, 1, 0) for kernel in (conv1, conv2)]
    return [jnp.asarray(a) for a in (kernels[0], bias1, kernels[1], bias2, linear, bias)]


def mean_loss(weights: Weights, x: jax.Array, labels: jax.Array) -> jax.Array:
    """Mean cross-entropy of the tutorial's network for images [N, 28, 28, 1]."""
    for kernel, bias in (weights[0:2], weights[2:4]):
        x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=LAYOUTS)
        n, height, width, channels = x.shape
        x = x.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))
        x = jax.nn.relu(x + bias)
    logits = x.reshape(-1, 980) @ weights[4] + weights[5]
    chosen = jnp.take_along_axis(logits, labels[:, None], 1)[:, 0]
    return (jax.nn.logsumexp(logits, 1) - chosen).mean()


def descend(weights: Weights, batch: jax.Array, x: jax.Array, labels: jax.Array) -> tuple[Weights, jax.Array]:
    """The weights after a step on the images with the indices `batch`, and the batch's loss before it."""
    loss, gradients = jax.value_and_grad(mean_loss)(weights, x[batch], labels[batch])
    return [w - protocol.LR * g for w, g in zip(weights, gradients, strict=True)], loss


def main() -> None:
    """Race with the settings of the command line; the threads are the cores that run.py gave the process."""
    settings = protocol.settings()
    arrays = protocol.dataset(settings)
    images, labels = jnp.asarray(arrays[0].reshape(-1, 28, 28, 1)), jnp.asarray(arrays[1].astype("int32"))
    weights = initial_weights()

    step = jax.jit(descend, donate_argnums=0)
    batch_loss = jax.jit(mean_loss)

    def train(order: protocol.Indices) -> jax.Array:
        nonlocal weights
        for batch in order.astype("int32"):
            weights, loss = step(weights, batch, images, labels)
        return loss

    def evaluate() -> jax.Array:
        slices = [slice(k, k + protocol.BATCH) for k in range(0, len(images), protocol.BATCH)]
        return jnp.stack([batch_loss(weights, images[k], labels[k]) for k in slices]).mean()

    protocol.race(settings, train, evaluate, len(images))


if __name__ == "__main__":
    main()
