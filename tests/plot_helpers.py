"""What the tests of pictures share: data, small networks, and a look at what was drawn."""

import numpy as np
import pytest

import multicapa as mc

pytest.importorskip("matplotlib").use("agg")

from matplotlib.axes import Axes  # noqa: E402 - not before it is known to be there
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.legend import Legend  # noqa: E402 - the tests take it from here
from matplotlib.text import Text  # noqa: E402
from matplotlib.transforms import Bbox  # noqa: E402

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 2))
CLASSES = (X[:, 0] * X[:, 1] > 0).astype(int) + (X[:, 0] > 1)
BINARY = (X[:, 0] > 0).astype(int)


def history_of(*names, epochs=4, start=1.0):
    return mc.History([{"epoch": k + 1} | {n: start / (k + 1) + i for i, n in enumerate(names)} for k in range(epochs)])


def classifier(*hidden, outputs=3, last="softmax"):
    layers = [mc.Dense(units, "tanh") for units in hidden]
    return mc.Sequential([*layers, mc.Dense(outputs, last)], input_shape=(2,), seed=0)


def axes_of(width=7.0, height=5.0):
    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def line(ax, label):
    (found,) = [each for each in ax.get_lines() if each.get_label() == label]
    return found


def legend_of(owner):
    """Row by row; matplotlib has them column by column. Of an axes, or the only one of a figure."""
    (legend,) = [owner.get_legend()] if isinstance(owner, Axes) else owner.findobj(Legend)
    texts, columns = [text.get_text() for text in legend.get_texts()], legend._ncols
    heights = [len(texts) // columns + (c < len(texts) % columns) for c in range(columns)]
    starts = np.cumsum([0, *heights])
    return [texts[starts[c] + r] for r in range(heights[0]) for c in range(columns) if r < heights[c]]


def diagonal(last, slope=1.0):
    """One output, 0 before its activation where x1 + x2 = 0."""
    net = classifier(outputs=1, last=last)
    net.parameters["dense_1.weight"][:], net.parameters["dense_1.bias"][:] = slope, 0.0
    return net


def build():
    return mc.Sequential([mc.Dense(3, "relu"), mc.Dense(1)], input_shape=(2,), seed=0)


def diagnosed(layers=4, every=1, epochs=6):
    diagnosis = mc.Diagnosis(every=every, warn=False)
    net = classifier(*[5] * layers)
    net.fit(X, CLASSES, epochs=epochs, callbacks=[diagnosis])
    return diagnosis


def overlapping_texts(figure):
    """Pairs of visible texts that cover each other, and texts that leave the figure."""
    FigureCanvasAgg(figure).draw()
    axes = figure.findobj(Axes)
    ticks = [(axis, tick) for ax in axes for axis in (ax.xaxis, ax.yaxis) for tick in axis.get_major_ticks()]
    # Ticks beyond the limits of their axis exist too, but are not drawn.
    beyond = {
        id(label)
        for axis, tick in ticks
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
        for label in (tick.label1, tick.label2)
    }
    texts = [
        (text.get_text(), text.get_window_extent())
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and id(text) not in beyond
    ]
    paper = figure.bbox.padded(1)
    wrong = [name for name, box in texts if not (paper.contains(*box.min) and paper.contains(*box.max))]
    for i, (one, box) in enumerate(texts):
        wrong += [f"{one} | {other}" for other, its in texts[i + 1 :] if Bbox.intersection(box, its) is not None]
    return wrong
