"""The drawing of a network: nothing is missing, nothing overlaps, arrows go where they should and cross no box."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import multicapa as mc
from helpers import output_of
from multicapa.network.drawing.layout import Box, arrange

SVG = "{http://www.w3.org/2000/svg}"


def residual(blocks):
    x = h = mc.Input(8)
    for _ in range(blocks):
        h = mc.add([mc.Dense(8)(mc.Activation("relu")(mc.BatchNorm()(mc.Dense(8)(h)))), h])
    return mc.Network(x, mc.Dense(2, "softmax")(h), seed=0)


def boxes_of(inputs, merged=26.0):
    return [Box(100.0 if len(read) > 1 else 160.0, merged if len(read) > 1 else 42.0, read) for read in inputs]


def random_graph(rng, count):
    """Each box reads the one before, or some of those before."""
    inputs = [[]]
    for i in range(1, count):
        some = int(rng.choice([1, 1, 1, 2, 3, 4]))
        inputs.append(sorted({int(j) for j in rng.integers(max(0, i - 6), i, some)} | ({i - 1} if some > 1 else set())))
    return inputs


GRAPHS = {
    "chain": [[]] + [[i] for i in range(5)],
    "residual": [[], [0], [1], [2, 0], [3], [4], [5, 3]],
    "reads the input everywhere": [[], [0], [0, 1], [2], [0, 1, 3], [4], [0, 1, 3, 5]],
    "branches": [[], [0], [1], [2], [0], [0], [5], [3, 4, 6, 0], [7]],
    "the same twice": [[], [0], [1, 1], [2], [0, 3, 3], [4, 4]],
    "ends apart": [[], [0], [0], [2], [3], [1, 4], [5]],
    **{f"random {seed}": random_graph(np.random.default_rng(seed), 6 + 2 * seed) for seed in range(20)},
}


def segments(wire):
    return [(a, b) for a, b in zip(wire.points, wire.points[1:], strict=False) if a != b]


def runs_through(segment, box):
    """Whether a piece of a wire enters the inside of a box."""
    (x0, y0), (x1, y1) = segment
    left, right, top, bottom = box.x - box.width / 2, box.x + box.width / 2, box.y, box.y + box.height
    return (
        max(x0, x1) > left + 0.01
        and min(x0, x1) < right - 0.01
        and max(y0, y1) > top + 0.01
        and min(y0, y1) < bottom - 0.01
    )


def on_edge(point, box):
    x, y = point
    above = abs(y - box.y) < 0.01 and abs(x - box.x) <= box.width / 2
    beside = abs(x - box.x - box.width / 2) < 0.01 and box.y <= y <= box.y + box.height
    return above or beside


def lies_on(point, wire):
    x, y = point
    return any(
        min(a[0], b[0]) - 0.01 <= x <= max(a[0], b[0]) + 0.01 and min(a[1], b[1]) - 0.01 <= y <= max(a[1], b[1]) + 0.01
        for a, b in segments(wire)
    )


def starts_at(wire, box):
    return wire.points[0] == pytest.approx((box.x, box.y + box.height))


@pytest.mark.parametrize("columns", [1, None, 3])
@pytest.mark.parametrize("name", GRAPHS)
def test_nothing_overlaps(name, columns):
    drawing = arrange(boxes_of(GRAPHS[name]), columns)
    for i, a in enumerate(drawing.boxes):
        assert a.x - a.width / 2 >= 0
        assert a.x + a.width / 2 <= drawing.width
        assert a.y >= 0
        assert a.y + a.height <= drawing.height
        for b in drawing.boxes[:i]:
            apart = abs(a.x - b.x) >= (a.width + b.width) / 2
            assert apart or a.y >= b.y + b.height or b.y >= a.y + a.height
    for wire in drawing.wires:
        for segment in segments(wire):
            assert segment[0][0] == segment[1][0] or segment[0][1] == segment[1][1], "wires run straight down or across"
            assert not any(runs_through(segment, box) for box in drawing.boxes), (segment, name)
        for x, y in wire.points:
            assert -0.01 <= x <= drawing.width + 0.01
            assert -0.01 <= y <= drawing.height + 0.01


@pytest.mark.parametrize("name", GRAPHS)
def test_every_connection_has_its_arrow(name):
    """An arrow starts at its source, or on the lane that leaves there, and ends at its target."""
    inputs = GRAPHS[name]
    drawing = arrange(boxes_of(inputs), columns=1)
    arrows = [wire for wire in drawing.wires if wire.arrow]
    assert len(arrows) == sum(map(len, inputs))
    for target, read in zip(drawing.boxes, inputs, strict=True):
        ending = [wire for wire in arrows if on_edge(wire.points[-1], target)]
        assert len(ending) == len(read)
        assert len({wire.points[-1] for wire in ending}) == len(read), "each arrow has a place of its own"
        for i in set(read):
            source = drawing.boxes[i]
            lanes = [wire for wire in drawing.wires if not wire.arrow and starts_at(wire, source)]
            from_there = [
                w for w in ending if starts_at(w, source) or any(lies_on(w.points[0], lane) for lane in lanes)
            ]
            assert len(from_there) == read.count(i), (name, i)


@pytest.mark.parametrize("name", GRAPHS)
def test_lanes_of_different_sources_do_not_lie_on_each_other(name):
    drawing = arrange(boxes_of(GRAPHS[name]), columns=1)
    lanes = [wire for wire in drawing.wires if not wire.arrow]
    for i, a in enumerate(lanes):
        for b in lanes[:i]:
            for p, q in segments(a):
                for r, s in segments(b):
                    upright = p[0] == q[0] == r[0] == s[0] and min(p[1], q[1]) < max(r[1], s[1]) - 0.01
                    level = p[1] == q[1] == r[1] == s[1] and min(p[0], q[0]) < max(r[0], s[0]) - 0.01
                    assert not (upright and min(r[1], s[1]) < max(p[1], q[1]) - 0.01)
                    assert not (level and min(r[0], s[0]) < max(p[0], q[0]) - 0.01)


def test_a_chain_is_straight():
    drawing = arrange(boxes_of(GRAPHS["chain"]))
    assert len({box.x for box in drawing.boxes}) == 1
    assert all(len({x for x, _ in wire.points}) == 1 for wire in drawing.wires)


def test_a_deep_chain_is_broken_into_columns():
    chain = [[]] + [[i] for i in range(50)]
    drawing = arrange(boxes_of(chain))
    assert 3 <= len({box.x for box in drawing.boxes}) <= 6
    assert drawing.height < 1200
    assert 0.6 < drawing.width / drawing.height < 1.8
    assert len({box.x for box in arrange(boxes_of(chain), columns=2).boxes}) == 2
    assert len({box.x for box in arrange(boxes_of(chain), columns=1).boxes}) == 1


def test_what_cannot_be_broken_stays_whole():
    """Where two layers are read further down, no column ends."""
    inputs = [[], [0], [1, 0]]
    for i in range(3, 40, 2):
        inputs += [[i - 1], [i, 0, i - 1]]  # everything reads the input
    drawing = arrange(boxes_of(inputs), columns=4)
    assert len({box.x for box in drawing.boxes[2:]}) == 1


# ---- SVG ----


def texts(svg):
    return ["".join(node.itertext()) for node in ET.fromstring(svg).iter(f"{SVG}text")]


def test_the_drawing_tells_of_each_layer():
    x = mc.Input(64, name="pixels")
    h = mc.Dense(64, "leaky_relu", activation_parameter=0.2, bias=False)(x)
    h = mc.Dropout(0.25)(mc.LayerNorm()(h))
    net = mc.Network(x, mc.Dense(10, "softmax")(mc.concat([mc.add([h, x]), x], name="both")), seed=0)
    net.freeze("dense_2")
    shown = texts(net.to_svg())
    expected = """pixels | 64 | dense_1 | Dense · leaky_relu(0.2), no bias | 4,096 params | dropout_1 | Dropout · 0.25
    | Layer norm | + add_1 | concat both | 128 | Dense · softmax · frozen | 1,290 params"""
    for text in expected.split("|"):
        assert text.strip() in shown, text


def test_shapes_of_more_axes_and_custom_activations():
    net = mc.Sequential([mc.Flatten(), mc.layers.CustomActivation(np.sin, np.cos)], input_shape=(28, 28), seed=0)
    shown = texts(net.to_svg())
    assert "28 × 28" in shown
    assert "Custom activation · sin" in shown


def stacks(net):
    """By layer: height and width of the sheets that stand for its maps, and how many there are."""
    found = {}
    for node in ET.fromstring(net.to_svg()).iter(f"{SVG}g"):
        title = node.find(f"{SVG}title")
        sheets = node.findall(f"{SVG}rect")[1:]  # the first is the box
        if title is not None and sheets:
            (size,) = {(float(sheet.get("height")), float(sheet.get("width"))) for sheet in sheets}
            found[title.text.partition(":")[0]] = (*size, len(sheets))
    return found


def test_feature_maps_are_drawn_as_stacks_of_sheets():
    """The smaller the maps the smaller the sheets, the more channels the more of them; nothing where there are none."""
    layers = [mc.Conv2D(6, 5), mc.MaxPool2D((2, 1)), mc.Conv2D(64, 3), mc.Flatten(), mc.Dense(3)]
    drawn = stacks(mc.Sequential(layers, input_shape=(28, 28), seed=0))
    assert list(drawn) == ["input_1", "conv2d_1", "max_pool2d_1", "conv2d_2"]
    assert [sheets for _, _, sheets in drawn.values()] == [1, 3, 3, 4]
    for axis in (0, 1):
        sides = [each[axis] for each in drawn.values()]
        assert sides == sorted(sides, reverse=True)
    assert drawn["input_1"][0] == drawn["input_1"][1]
    assert drawn["max_pool2d_1"][0] < drawn["max_pool2d_1"][1]


def test_maps_of_series_are_strips():
    layers = [mc.Conv1D(12, 5), mc.GlobalMaxPool1D(), mc.Dense(3)]
    drawn = stacks(mc.Sequential(layers, input_shape=(90, 2), seed=0))
    assert list(drawn) == ["input_1", "conv1d_1"]
    assert drawn["input_1"][1] > drawn["conv1d_1"][1] > drawn["conv1d_1"][0] > drawn["input_1"][0]


def test_networks_without_maps_have_no_sheets():
    assert stacks(residual(1)) == {}
    assert stacks(mc.Sequential([mc.Flatten(), mc.Dense(2)], input_shape=(4, 3), seed=0)) == {}


NAMES = ["<script>alert(1)</script>", 'a & "b"', "tab\tand\nline", "\x00\x1b[31m", "日本語の層"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_escaped(name):
    net = mc.Sequential([mc.Dense(2, name=name)], input_shape=2, seed=0)
    for text in (net.to_svg(), net._repr_html_()):
        assert "<script" not in text
        assert not re.search(r"[\x00-\x09\x0b-\x1f]", text)
    titles = [node.text for node in ET.fromstring(net.to_svg()).iter(f"{SVG}title")]
    assert any(name.encode("unicode_escape").decode()[:3] in title or name in title for title in titles)


def test_long_names_are_shortened_and_told_on_hovering():
    name = "a_layer_with_a_name_of_no_end_" * 5
    svg = mc.Sequential([mc.Dense(2, name=name)], input_shape=2, seed=0).to_svg()
    root = ET.fromstring(svg)
    assert float(root.get("width")) < 350
    assert max(map(len, texts(svg))) < 60
    assert any(name in node.text for node in root.iter(f"{SVG}title"))


def test_colours_stand_out_on_white_and_on_black():
    """WCAG: text 4.5 to 1 on its box; boxes and lines 2 to 1, and arrows 3 to 1, on either ground."""

    def luminance(colour):
        c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    def contrast(a, b):
        low, high = sorted([luminance(a), luminance(b)])
        return (high + 0.05) / (low + 0.05)

    from multicapa.network.drawing import look, units

    for colour in [units._POSITIVE, units._NEGATIVE, units._LABEL]:
        assert contrast(colour, "#ffffff") > 4
        assert contrast(colour, "#111111") > 4
    for colour in [*look.COLOURS.values(), look.OTHER]:
        assert contrast(colour, "#ffffff") > 4.5
        assert contrast(colour, "#111111") > 2
    for ground in ("#ffffff", "#111111"):
        assert contrast(look.WIRE, ground) > 3


def test_text_fits_its_box():
    """Estimated for wide fonts: measured with DejaVu Sans, one of the widest."""
    pytest.importorskip("matplotlib")
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    from multicapa.network.drawing.look import text_width

    for text in ("dense_1", "Dense · softmax", "4,160 params", "MAXIMUM_WIDTH", "illicit.fill", "batch_norm_12"):
        for bold in (False, True):
            font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
            measured = TextPath((0, 0), text, size=12, prop=font).get_extents().width
            assert measured <= 1.08 * text_width(text, 12, bold)


@pytest.mark.parametrize("columns", [0, -1, 2.5, "two", True])
def test_wrong_columns(columns):
    with pytest.raises((ValueError, TypeError), match="columns"):
        residual(1).to_svg(columns)


def test_deep_networks_are_quick_to_draw():
    code = """
import time, multicapa as mc
layers = [mc.Dense(4, "tanh") for _ in range(60)]
net = mc.Sequential(layers, input_shape=4, skip_connections=True, seed=0)
start = time.process_time()
net.to_svg()
print(time.process_time() - start)
"""
    assert float(output_of(code)) < 10


def test_where_outputs_are_and_lanes_reach_recurrent_layers():
    """An output in the middle is marked; a lane from the side ends at the box, whose loop is on the other side then."""
    source, target = mc.Input((6, 3), name="source"), mc.Input((5, 2), name="target")
    state = mc.Dense(4, name="state")(mc.GRU(4, name="reader")(mc.Dense(3)(source)))
    said = mc.GRU(4, return_sequences=True, name="sayer")([target, state])
    net = mc.Network([source, target], [state, mc.Dense(2, "tanh", name="last")(said)], seed=0)
    drawing = net.to_svg()
    assert "Dense · output<" in drawing
    assert "Dense · tanh · output<" in drawing
    assert "output<" not in mc.Network([source, target], said, seed=0).to_svg()
    root = ET.fromstring(mc.Seq2Seq(units=8, seed=0).fit(["abc"], ["bca"], epochs=1).network_.to_svg())
    rects = {
        group.find(f"{SVG}title").text.partition(":")[0]: [
            float(group.find(f"{SVG}rect").get(at)) for at in ("x", "y", "width", "height")
        ]
        for group in root.iter(f"{SVG}g")
        if group.find(f"{SVG}title") is not None
    }
    heads = [tuple(map(float, re.match(r"M(\S+) ([^L]+)", path.get("d")).groups())) for path in root.iter(f"{SVG}path")
             if path.get("d").endswith("Z")]  # fmt: skip
    for name, sides in (("encoder_0", {"right"}), ("decoder_0", {"left", "right"})):
        x, y, width, height = rects[name]
        at = {side for px, py in heads for side, edge in (("left", x), ("right", x + width))
              if abs(px - edge) < 0.02 and y < py < y + height}  # fmt: skip
        assert at == sides, name
