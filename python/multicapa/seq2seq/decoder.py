"""What the search goes through: the encoder run once, the decoder on beginnings of the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa.base.sequences import Padded, pad
from multicapa.model.network import Network
from multicapa.seq2seq import networks

Array = npt.NDArray[Any]


@dataclass
class States:
    """Of some rows: the tokens so far, and what the decoder reads besides, by its inputs' names."""

    tokens: Array
    read: dict[str, Any]


class PrefixDecoder:
    """Reads all tokens so far at each step, whatever the layers are."""

    def __init__(self, plan: networks.Plan, trained: Network) -> None:
        self.encoder, self.decoder = networks.encoder(plan), networks.decoder(plan)
        self.reads = [port.name for port in self.decoder.inputs if port.name != "target"]
        for part in (self.encoder, self.decoder):
            networks.copy_numbers(trained, part)

    def start(self, sources: list[list[int]]) -> States:
        given = pad([np.asarray(source, dtype=np.int64) for source in sources])
        made = self.encoder.predict(given)
        outputs = made if isinstance(made, list) else [made]
        read: dict[str, Any] = {}
        for name, output in zip(self.reads, outputs, strict=True):
            read[name] = Padded(output, given.lengths) if name == "memory" else output
        return States(np.empty((len(sources), 0), np.int64), read)

    def step(self, states: States, tokens: Array) -> tuple[Array, States]:
        so_far = np.column_stack([states.tokens, tokens])
        outputs = self.decoder.predict({"target": so_far, **states.read})
        with np.errstate(divide="ignore"):
            return np.log(outputs[:, so_far.shape[1] - 1]), States(so_far, states.read)

    def pick(self, states: States, rows: Array) -> States:
        return States(states.tokens[rows], {name: values[rows] for name, values in states.read.items()})
