"""Graphs as multicapa's users write them."""

from __future__ import annotations

import multicapa as mc
from comparison.graphs import FIRST, GraphData, Named, Transformer, Translation
from comparison.work import Array

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def transformer(work: Transformer) -> mc.Network:
    x = mc.Input(work.shape)
    h = mc.PositionalEncoding()(mc.Dense(work.units, name="in")(x))
    for i in range(work.blocks):
        look = mc.MultiHeadAttention(work.heads, work.units // work.heads, name=f"look_{i}")
        h = h + look(mc.LayerNorm(name=f"look_norm_{i}")(h))
        wide = mc.Dense(4 * work.units, "relu", name=f"wide_{i}")(mc.LayerNorm(name=f"norm_{i}")(h))
        h = h + mc.Dense(work.units, name=f"narrow_{i}")(wide)
    mean = mc.GlobalAveragePool1D()(mc.LayerNorm(name="last")(h))
    return mc.Network(x, mc.Dense(work.outputs, "softmax", name="out")(mean), dtype=work.dtype, seed=0)


def translation(work: Translation) -> mc.Seq2Seq:
    """Fitted on a letter each, so that the first of them is the first token."""
    letters = LETTERS[: work.tokens - FIRST]
    model = mc.Seq2Seq(units=work.units, dtype=work.dtype, seed=0)
    return model.fit(list(letters), list(letters), epochs=1, max_length=work.shape[0], verbose=False)


def set_weights(net: mc.Network, weights: Named) -> None:
    if net.parameters.keys() != weights.keys():
        raise ValueError(f"other weights: {net.parameters.keys() ^ weights.keys()}")
    for name, weight in weights.items():
        net.parameters[name][...] = weight


class Training:
    def __init__(self, data: GraphData, threads: int) -> None:
        self.data, self.work = data, data.work
        net = transformer(data.work) if isinstance(data.work, Transformer) else translation(data.work).network_
        self.net = net

    def start(self, weights: Named) -> None:
        set_weights(self.net, weights)

    def run(self, epochs: int) -> None:
        work, X = self.work, self.data.X
        optimizer = mc.Adam(work.learning_rate)
        self.net.fit(
            list(X) if len(X) > 1 else X[0], self.data.y, optimizer=optimizer, epochs=epochs, batch_size=work.batch
        )

    def weights(self) -> Named:
        return {name: view.copy() for name, view in self.net.parameters.items()}


class Decoding:
    """Texts in, texts out."""

    def __init__(self, work: Translation, weights: Named, sources: Array, width: int, threads: int) -> None:
        self.model, self.width = translation(work), width
        set_weights(self.model.network_, weights)
        self.texts = ["".join(LETTERS[token - FIRST] for token in source) for source in sources]

    def run(self) -> list[tuple[list[int], float]]:
        found = self.model.predict_scores(self.texts, beam_width=self.width)
        return [([LETTERS.index(letter) + FIRST for letter in text], score) for text, score in found]
