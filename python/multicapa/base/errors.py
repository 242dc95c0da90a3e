"""What can go wrong beyond a wrong argument."""


class DivergenceError(ArithmeticError):
    """The cost became infinite or NaN during training, or a trillion times what it was.

    The network holds the last weights that were finite.

    Attributes
    ----------
    epoch : int
        The epoch, from 0, in which it happened.
    step : int
        The number of updates of that epoch that were made before.
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
    """A network cannot learn as it is; the message names the layers and what to try."""
