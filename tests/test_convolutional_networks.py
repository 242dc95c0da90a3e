"""Convolutional networks in everything that is built around a network."""

import numpy as np
import pytest

import multicapa as mc


def test_lenet5_is_the_one_of_the_paper():
    """Maps, parameters and what they come to, layer by layer (LeCun et al. 1998, section II.B)."""
    net = mc.networks.lenet5(activation="tanh", pooling="average", seed=0)
    assert [node["shape"] for node in net._core.nodes if "linear" not in node["name"]] == [
        (28, 28), (28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16), (400,), (120,), (84,), (10,),
    ]  # fmt: skip
    assert net.parameters["conv2d_1.weight"].size + 6 == 156
    assert net.parameters["dense_1.weight"].size + 120 == 48_120
    assert net.n_parameters == 61_706


def test_lenet5_of_other_images():
    net = mc.networks.lenet5((32, 30, 3), 7, padding="valid", dtype="float64", seed=0)
    assert (net.input_shape, net.output_shape, net.dtype) == ((32, 30, 3), (7,), np.float64)
    assert net.output_activation == "softmax"
    assert mc.networks.lenet5(output_activation="linear", n_outputs=1, seed=0).output_activation == "linear"
    assert mc.networks.lenet5((12, 12), seed=0).output_shape == (10,)
    assert mc.networks.lenet5((16, 16), padding="valid", seed=0).output_shape == (10,)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"input_shape": 28}, "height, width"),
        ({"input_shape": (784,)}, "height, width"),
        ({"input_shape": (11, 11)}, "does not fit"),
        ({"input_shape": (15, 15), "padding": "valid"}, "does not fit"),
        ({"pooling": "mean"}, "pooling"),
        ({"n_outputs": 0}, "n_outputs"),
        ({"activation": "rele"}, "relu"),
    ],
)
def test_lenet5_refuses(options, match):
    with pytest.raises(ValueError, match=match):
        mc.networks.lenet5(**options)
