"""The hidden layers of a multilayer perceptron, from a few parameters."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from typing import Any

from multicapa import initializers, layers
from multicapa.base.checks import check_flag, check_integer, check_name, check_number
from multicapa.estimators.parameters import Training, option

_SPELLINGS = {"identity": "linear", "logistic": "sigmoid"}
Function = str | layers.Activation | layers.CustomActivation


@dataclass(eq=False, repr=False)
class HiddenLayers(Training):
    """Weights, normalisation, activation, dropout, and what is added around them: so runs every hidden layer."""

    hidden_layer_sizes: Any = option((100,), "int or sequence of int", "Units of each hidden layer; () for none.")
    activation: Any = option(
        "relu",
        "str, Activation, or a sequence of them",
        "Of all hidden layers, or one for each: a name of :func:`multicapa.layers.activations`, where "
        '"identity" and "logistic" are names too, or a layer like ``mc.Activation("leaky_relu", 0.2)``.',
    )
    _: KW_ONLY
    dropout: float = option(0.0, "float", "Share of the units of every hidden layer that a training step leaves out.")
    batch_norm: bool = option(False, "bool", "Normalise every hidden layer over the batch, before its activation.")
    layer_norm: bool = option(False, "bool", "Normalise every hidden layer over its units, before its activation.")
    residual: bool = option(
        False, "bool", "Add to each hidden layer the one before where that is as wide: ``h = f(h) + h``."
    )
    input_noise: float = option(0.0, "float", "Standard deviation of the noise that training adds to X.")

    def _check_layers(self) -> None:
        sizes = _sizes(self.hidden_layer_sizes)
        _functions(self.activation, len(sizes))
        check_number(self.dropout, "dropout", minimum=0, below=1)
        check_number(self.input_noise, "input_noise", minimum=0)
        for what in ("batch_norm", "layer_norm", "residual"):
            check_flag(getattr(self, what), what)
        if self.batch_norm and self.layer_norm:
            raise ValueError("batch_norm and layer_norm exclude each other")
        if not sizes and (self.dropout or self.batch_norm or self.layer_norm):
            raise ValueError("dropout, batch_norm and layer_norm need hidden layers, but hidden_layer_sizes is empty")
        if self.residual and all(a != b for a, b in itertools.pairwise(sizes)):
            raise ValueError(
                f"residual needs two hidden layers of equal width, one after the other; hidden_layer_sizes is {sizes}"
            )

    def _graph(self, x: layers.Symbol, n_outputs: int, activation: str) -> layers.Symbol:
        sizes = _sizes(self.hidden_layer_sizes)
        h = layers.GaussianNoise(self.input_noise)(x) if self.input_noise else x
        width = None  # of the hidden layer before
        for units, function in zip(sizes, _functions(self.activation, len(sizes)), strict=True):
            made = self._hidden(h, units, function)
            h = layers.add([made, h]) if self.residual and units == width else made
            width = units
        return layers.Dense(n_outputs, activation)(h)

    def _hidden(self, h: layers.Symbol, units: int, function: Function) -> layers.Symbol:
        if isinstance(function, str) and not (self.batch_norm or self.layer_norm):
            h = layers.Dense(units, function)(h)
        else:
            layer = layers.Activation(function) if isinstance(function, str) else copy.copy(function)
            name = layer.function if isinstance(layer, layers.Activation) else "linear"
            h = layers.Dense(units, weight_init=initializers.default_for(name))(h)
            if self.batch_norm or self.layer_norm:
                h = (layers.BatchNorm() if self.batch_norm else layers.LayerNorm())(h)
            h = layer(h)
        return layers.Dropout(self.dropout)(h) if self.dropout else h


def _sizes(given: Any) -> list[int]:
    sizes = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    return [check_integer(size, "each of hidden_layer_sizes", minimum=1) for size in sizes]


def _functions(given: Any, count: int) -> list[Function]:
    several = isinstance(given, Iterable) and not isinstance(given, str)
    functions = list(given) if several else [given] * count
    if len(functions) != count:
        raise ValueError(f"activation lists {len(functions)} for {count} hidden layers")
    for function in functions if several else [given]:
        if not isinstance(function, layers.Activation | layers.CustomActivation):
            check_name(function, [*layers.activations(), *_SPELLINGS], "activation")
    return [_SPELLINGS.get(name, name) if isinstance(name, str) else name for name in functions]
