"""Learning-rate schedules: the rate of step k, k = 0, 1, 2, ..."""

import math


def constant(k: int, rate: float) -> float:
    """rho_k = rho"""
    return rate


def step(k: int, rate: float, every: int, factor: float = 0.1) -> float:
    """rho_k = rho factor^floor(k / every)"""
    return rate * factor ** (k // every)


def exponential(k: int, rate: float, factor: float) -> float:
    """rho_k = rho factor^k"""
    return rate * factor**k


def inverse_scaling(k: int, rate: float, power: float = 0.5) -> float:
    """rho_k = rho / (k + 1)^power"""
    return rate / (k + 1) ** power


def between(start: float, end: float, x: float) -> float:
    """end + (start - end) (1 + cos(pi x)) / 2: half a cosine from start (x = 0) to end (x = 1)"""
    return end + (start - end) * (1 + math.cos(math.pi * x)) / 2


def cosine(k: int, rate: float, steps: int, final: float = 0.0) -> float:
    """rho_k = final + (rho - final) (1 + cos(pi k / steps)) / 2, and final from k = steps on"""
    return between(rate, final, min(k / steps, 1.0))


def warmup(k: int, rate: float, steps: int) -> float:
    """rho_k = rho min(1, (k + 1) / steps): a straight line that reaches rho at k = steps - 1"""
    return rate * min(1.0, (k + 1) / steps)


def one_cycle(k: int, rate: float, steps: int, rise: float = 0.3, start: float = 25.0, end: float = 1e4) -> float:
    """Half a cosine from rho/start up to rho at k = rise steps - 1, then half a cosine down to rho/(start end)
    at k = steps - 1 (PyTorch's OneCycleLR)"""
    top, last = rise * steps - 1, steps - 1
    if k <= top:
        return between(rate / start, rate, k / top)
    return between(rate, rate / start / end, min((k - top) / (last - top), 1.0))


def cosine_restarts(k: int, rate: float, steps: int, longer: float = 1.0, final: float = 0.0) -> float:
    """Half a cosine over steps, then over steps longer, steps longer^2, ... (PyTorch's CosineAnnealingWarmRestarts)"""
    start, length = 0.0, float(steps)
    while k >= start + length:
        start, length = start + length, length * longer
    return between(rate, final, (k - start) / length)


def polynomial(k: int, rate: float, steps: int, power: float = 1.0, final: float = 0.0) -> float:
    """rho_k = final + (rho - final) (1 - k / steps)^power, and final from k = steps on (PyTorch's PolynomialLR)"""
    return final + (rate - final) * max(1 - k / steps, 0.0) ** power


def by_epoch(k: int, schedule, updates: int) -> float:
    """rho_k = schedule(floor(k / updates)), updates per epoch"""
    return schedule(k // updates)
