"""The backward pass of a 5x5 convolution through the convolution theorem, in real matrix products."""

import numpy as np


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def real_form(z: np.ndarray) -> np.ndarray:
    """Complex matrix [a, b] as the real one [(a, part), (part, b)] that acts on real and imaginary parts."""
    parts = np.stack([np.hstack([z.real, -z.imag]), np.hstack([z.imag, z.real])], 1)
    return parts.reshape(2 * z.shape[0], 2 * z.shape[1]).astype(np.float32)


class Spectral:
    """Gradients of y[p] = sum of w[k] x[p + k - 2] over k, for maps of 14x14 pixels and 20 channels.

    With the 16x16 Fourier transform T and the spectrum H of w, y = T' H T x; hence dx = T' H' T dy and
    dH = (T dy) (T x)'. 16 points are enough, because what wraps around falls outside the 14. No row frequency
    pi/8 (u + 1/2) is its own conjugate, so u < 8 says everything. One u at a time stays in the cache.
    Spectra are [frequency, (part, channel), n], where the parts are the real and the imaginary one.
    """

    u, v = np.pi / 8 * (np.arange(8) + 0.5), np.pi / 8 * np.arange(16)
    pixels, k = np.arange(14), np.arange(-2, 3)
    rows = real_form(np.exp(-1j * np.outer(u, pixels)))[:, :14].copy()  # [(u, part), row]
    columns = real_form(np.exp(-1j * np.outer(v, pixels)))  # [(v, part), (part, column)]
    angle = np.add.outer(np.outer(u, k), np.outer(v, k)).swapaxes(1, 2).reshape(128, 25)
    taps = (np.hstack([np.cos(angle), np.sin(angle)]) / 128).astype(np.float32)  # [(u, v), (part, tap)]

    def __init__(self, n: int) -> None:
        self.half_x, self.half_dy = zeros(16, 14, 20 * n), zeros(16, 14, 20 * n)  # only the rows transformed
        self.x, self.dy, self.w = zeros(16, 40, n), zeros(16, 40, n), zeros(2, 25, 2, 20, 2, 20)
        self.h, self.dh, self.dh_parts = zeros(16, 40, 40), zeros(16, 2, 20, 2, 20), zeros(128, 2, 20, 20)

    def __call__(self, x: np.ndarray, w: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """x, dy [14, 14, 20, n], w [20, 20, 5, 5]: returns dw and overwrites dy with dx."""
        x, dy, (real, imag) = x.reshape(14, 14, -1), dy.reshape(14, 14, -1), self.w
        real[:, 0, :, 0] = real[:, 1, :, 1] = imag[:, 1, :, 0] = w.reshape(20, 20, 25).transpose(2, 0, 1)
        np.negative(imag[:, 1, :, 0], out=imag[:, 0, :, 1])
        np.matmul(self.rows, x.swapaxes(0, 1), out=self.half_x.swapaxes(0, 1))
        np.matmul(self.rows, dy.swapaxes(0, 1), out=self.half_dy.swapaxes(0, 1))
        frequencies = (
            np.split(self.taps, 8),
            np.split(self.dh_parts, 8),
            self.half_x.reshape(8, 28, -1),
            self.half_dy.reshape(8, 28, -1),
        )
        for taps, parts, half_x, half_dy in zip(*frequencies, strict=True):
            np.matmul(self.columns, half_x, out=self.x.reshape(32, -1))
            np.matmul(self.columns, half_dy, out=self.dy.reshape(32, -1))
            np.matmul(self.dy, self.x.swapaxes(1, 2), out=self.dh.reshape(16, 40, 40))
            np.add(self.dh[:, 0, :, 0], self.dh[:, 1, :, 1], out=parts[:, 0])
            np.subtract(self.dh[:, 1, :, 0], self.dh[:, 0, :, 1], out=parts[:, 1])
            np.matmul(taps, self.w.reshape(50, 1600), out=self.h.reshape(16, 1600))
            np.matmul(self.h.swapaxes(1, 2), self.dy, out=self.x)
            np.matmul(self.columns.T, self.x.reshape(32, -1), out=half_dy)
        np.matmul(self.rows.T, self.half_dy.swapaxes(0, 1), out=dy.swapaxes(0, 1))
        return (self.dh_parts.reshape(256, 400).T @ self.taps.reshape(256, 25)).reshape(20, 20, 5, 5)
