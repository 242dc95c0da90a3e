"""The drawing unit by unit: every unit, every weight and every traced number is there, and nothing collides."""

import itertools
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import multicapa as mc
from multicapa.network.drawing.look import text_width
from multicapa.network.drawing.units import number

SVG = "{http://www.w3.org/2000/svg}"


def lectures(seed=0):
    layers = [mc.Dense(2, "sigmoid"), mc.Dense(2, "sigmoid"), mc.Dense(1, "sigmoid")]
    return mc.Sequential(layers, input_shape=4, dtype="float64", seed=seed)


def graph():
    x = mc.Input(3)
    h = mc.Dense(3, "tanh", bias=False)(x)
    joined = mc.concat([mc.Dropout(0.1)(h + x), mc.Activation("relu")(h)])
    return mc.Network(x, mc.Dense(2, "softmax")(joined), seed=0)


def texts_of(svg):
    return [node.text for node in ET.fromstring(svg).iter(f"{SVG}text")]


def places_of(root):
    """(left, right, top, bottom) of the numbers on edges, and of the units."""
    labels, units = [], []
    for node in root.iter(f"{SVG}text"):
        if node.get("text-anchor") == "middle":
            x, y, half = float(node.get("x")), float(node.get("y")), text_width(node.text, 10) / 2
            labels.append((x - half, x + half, y - 9, y + 2))
    for node in root.iter(f"{SVG}rect"):
        x, y, width, height = (float(node.get(key)) for key in ("x", "y", "width", "height"))
        units.append((x, x + width, y, y + height))
    return labels, units


def overlap(a, b):
    return min(a[1], b[1]) > max(a[0], b[0]) + 0.1 and min(a[3], b[3]) > max(a[2], b[2]) + 0.1


@pytest.mark.parametrize("make", [lectures, graph])
@pytest.mark.parametrize("traced", [False, True])
def test_every_number_is_there(make, traced):
    net = make()
    trace = net.trace(np.eye(2, net.input_shape[0]), np.eye(2, net.output_shape[0])) if traced else None
    texts = texts_of(net.to_svg(detail="units", trace=trace, sample=1 if traced else 0))
    for name, values in net.parameters.items():
        prefix = "b " if name.endswith("bias") else ""
        assert {prefix + number(value) for value in values.ravel()} <= set(texts)
    for layer in net.spec:
        assert layer["name"] in texts
        if traced and layer["type"] != "input":
            assert {f"a {number(value)}" for value in trace.activations[layer["name"]][1]} <= set(texts)
            assert {f"δ {number(value)}" for value in trace.deltas.get(layer["name"], [[], []])[1]} <= set(texts)
    assert any(text.startswith("z ") for text in texts) == traced


@pytest.mark.parametrize("widths", [(4, 2, 2, 1), (1, 1), (1, 8), (8, 1), (5, 5, 5), (3, 12, 4), (16, 3), (2, 24)])
@pytest.mark.parametrize("traced", [False, True])
def test_nothing_collides(widths, traced):
    net = mc.Sequential([mc.Dense(width, "tanh") for width in widths[1:]], input_shape=widths[0], seed=0)
    trace = net.trace(np.ones((1, widths[0])), np.ones((1, widths[-1]))) if traced else None
    root = ET.fromstring(net.to_svg(detail="units", trace=trace))
    labels, units = places_of(root)
    few = [n * m for n, m in itertools.pairwise(widths) if n * m <= 48]
    assert len(labels) == sum(few)
    assert len(units) == sum(widths)
    edges = [node for node in root.iter(f"{SVG}title") if node.text and "→" in node.text]
    assert len(edges) == sum(n * m for n, m in itertools.pairwise(widths))
    parts = labels + units
    for i, a in enumerate(parts):
        assert not any(overlap(a, b) for b in parts[:i])
    left, top, width, height = map(float, root.get("viewBox").split())
    for a in parts:
        assert left <= a[0] < a[1] <= left + width
        assert top <= a[2] < a[3] <= top + height


def test_thickness_and_colour_tell_the_weights():
    net = mc.Sequential([mc.Dense(1, weight_init=[[2.0], [-1.0]])], input_shape=2, seed=0)
    paths = [n for n in ET.fromstring(net.to_svg(detail="units")).iter(f"{SVG}path") if n.get("stroke-width") != "2"]
    assert [p.get("stroke-width") for p in paths] == ["3.00", "1.75"]
    assert paths[0].get("stroke") != paths[1].get("stroke")


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "0.5"), (-1.234567, "−1.23"), (1e-9, "1e−9"), (-0.0, "0"), (1234.0, "1.23e3")]
)
def test_numbers_are_short(value, text):
    assert number(value) == text


def test_refusals():
    net = lectures()
    other = mc.Sequential([mc.Dense(2)], input_shape=4, seed=0)
    trace = net.trace(np.ones((3, 4)), np.ones((3, 1)))
    with pytest.raises(ValueError, match="another network"):
        other.to_svg(detail="units", trace=trace)
    with pytest.raises(ValueError, match="sample should be"):
        net.to_svg(detail="units", trace=trace, sample=3)
    with pytest.raises(ValueError, match='for detail="units"'):
        net.to_svg(trace=trace)
    with pytest.raises(ValueError, match='columns are for detail="layers"'):
        net.to_svg(2, detail="units")
    with pytest.raises(ValueError, match="detail"):
        net.to_svg(detail="unit")
    with pytest.raises(ValueError, match="up to 32 units of a layer; dense_1 has 33"):
        mc.Sequential([mc.Dense(33)], input_shape=4).to_svg(detail="units")
    with pytest.raises(ValueError, match="1024 edges, and this network has 1040"):
        mc.Sequential([mc.Dense(26), mc.Dense(20)], input_shape=20).to_svg(detail="units")
    with pytest.raises(ValueError, match=r"input_1 is input with the output \(4, 2\)"):
        mc.Sequential([mc.Conv1D(2, 2)], input_shape=(4, 2)).to_svg(detail="units")


def test_names_are_escaped_and_colours_are_attributes():
    net = mc.Sequential([mc.Dense(2, name="<b>&")], input_shape=1, seed=0)
    svg = net.to_svg(detail="units")
    assert "<b>&" in texts_of(svg)
    assert not re.search(r"style=|<style", svg)
