"""Seq2Seq: texts in, texts out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from multicapa import optimizers, training
from multicapa.base.checks import check_flag, check_integer, check_number
from multicapa.base.history import History
from multicapa.base.vocabulary import LEVELS, Vocabulary
from multicapa.callbacks import EarlyStopping
from multicapa.layers.attention import SCORES
from multicapa.model.files import load
from multicapa.model.network import Network
from multicapa.networks.seq2seq import parts
from multicapa.networks.seq2seq.decoder import decoder_of
from multicapa.networks.seq2seq.exact import ExactMatches
from multicapa.networks.seq2seq.pairs import as_pairs, as_samples, as_texts
from multicapa.networks.seq2seq.search import search

_INSIDE = "seq2seq"  # in the metadata of a network


class Seq2Seq:
    """From sequences of tokens to sequences of another length: an encoder, and a decoder that looks at what it made.

    Parameters
    ----------
    architecture : {"recurrent", "transformer"}, default="recurrent"
        Recurrent: the encoder's states are the memory; the decoder begins with a state made of their mean, ``h_0 =
        tanh(mean(memory) W + b)``, and says ``softmax(tanh([h_t, c_t] V + b) U + d)`` with c_t what h_t finds in the
        memory. Transformer: blocks of attention and a network for each step, each behind a layer norm.
    cell : {"gru", "lstm", "simple_rnn"}, default="gru"
        Of the recurrent layers.
    units : int, default=64
        Of each layer, the embeddings included.
    n_layers : int, default=1
        Layers of the encoder, and of the decoder.
    bidirectional : bool, default=True
        Whether a recurrent encoder walks in both directions.
    attention : {"additive", "dot", "scaled_dot"} or None, default="additive"
        How a recurrent decoder looks at the memory; None: only through its first state.
    heads : int, default=4
        Of the transformer's attention.
    dropout : float, default=0
        Share of the units that are off while training, behind embeddings and layers.
    level : {"characters", "words", "tokens"} or a pair of these, optional
        What texts are, or sources and targets; by default characters of strings, tokens of lists. See
        :class:`multicapa.data.Vocabulary`.
    dtype : {"float32", "float64"}, default="float32"
    seed : int, optional
        Fixes the first weights, the order of the samples and dropout.

    Attributes
    ----------
    network_ : Network
        Both, as they are trained: from source and target, shifted by a beginning, to the next tokens.
    source_vocabulary_, target_vocabulary_ : Vocabulary
    history_ : History

    Notes
    -----
    Training shows the decoder the true tokens so far (teacher forcing) (Sutskever, Vinyals & Le 2014; Bahdanau, Cho &
    Bengio 2015; Luong, Pham & Manning 2015; Vaswani et al. 2017, with norms before as in Xiong et al. 2020).

    Examples
    --------
    >>> import multicapa as mc
    >>> words = ["ab", "ba", "abb", "bab"]
    >>> model = mc.Seq2Seq(units=16, seed=0).fit(words, [word[::-1] for word in words], epochs=60, learning_rate=0.02)
    >>> model.predict(["abb", "ba"])
    ['bba', 'ab']
    """

    network_: Network
    source_vocabulary_: Vocabulary
    target_vocabulary_: Vocabulary

    def __init__(
        self,
        architecture: str = "recurrent",
        *,
        cell: str = "gru",
        units: int = 64,
        n_layers: int = 1,
        bidirectional: bool = True,
        attention: str | None = "additive",
        heads: int = 4,
        dropout: float = 0.0,
        level: str | Sequence[str | None] | None = None,
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        self.architecture = _one_of(architecture, "architecture", ("recurrent", "transformer"))
        self.cell = _one_of(cell, "cell", tuple(parts.CELLS))
        self.units = check_integer(units, "units", minimum=1)
        self.n_layers = check_integer(n_layers, "n_layers", minimum=1)
        self.bidirectional = check_flag(bidirectional, "bidirectional")
        self.attention = attention if attention is None else _one_of(attention, "attention", SCORES)
        self.heads = check_integer(heads, "heads", minimum=1)
        if architecture == "transformer" and self.units % self.heads:
            raise ValueError(f"units should be a multiple of heads, not {units} for {heads}")
        self.dropout = check_number(dropout, "dropout", minimum=0, below=1)
        self.level = level if level is None or isinstance(level, str) else tuple(level)
        for each in self._levels():
            if each is not None:
                _one_of(each, "level", LEVELS)
        self.dtype, self.seed = dtype, seed

    def fit(
        self,
        sources: Sequence[Any],
        targets: Sequence[Any],
        *,
        epochs: int = 30,
        batch_size: int = 64,
        learning_rate: Any = 0.003,
        optimizer: str | optimizers.Optimizer | None = None,
        validation_data: tuple[Sequence[Any], Sequence[Any]] | None = None,
        patience: int | None = None,
        max_length: int | None = None,
        callbacks: Sequence[training.Callback | Callable[..., Any]] = (),
        clip_norm: float | None = 1.0,
        l2: float = 0.0,
        sample_weight: npt.ArrayLike | None = None,
        verbose: bool | str = "auto",
    ) -> Self:
        """Learn from pairs of texts.

        Parameters
        ----------
        sources, targets : sequence of str, or of lists of str
            As many of both.
        epochs : int, default=30
        batch_size : int, default=64
        learning_rate : float or Schedule, default=0.003
            Of Adam; an optimizer brings its own.
        optimizer : str or Optimizer, optional
        validation_data : (sources, targets), optional
            The history has their ``val_exact`` after each epoch, the share that greedy decoding gets right to the last
            token, beside ``val_loss``.
        patience : int, optional
            End when val_exact has not risen for so many epochs, and go back to the best ones.
        max_length : int, optional
            Tokens of the longest source and target that the model takes; by default twice those seen here.
        callbacks, clip_norm, l2, sample_weight, verbose
            As in :meth:`multicapa.Network.fit`.

        Returns
        -------
        Seq2Seq
            Itself.

        Raises
        ------
        ValueError
            If there are no pairs, or not as many sources as targets.
        """
        sources, targets = as_pairs(sources, targets)
        if patience is not None and validation_data is None:
            raise ValueError("patience follows val_exact: give validation_data")
        vocabularies = [
            Vocabulary.of(texts, level) for texts, level in zip((sources, targets), self._levels(), strict=True)
        ]
        known = [[v.encode(text) for text in texts] for v, texts in zip(vocabularies, (sources, targets), strict=True)]
        longest = [max(1, *map(len, texts), len(texts[0])) for texts in known]
        if max_length is not None:
            check_integer(max_length, "max_length", minimum=max(longest))
        time = [2 * n if max_length is None else max_length for n in longest]
        seed = int(np.random.SeedSequence().generate_state(1)[0]) if self.seed is None else self.seed
        plan = self._plan(vocabularies, time, seed)
        network = parts.whole(plan)
        following: list[training.Callback | Callable[..., Any]] = []
        samples = None
        if validation_data is not None:
            checked = as_pairs(*validation_data)
            samples = as_samples(*(self._numbers(v, t, e, w) for v, t, e, w in zip(
                vocabularies, checked, time, ("source", "target"), strict=True)))  # fmt: skip
            following.append(ExactMatches(plan, vocabularies, *checked, time[1]))
        if patience is not None:
            following.append(EarlyStopping(patience, "val_exact", mode="max"))
        X, y = as_samples(*known)
        network.fit(
            X,
            y,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizers.Adam(learning_rate) if optimizer is None else optimizer,
            validation_data=samples,
            callbacks=[*following, *callbacks],
            clip_norm=clip_norm,
            l2=l2,
            sample_weight=sample_weight,
            verbose=verbose,
        )
        self.network_, self._plan_ = network, plan
        self.source_vocabulary_, self.target_vocabulary_ = vocabularies
        return self

    @property
    def history_(self) -> History:
        """One record per epoch of the fit."""
        return self._fitted().history

    def predict(
        self,
        sources: Sequence[Any],
        *,
        beam_width: int = 1,
        max_length: int | None = None,
        length_penalty: float = 1.0,
    ) -> list[Any]:
        """The targets that the model finds likeliest.

        Parameters
        ----------
        sources : sequence of str, or of lists of str
        beam_width : int, default=1
            Beginnings that are kept for each sentence; 1 is greedy: the likeliest token each time.
        max_length : int, optional
            Tokens of a target at most; by default as many as the model takes.
        length_penalty : float, default=1.0
            The score is the sum of the log-probabilities divided by (tokens + 1) to this power: 0 favours short ones.

        Returns
        -------
        list of str, or of lists of str
        """
        return [text for text, _ in self.predict_scores(
            sources, beam_width=beam_width, max_length=max_length, length_penalty=length_penalty)]  # fmt: skip

    def predict_scores(
        self,
        sources: Sequence[Any],
        *,
        beam_width: int = 1,
        max_length: int | None = None,
        length_penalty: float = 1.0,
    ) -> list[tuple[Any, float]]:
        """As :meth:`predict`, each target with its score."""
        trained, plan = self._fitted(), self._plan_
        longest = plan.target_time - 1
        if max_length is None:
            max_length = longest
        elif check_integer(max_length, "max_length", minimum=0) > longest:
            raise ValueError(f"max_length is {max_length}, but the model takes targets of {longest} tokens at most")
        numbers = self._numbers(self.source_vocabulary_, as_texts(sources, "sources"), plan.source_time, "source")
        found = search(
            decoder_of(plan, trained, max(map(len, numbers), default=0), max_length),
            numbers,
            check_integer(beam_width, "beam_width", minimum=1),
            max_length,
            check_number(length_penalty, "length_penalty", minimum=0),
        )
        return [(self.target_vocabulary_.decode(each.tokens), each.score) for each in found]

    def score(self, sources: Sequence[Any], targets: Sequence[Any], *, beam_width: int = 1) -> float:
        """The share of the targets that are predicted to the last token."""
        sources, targets = as_pairs(sources, targets)
        split = self.target_vocabulary_.split
        made = self.predict(sources, beam_width=beam_width)
        return float(np.mean([split(text) == split(target) for text, target in zip(made, targets, strict=True)]))

    def attention_weights(self, source: Any, target: Any, layer: str | None = None) -> npt.NDArray[Any]:
        """How much each token of the target, and its end, looked at each token of the source when it was said.

        Parameters
        ----------
        source, target : str, or list of str
        layer : str, optional
            Of a transformer, which attention: ``"decoder_0_memory"`` by default that of the last layer.

        Returns
        -------
        ndarray of shape (num_heads, tokens of the target + 1, tokens of the source)
            What :class:`multicapa.plots.AttentionDisplay` draws.
        """
        trained, plan = self._fitted(), self._plan_
        if plan.recurrent and plan.attention is None:
            raise ValueError("this model looks at nothing: attention is None")
        usual = "attention" if plan.recurrent else f"decoder_{plan.n_layers - 1}_memory"
        X, _ = as_samples(
            self._numbers(self.source_vocabulary_, [source], plan.source_time, "source"),
            self._numbers(self.target_vocabulary_, [target], plan.target_time, "target"),
        )
        weights = trained.attention_weights(X, layer or usual)[0]
        return np.asarray(weights[:, : len(X["target"][0]), : len(X["source"][0])])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model with its vocabularies to a safetensors file; see :meth:`load`."""
        network = self._fitted()
        network.metadata[_INSIDE] = {
            "options": {name: value for name, value in vars(self).items() if not name.endswith("_")},
            "vocabularies": [[v.tokens, v.level] for v in (self.source_vocabulary_, self.target_vocabulary_)],
        }
        try:
            network.save(path)
        finally:
            del network.metadata[_INSIDE]

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a model that :meth:`save` wrote.

        Raises
        ------
        ValueError
            If it is no such file, or one of another network.
        """
        network = load(path)
        inside = network.metadata.pop(_INSIDE, None)
        if inside is None:
            raise ValueError(f"{os.fspath(path)!r} holds a network, but no Seq2Seq; read it with multicapa.load")
        try:
            model = cls(**inside["options"])
            vocabularies = [Vocabulary(*each) for each in inside["vocabularies"]]
            source_time, target_time = (port.shape[0] for port in network.inputs)
            plan = model._plan(vocabularies, [source_time, target_time - 1], network.seed)
            if not parts.is_of(network, plan):
                raise ValueError("its network is another one than its options and vocabularies make")
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{os.fspath(path)!r} has a damaged Seq2Seq: {error}") from error
        model.network_, model._plan_ = network, plan
        model.source_vocabulary_, model.target_vocabulary_ = vocabularies
        return model

    def __repr__(self) -> str:
        return f"Seq2Seq({self.architecture!r}, units={self.units}, n_layers={self.n_layers})"

    def _levels(self) -> tuple[str | None, str | None]:
        """Of sources and targets."""
        if self.level is None or isinstance(self.level, str):
            return self.level, self.level
        if len(self.level) != 2:
            raise ValueError(f"level should be one for both sides or a pair, not {self.level!r}")
        return self.level[0], self.level[1]

    def _plan(self, vocabularies: list[Vocabulary], time: list[int], seed: int) -> parts.Plan:
        return parts.Plan(
            self.architecture,
            self.cell,
            self.units,
            self.n_layers,
            self.bidirectional,
            self.attention,
            self.heads,
            self.dropout,
            len(vocabularies[0]),
            len(vocabularies[1]),
            time[0],
            time[1] + 1,
            self.dtype,
            seed,
        )

    def _fitted(self) -> Network:
        if not hasattr(self, "network_"):
            raise ValueError("this Seq2Seq has not been fitted yet; call fit first")
        return self.network_

    def _numbers(self, vocabulary: Vocabulary, texts: Sequence[Any], time: int, what: str) -> list[list[int]]:
        found = [vocabulary.encode(text, f"{what} {i}") for i, text in enumerate(texts)]
        for i, numbers in enumerate(found):
            if len(numbers) > time:
                raise ValueError(
                    f"{what} {i} has {len(numbers)} tokens, but the model takes {time} at most; fit it with max_length"
                )
        return found


def _one_of(value: Any, what: str, names: Sequence[str]) -> str:
    if value not in names:
        raise ValueError(f"{what} should be one of {', '.join(names)}, not {value!r}")
    return str(value)
