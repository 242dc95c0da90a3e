"""Layers: small descriptions of what a network is made of. The core does the computing.

A layer is called on the output of another one to form a graph, or listed in a :class:`~multicapa.Sequential`.

>>> import multicapa as mc
>>> x = mc.Input((64,))
>>> h = mc.Dense(32, "tanh")(x)
>>> net = mc.Network(x, mc.Dense(10, "softmax")(mc.concat([h, x])), seed=0)
>>> [layer["name"] for layer in net.spec]
['input_1', 'dense_1', 'concat_1', 'dense_2']
"""

from multicapa.layers.activation import Activation, CustomActivation, activations, check_activation, find_activation
from multicapa.layers.attention import Attention, MultiHeadAttention, PositionalEncoding
from multicapa.layers.base import Add, Layer, Multiply, Symbol
from multicapa.layers.convolution import Conv1D, Conv2D
from multicapa.layers.custom import Custom
from multicapa.layers.dense import Dense, Maxout
from multicapa.layers.merge import Concat, add, concat, multiply
from multicapa.layers.noise import Dropout, GaussianNoise
from multicapa.layers.normalization import BatchNorm, LayerNorm
from multicapa.layers.pooling import (
    AveragePool1D,
    AveragePool2D,
    GlobalAveragePool1D,
    GlobalAveragePool2D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    MaxPool1D,
    MaxPool2D,
)
from multicapa.layers.recurrent import GRU, LSTM, RECURRENT, Bidirectional, Embedding, SecondOrderRNN, SimpleRNN
from multicapa.layers.shape import Flatten, Input, InputLayer, Reshape

LAYERS: dict[str, type[Layer]] = {
    layer.type: layer
    for layer in (
        InputLayer,
        Dense,
        Conv1D,
        Conv2D,
        MaxPool1D,
        MaxPool2D,
        AveragePool1D,
        AveragePool2D,
        GlobalMaxPool1D,
        GlobalMaxPool2D,
        GlobalAveragePool1D,
        GlobalAveragePool2D,
        Maxout,
        Activation,
        CustomActivation,
        Custom,
        Dropout,
        GaussianNoise,
        BatchNorm,
        LayerNorm,
        Embedding,
        SimpleRNN,
        SecondOrderRNN,
        LSTM,
        GRU,
        Attention,
        PositionalEncoding,
        Flatten,
        Reshape,
        Add,
        Concat,
        Multiply,
    )
}

__all__ = [
    "GRU",
    "LAYERS",
    "LSTM",
    "RECURRENT",
    "Activation",
    "Add",
    "Attention",
    "AveragePool1D",
    "AveragePool2D",
    "BatchNorm",
    "Bidirectional",
    "Concat",
    "Conv1D",
    "Conv2D",
    "Custom",
    "CustomActivation",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianNoise",
    "GlobalAveragePool1D",
    "GlobalAveragePool2D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "Input",
    "InputLayer",
    "Layer",
    "LayerNorm",
    "MaxPool1D",
    "MaxPool2D",
    "Maxout",
    "MultiHeadAttention",
    "Multiply",
    "PositionalEncoding",
    "Reshape",
    "SecondOrderRNN",
    "SimpleRNN",
    "Symbol",
    "activations",
    "add",
    "check_activation",
    "concat",
    "find_activation",
    "multiply",
]
