"""Recurrent networks in use: one step at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa.base.arrays import Array
from multicapa.base.checks import check_integer
from multicapa.network.core import CoreNetwork, for_core


class Stream:
    """Sequences taken step by step; made by :meth:`multicapa.Network.stream`.

    The state is kept between steps, without end: a stream is not bound to the number of steps the network was made
    for. Weights are those the network has at each step. Outputs equal those of ``predict`` for the steps so far, to
    the last bit.

    Parameters
    ----------
    network : Network
        Whose layers go forward in time and treat each step for itself.
    batch : int
        Sequences side by side.
    """

    def __init__(self, network: CoreNetwork, batch: int) -> None:
        batch = check_integer(batch, "batch", minimum=1)
        network.check_single("a stream")
        for layer in network.spec:
            if layer.get("reverse"):
                raise ValueError(
                    f"layer {layer['name']!r} starts at the end of a sequence, which a stream does not know"
                )
            if layer["type"] in ("custom", "custom_activation"):
                raise ValueError(f"layer {layer['name']!r} has functions of your own, which streams do not call")
        if not network.inputs[0].time:
            raise ValueError("a stream takes the steps of sequences, and no layer of this network works step by step")
        one_step = for_core(network.spec)
        one_step[0] = {**one_step[0], "shape": (1, *network.input_shape[1:])}
        self._network: Any = network._core
        self._core: Any = self._network.stream(one_step, batch)
        self._vocabulary = network.inputs[0].vocabulary

    def step(self, x: npt.ArrayLike) -> Array:
        """The network's outputs after one more step.

        Parameters
        ----------
        x : array-like of shape (batch, features), or (features,) for a batch of 1
            Or tokens of shape (batch, 1) or (1,).

        Returns
        -------
        ndarray of shape (batch, outputs) or (outputs,)

        Raises
        ------
        ValueError
            If x has another shape, holds NaN or infinity, or a token beyond the vocabulary; the state is unchanged.
        """
        if self._vocabulary:
            tokens = np.asarray(x)
            if not ((tokens >= 0) & (tokens < self._vocabulary) & (tokens == np.floor(tokens))).all():
                raise ValueError(f"the tokens of this network are 0 to {self._vocabulary - 1}, not {x!r}")
        outputs: Array = self._network.step(self._core, x)
        return outputs

    def reset(self) -> None:
        """Back to the state before the first step."""
        self._core.reset()
