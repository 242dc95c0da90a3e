"""Gradients by finite differences, and the comparison with them."""

import numpy as np


def numeric_gradient(f, x, h=1e-6):
    """df/dx by central differences; x is changed in place and put back"""
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + h
        above = f()
        x[i] = old - h
        below = f()
        x[i] = old
        gradient[i] = (above - below) / (2 * h)
    return gradient


def assert_close(a, b, tolerance=2e-8):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
