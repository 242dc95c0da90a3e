"""Convolution and pooling in plain loops over pixels. A series is an image of height 1."""

import numpy as np


def pair(value, default=None):
    """(vertical, horizontal); a number of a series is horizontal"""
    value = default if value is None else value
    return tuple(value) if np.iterable(value) else (1, value)


class Windows:
    """A window over images: output (i, j) sees the pixels (i s - p + k d, j s - q + l d) that exist, k, l its taps"""

    def __init__(self, size, strides=None, padding="valid", dilation=None):
        self.size = pair(size)
        self.strides, self.dilation = pair(strides, (1, 1)), pair(dilation, (1, 1))
        self.padding = padding

    def sides(self, axis, extent):
        """Zeros before and after"""
        span = (self.size[axis] - 1) * self.dilation[axis] + 1
        if self.padding == "valid":
            return 0, 0
        if self.padding == "same":  # ceil(extent / stride) outputs, the odd zero after
            outputs = -(-extent // self.strides[axis])
            zeros = max((outputs - 1) * self.strides[axis] + span - extent, 0)
            return zeros // 2, zeros - zeros // 2
        padding = (0, 0, *self.padding) if len(self.padding) == 2 else self.padding
        return padding[2 * axis], padding[2 * axis + 1]

    def outputs(self, axis, extent):
        span = (self.size[axis] - 1) * self.dilation[axis] + 1
        return (extent + sum(self.sides(axis, extent)) - span) // self.strides[axis] + 1

    def over(self, height, width):
        """(i, j, [(k, l, y, x), ...]): each output and, for each tap that falls on a pixel, that pixel"""
        p, q = self.sides(0, height)[0], self.sides(1, width)[0]
        for i in range(self.outputs(0, height)):
            for j in range(self.outputs(1, width)):
                seen = []
                for k in range(self.size[0]):
                    for m in range(self.size[1]):
                        y = i * self.strides[0] - p + k * self.dilation[0]
                        x = j * self.strides[1] - q + m * self.dilation[1]
                        if 0 <= y < height and 0 <= x < width:
                            seen.append((k, m, y, x))
                yield i, j, seen


def as_images(x, axes):
    """(n, height, width, channels); without channels there is one"""
    if x.ndim == axes + 1:
        x = x[..., None]
    return x if axes == 2 else x[:, None]


def as_samples(z, axes):
    return z if axes == 2 else z[:, 0]


def as_filters(W):
    """(height, width, channels, filters)"""
    return W if W.ndim == 4 else W[None]
