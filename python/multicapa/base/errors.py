"""What can go wrong beyond a wrong argument."""


class DivergenceError(ArithmeticError):
    """The cost became infinite or NaN during training, or a trillion times what it was.

    The network holds the last weights that were finite.

    Attributes
    ----------
    epoch : int
        The epoch, from 1, in which it happened.
    step : int
        The number of updates of that epoch that were made before.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(1)], input_shape=1, seed=0)
    >>> try:
    ...     history = net.fit([[1e3], [2e3]], [1.0, 3.0], epochs=100, optimizer=mc.SGD(1e6))
    ... except mc.DivergenceError:
    ...     print("a smaller learning rate")
    a smaller learning rate
    """

    def __init__(self, epoch: int, step: int, learning_rate: float) -> None:
        super().__init__(
            f"the loss has exploded in epoch {epoch} after {step} updates, with learning rate "
            f"{learning_rate:g}; the network holds the last finite weights. Try a smaller learning rate, standardised "
            "inputs (multicapa.data.Standardizer) or gradient clipping (clip_norm=1.0)"
        )
        self.epoch = epoch
        self.step = step


class DiagnosisWarning(UserWarning):
    """A network cannot learn as it is; the message names the layers and what to try.

    Examples
    --------
    >>> import multicapa as mc
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", mc.DiagnosisWarning)
    ...     net = mc.Sequential([mc.Dense(1)], input_shape=1, seed=0)
    ...     history = net.fit([[0.0], [1.0]], [1.0, 3.0], epochs=1, callbacks=[mc.Diagnosis()])
    """
