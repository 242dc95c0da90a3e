"""What the search goes through: the encoder run once, the decoder on beginnings of the target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa.base.sequences import pad
from multicapa.network.core import CoreNetwork
from multicapa.networks.seq2seq import parts

Array = npt.NDArray[Any]

_STATE = "state_"  # how inputs begin that change from token to token


@dataclass
class Read:
    """What one input of the decoder reads, and of sequences their lengths."""

    values: Array
    lengths: Array | None = None

    def __post_init__(self) -> None:
        if self.lengths is not None and (self.lengths == self.values.shape[1]).all():
            self.lengths = None  # whole ones are read where they lie

    def pick(self, rows: Array) -> Read:
        return Read(self.values[rows], None if self.lengths is None else self.lengths[rows])


@dataclass
class States:
    """Of some rows: the tokens so far, and what the decoder reads besides, by its inputs' names."""

    tokens: Array
    read: dict[str, Read]
    sentences: Array  # whose they are


class PrefixDecoder:
    """Reads all tokens so far at each step, whatever the layers are."""

    def __init__(self, plan: parts.Plan, trained: CoreNetwork) -> None:
        self.encoder, self.decoder = parts.encoder(plan), self._network(plan)
        self.reads = [port.name for port in self.decoder.inputs if port.name != "target"]
        for part in (self.encoder, self.decoder):
            parts.copy_numbers(trained, part)

    def _network(self, plan: parts.Plan) -> CoreNetwork:
        return parts.decoder(plan)

    def start(self, sources: list[list[int]]) -> States:
        given = pad([np.asarray(source, dtype=np.int64) for source in sources])
        made = self.encoder.predict(given)
        outputs = made if isinstance(made, list) else [made]
        read = {
            name: Read(output, given.lengths if output.ndim == 3 else None)
            for name, output in zip(self.reads, outputs, strict=True)
        }
        return States(np.empty((len(sources), 0), np.int64), read, np.arange(len(sources)))

    def step(self, states: States, tokens: Array) -> tuple[Array, States]:
        so_far = np.column_stack([states.tokens, tokens])
        (outputs,) = self._decode(so_far, states)
        return _logs(outputs[:, so_far.shape[1] - 1]), States(so_far, states.read, states.sentences)

    def pick(self, states: States, rows: Array) -> States:
        if np.array_equal(rows, np.arange(len(states.tokens))):
            return states
        sentences = states.sentences[rows]
        same = np.array_equal(sentences, states.sentences)  # which is most of the time: the memory need not move
        read = {
            name: values if same and not name.startswith(_STATE) else values.pick(rows)
            for name, values in states.read.items()
        }
        return States(states.tokens[rows], read, sentences)

    def _decode(self, tokens: Array, states: States) -> list[Array]:
        """What has been made here needs no check, so it goes straight to the core."""
        target = np.zeros((len(tokens), self.decoder.inputs[0].shape[0]), self.decoder.dtype)
        target[:, : tokens.shape[1]] = tokens
        lengths = None if tokens.shape[1] == target.shape[1] else np.full(len(tokens), tokens.shape[1])
        read = [(states.read[name].values, states.read[name].lengths) for name in self.reads]
        outputs: list[Array] = self.decoder._core.predict([(target, lengths), *read])
        return outputs


class StepDecoder(PrefixDecoder):
    """Keeps the states of recurrent layers, and reads one token at each step."""

    def _network(self, plan: parts.Plan) -> CoreNetwork:
        return parts.stepper(plan)

    def step(self, states: States, tokens: Array) -> tuple[Array, States]:
        following, *after = self._decode(tokens[:, None], states)
        read = states.read | {f"{_STATE}{i}": Read(state) for i, state in enumerate(after)}
        return _logs(following[:, 0]), States(states.tokens, read, states.sentences)


class CachedDecoder(PrefixDecoder):
    """Keeps a transformer's keys and values of all tokens so far, and reads one token at each step."""

    def __init__(self, plan: parts.Plan, trained: CoreNetwork) -> None:
        self.plan, self.encoder, self.links = plan, parts.memories(plan), parts.links(plan)
        self.reads = [port.name for port in self.encoder.outputs]
        for part in (self.encoder, *self.links):
            parts.copy_numbers(trained, part)
        self.vectors, self.positions = trained.parameters["target_embedding.weight"].copy(), parts.positions(plan)

    def start(self, sources: list[list[int]]) -> States:
        states, shape = super().start(sources), (len(sources), self.plan.target_time, self.plan.units)
        for i in range(self.plan.n_layers):
            for part in ("keys", "values"):
                states.read[f"{_STATE}{i}_{part}"] = Read(np.zeros(shape, self.encoder.dtype))
        return states

    def step(self, states: States, tokens: Array) -> tuple[Array, States]:
        t = states.tokens.shape[1]
        lengths = None if t + 1 == self.plan.target_time else np.full(len(tokens), t + 1)
        h = self.vectors[tokens] + self.positions[t]
        made: list[Array] = self.links[0]._core.predict([(h, None)])
        for i, link in enumerate(self.links[1:]):
            query, *new = made
            before = [states.read[f"{_STATE}{i}_{part}"].values for part in ("keys", "values")]
            for cache, values in zip(before, new, strict=True):
                cache[:, t] = values
            memory = [states.read[f"decoder_{i}_memory_{part}"] for part in ("keys", "values")]
            looked_at = [*((cache, lengths) for cache in before), *((read.values, read.lengths) for read in memory)]
            h, *made = link._core.predict([(h, None), (query, None), *looked_at])
        return _logs(h), States(np.column_stack([states.tokens, tokens]), states.read, states.sentences)


def decoder_of(plan: parts.Plan, trained: CoreNetwork, source: int, target: int) -> PrefixDecoder:
    """The quickest that there is for sources and targets of so many tokens at most.

    An LSTM's second state is nobody's output.
    """
    plan = replace(plan, source_time=max(source, 1), target_time=target + 1)
    if not plan.recurrent:
        return CachedDecoder(plan, trained)
    return (StepDecoder if plan.cell != "lstm" else PrefixDecoder)(plan, trained)


def _logs(probabilities: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.log(probabilities)
