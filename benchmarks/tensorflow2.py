"""TensorFlow: the tutorial's training and evaluation, as an expert writes them for the CPU.

NHWC with oneDNN (TensorFlow's default on x86), pooling before bias and ReLU, CHUNK steps in one compiled
loop. Tried without gain: one step per call, unrolled steps, the first convolution as a matrix product,
pooling by maximum. Slower: XLA (jit_compile=True: twice the time, 20 times in a loop), oneDNN switched off
(3 times).
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

from benchmarks import protocol


def variables() -> list[tf.Variable]:
    """The weights that all variants start from, in TensorFlow's layouts."""
    conv1, bias1, conv2, bias2, linear, bias = protocol.initial_weights()
    linear = linear.reshape(20, 7, 7, 10).transpose(1, 2, 0, 3).reshape(980, 10)  # features of an NHWC image
    kernels = [kernel.transpose(2, 3, 1, 0) for kernel in (conv1, conv2)]
    return [tf.Variable(a) for a in (kernels[0], bias1, kernels[1], bias2, linear, bias)]


def losses(weights: list[tf.Variable], x: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Cross-entropy [N] of the tutorial's network for images [N, 28, 28, 1]."""
    for kernel, bias in (weights[0:2], weights[2:4]):
        x = tf.nn.max_pool2d(tf.nn.conv2d(x, kernel, 1, "SAME"), 2, 2, "VALID")
        x = tf.nn.relu(tf.nn.bias_add(x, bias))
    logits = tf.reshape(x, [-1, 980]) @ weights[4] + weights[5]
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def main() -> None:
    """Race with the settings of the command line."""
    settings = protocol.settings()
    tf.config.threading.set_intra_op_parallelism_threads(settings.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    arrays = protocol.dataset(settings)
    images, labels = tf.constant(arrays[0].reshape(-1, 28, 28, 1)), tf.constant(arrays[1])
    weights = variables()

    def step(batch: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(losses(weights, tf.gather(images, batch), tf.gather(labels, batch)))
        for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
            weight.assign_sub(protocol.LR * gradient)
        return loss

    @tf.function(autograph=False)
    def train(order: tf.Tensor) -> tf.Tensor:
        return tf.foldl(lambda _, batch: step(batch), order, initializer=0.0, parallel_iterations=1)

    @tf.function(autograph=False)
    def total(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(losses(weights, x, y))

    def evaluate() -> tf.Tensor:
        slices = [slice(k, k + protocol.BATCH) for k in range(0, len(images), protocol.BATCH)]
        return tf.add_n([total(images[k], labels[k]) for k in slices]) / len(images)

    protocol.race(settings, lambda order: train(tf.constant(order)), evaluate, len(images))


if __name__ == "__main__":
    main()
