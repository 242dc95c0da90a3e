"""Pictures: they show the numbers they claim to, mark what diverged, and complain clearly."""

import sys

import numpy as np
import pytest

import multicapa as mc
from helpers import output_of
from multicapa import plots

pytest.importorskip("matplotlib").use("agg")

from matplotlib.axes import Axes  # noqa: E402 - not before it is known to be there
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.legend import Legend  # noqa: E402
from matplotlib.text import Text  # noqa: E402
from matplotlib.transforms import Bbox  # noqa: E402

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 2))
CLASSES = (X[:, 0] * X[:, 1] > 0).astype(int) + (X[:, 0] > 1)
BINARY = (X[:, 0] > 0).astype(int)


def history_of(*names, epochs=4, start=1.0):
    return mc.History([{"epoch": k} | {n: start / (k + 1) + i for i, n in enumerate(names)} for k in range(epochs)])


def classifier(*hidden, outputs=3, last="softmax"):
    layers = [mc.Dense(units, "tanh") for units in hidden]
    return mc.Sequential([*layers, mc.Dense(outputs, last)], input_shape=(2,), seed=0)


def axes_of(width=7.0, height=5.0):
    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def line(ax, label):
    (found,) = [each for each in ax.get_lines() if each.get_label() == label]
    return found


def legend_of(owner):
    legend = owner.get_legend() if isinstance(owner, Axes) else owner.legends[0]
    return [text.get_text() for text in legend.get_texts()]


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


# ---- matplotlib ----


def test_nothing_needs_matplotlib_until_something_is_drawn():
    code = "import sys, multicapa.plots as p; p.SURFACES['saddle']([0, 0]); print('matplotlib' in sys.modules)"
    assert output_of(code) == "False"


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.LearningCurvesDisplay.from_history(history_of("loss")),
        lambda: plots.LearningCurvesDisplay.from_history(history_of("loss", "accuracy")),
        lambda: plots.DecisionBoundaryDisplay.from_network(classifier(), X, CLASSES),
        lambda: plots.OptimizerPathsDisplay.from_function("ravine"),
        lambda: plots.loss_curves(history_of("loss")),
        lambda: plots.save_loss_curves(history_of("loss"), "never.png"),
        lambda: plots.GradientFlowDisplay([1], {"delta": {"a": np.ones(1)}}).plot(),
        lambda: plots.PlateDisplay.from_data(lambda: pytest.fail("trained before"), X, CLASSES),
    ],
)
def test_without_matplotlib(draw, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "multicapa\[plots\]"'):
        draw()


def test_figures_are_those_of_pyplot_only_where_it_is_used():
    code = """
import sys, multicapa as mc
history = mc.History([{"epoch": 0, "loss": 1.0}])
bare = mc.plots.LearningCurvesDisplay.from_history(history).figure_
print("matplotlib.pyplot" in sys.modules)
from matplotlib import pyplot as plt
plt.switch_backend("agg")
drawn = mc.plots.LearningCurvesDisplay.from_history(history).figure_
print(plt.get_fignums() == [drawn.number], plt.get_backend())
"""
    assert output_of(code).split() == ["False", "True", "agg"]


# ---- learning curves ----


def test_curves_are_the_history():
    net = classifier(4)
    history = net.fit(X, CLASSES, validation_data=(X[:20], CLASSES[:20]), epochs=5)
    display = plots.LearningCurvesDisplay.from_history(history, ax=axes_of())
    loss, accuracy = display.axes_
    assert display.ax_ is loss
    assert (loss.get_ylabel(), accuracy.get_ylabel(), accuracy.get_xlabel()) == ("loss", "accuracy", "epoch")
    for ax, label, name in (
        (loss, "train (as met in training)", "loss"),
        (loss, "dev", "val_loss"),
        (accuracy, "dev", "val_accuracy"),
    ):
        np.testing.assert_array_equal(line(ax, label).get_xdata(), [1, 2, 3, 4, 5])
        np.testing.assert_array_equal(line(ax, label).get_ydata(), history[name])
    assert legend_of(loss) == ["train (as met in training)", "dev"]
    assert isinstance(display.figure_, Figure)
    again = plots.LearningCurvesDisplay.from_history(net, metrics="loss", ax=axes_of())
    np.testing.assert_array_equal(line(again.ax_, "dev").get_ydata(), history["val_loss"])


def test_several_histories():
    histories = {"small": history_of("loss", "val_loss"), "large": history_of("loss", "val_loss", start=2.0, epochs=7)}
    ax = axes_of()
    display = plots.LearningCurvesDisplay.from_history(histories, ax=ax)
    assert display.ax_ is ax
    assert legend_of(ax) == ["small", "large", "dev", "train"]
    for label, history in histories.items():
        train, dev = line(ax, f"{label}, train"), line(ax, f"{label}, dev")
        np.testing.assert_array_equal(train.get_ydata(), history["loss"])
        np.testing.assert_array_equal(dev.get_ydata(), history["val_loss"])
        assert train.get_color() == dev.get_color()
        assert (train.get_linestyle(), dev.get_linestyle()) == ("--", "-")
    assert line(ax, "small, dev").get_color() != line(ax, "large, dev").get_color()


def test_epochs_without_a_value_leave_a_gap():
    history = mc.History([{"loss": 3.0}, {"loss": 2.0, "val_loss": 2.5}, {"loss": 1.0}])
    drawn = line(plots.LearningCurvesDisplay.from_history(history, ax=axes_of()).ax_, "dev").get_ydata()
    np.testing.assert_array_equal(drawn, [np.nan, 2.5, np.nan])


def test_losses_far_apart_are_drawn_logarithmically():
    scales = []
    for last in (0.5, 0.001, 0.0):
        history = mc.History([{"loss": 1.0}, {"loss": last}])
        scales.append(plots.LearningCurvesDisplay.from_history(history, ax=axes_of()).ax_.get_yscale())
    assert scales == ["linear", "log", "linear"]


def test_kept_epoch_and_title():
    ax = plots.loss_curves(history_of("loss"), axes_of(), best_epoch=2, title="Digits")
    assert list(line(ax, "kept: epoch 3").get_xdata()) == [3, 3]
    assert "kept: epoch 3" in legend_of(ax)
    assert ax.get_title(loc="left") == "Digits"


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_curves_to_a_file(tmp_path, ending):
    path = tmp_path / f"curves.{ending}"
    plots.save_loss_curves(history_of("loss", "val_loss"), path, title="x")
    assert path.stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (mc.History(), {}, "the history has no epochs"),
        ({"a": history_of("loss"), "b": mc.History()}, {}, "the history 'b' has no epochs"),
        ({}, {}, "no history was given"),
        (history_of("loss"), {"metrics": "accuracy"}, "no epoch has 'accuracy'; there are epoch, loss"),
        ({"a": history_of("loss"), "b": history_of("loss")}, {"best_epoch": 1}, "best_epoch is for a single history"),
        ([1.0, 2.0], {}, "a History is what fit returns, not list"),
        (history_of("loss"), {"ax": "left"}, "ax should be the Axes of matplotlib, not str"),
    ],
)
def test_wrong_histories(arguments, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        plots.LearningCurvesDisplay.from_history(arguments, **options)


def test_axes_without_a_place_to_divide():
    ax = Figure().add_axes((0.1, 0.1, 0.8, 0.8))
    assert plots.LearningCurvesDisplay.from_history(history_of("loss"), ax=ax).ax_ is ax
    with pytest.raises(ValueError, match="divides the place of ax"):
        plots.LearningCurvesDisplay.from_history(history_of("loss", "accuracy"), ax=ax)


def test_the_place_of_axes_is_divided():
    figure = Figure(layout="constrained")
    left, right = figure.subplots(1, 2)
    display = plots.LearningCurvesDisplay.from_history(history_of("loss", "accuracy"), ax=right)
    assert display.figure_ is figure
    assert right not in figure.axes
    figure.canvas.draw()
    assert all(ax.get_position().x0 >= 0 for ax in display.axes_)
    assert min(ax.get_window_extent().x0 for ax in display.axes_) > left.get_window_extent().x1


# ---- decision boundaries ----


def test_the_plane_is_what_the_network_says():
    net = classifier(5)
    net.fit(X, CLASSES, optimizer=mc.Adam(0.05), epochs=20)
    display = plots.DecisionBoundaryDisplay.from_network(net, X, CLASSES, resolution=30, ax=axes_of())
    assert display.response.shape == (30, 30, 3)
    point = [display.xx0[7, 11], display.xx1[7, 11]]
    np.testing.assert_allclose(display.response[7, 11], net.predict([point])[0], rtol=1e-5)
    shown = display.ax_.get_images()[0].get_array()
    winners = display.response.argmax(axis=2)
    assert len(np.unique(winners)) > 1
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) == len(np.unique(winners))
    borders = [c for c in display.ax_.collections if not c.get_label().startswith("class")]
    ends = np.concatenate([path.vertices for border in borders for path in border.get_paths()])
    first, second = np.sort(net.predict(ends), axis=1)[:, :-3:-1].T
    np.testing.assert_allclose(first, second, atol=0.05)
    near = np.abs(display.response[..., :2].max(axis=2) - display.response[..., 2]) < 0.02
    for at in np.column_stack([display.xx0[near], display.xx1[near]]):
        assert np.linalg.norm(ends - at, axis=1).min() < 0.3
    for k in range(3):
        clouds = [c for c in display.ax_.collections if c.get_label() == f"class {k}"]
        np.testing.assert_array_equal(clouds[0].get_offsets(), X[k == CLASSES])
    assert legend_of(display.ax_) == ["class 0", "class 1", "class 2"]
    assert display.ax_.get_xlim()[0] < X[:, 0].min()
    assert display.ax_.get_xlim()[1] > X[:, 0].max()


def diagonal(last, slope=1.0):
    """One output, 0 before its activation where x1 + x2 = 0."""
    net = classifier(outputs=1, last=last)
    net.parameters["dense_1.weight"][:] = slope
    return net


@pytest.mark.parametrize(
    ("last", "y", "threshold"),
    [("sigmoid", BINARY, 0.5), ("tanh", 2 * BINARY - 1, 0.0), ("linear", 3 * BINARY, 1.5), ("linear", X[:, 0], None)],
)
def test_thresholds_of_one_output(last, y, threshold):
    display = plots.DecisionBoundaryDisplay.from_network(diagonal(last), X, y, ax=axes_of())
    assert display.threshold == threshold
    if threshold is None:
        assert display.class_names == []
        assert [ax.get_ylabel() for ax in display.figure_.axes] == ["x2", "output"]
        np.testing.assert_array_equal(display.ax_.collections[-1].get_array(), y)
        return
    assert display.class_names == ["class 0", "class 1"]
    np.testing.assert_array_equal(display.y, BINARY)
    (boundary,) = [c for c in display.ax_.collections if c.get_label() not in display.class_names]
    (path,) = boundary.get_paths()
    np.testing.assert_allclose(path.vertices.sum(axis=1), threshold if last == "linear" else 0.0, atol=0.02)


def test_threshold_of_hinge_and_of_the_user():
    net = diagonal("linear")
    net.fit(X, 2 * BINARY - 1, loss="hinge", epochs=1)
    display = plots.DecisionBoundaryDisplay.from_network(net, X, ax=axes_of())
    assert display.threshold == 0.0
    display = plots.DecisionBoundaryDisplay.from_network(net, X, BINARY, threshold=0.7, ax=axes_of())
    assert display.threshold == 0.7


def test_hidden_units_are_lines_where_their_input_is_zero():
    net = classifier(6, 3)
    display = plots.DecisionBoundaryDisplay.from_network(net, X, CLASSES, hidden=True, ax=axes_of())
    weights, biases = net.parameters["dense_1.weight"], net.parameters["dense_1.bias"]
    lines = display.ax_.get_lines()
    assert 1 <= len(lines) <= 6
    for drawn in lines:
        inputs = np.column_stack(drawn.get_data()) @ weights + biases
        assert np.abs(inputs).max(axis=0).min() < 1e-5
    assert legend_of(display.ax_)[-1] == "units of the first layer"
    assert not plots.DecisionBoundaryDisplay.from_network(net, X, ax=axes_of()).ax_.get_lines()


def test_hidden_unit_that_passes_by_is_not_drawn():
    net = classifier(2)
    net.parameters["dense_1.weight"] = [[1.0, 0.0], [0.0, 0.0]]
    net.parameters["dense_1.bias"] = [-0.25, 1.0]
    display = plots.DecisionBoundaryDisplay.from_network(net, X, hidden=True, ax=axes_of())
    (drawn,) = display.ax_.get_lines()
    np.testing.assert_allclose(drawn.get_xdata(), [0.25, 0.25])
    np.testing.assert_allclose(drawn.get_ydata(), display.ax_.get_ylim())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: (mc.Sequential([mc.Dense(2)], input_shape=(3,), seed=0), X), r"input_shape \(2,\), not \(3,\)"),
        (lambda: (classifier(), X[:, :1]), "shape .n_samples, 2., not of .60, 1."),
        (lambda: (classifier(), X, CLASSES[:5]), "60 samples like X"),
        (lambda: (classifier(), X, CLASSES + 5), "classes 5 to 7, but the network has 3 outputs"),
        (lambda: (classifier(), X, X[:, 0]), "integer classes"),
        (lambda: (classifier(), X, CLASSES.astype(str)), "integer classes"),
    ],
)
def test_wrong_networks_and_samples(make, message):
    with pytest.raises(ValueError, match=message):
        plots.DecisionBoundaryDisplay.from_network(*make(), ax=axes_of())


def test_wrong_options_of_the_plane():
    draw = plots.DecisionBoundaryDisplay.from_network
    with pytest.raises(ValueError, match="threshold is for a single output"):
        draw(classifier(), X, threshold=0.5)
    with pytest.raises(ValueError, match="class_names should be 3 names, not 2"):
        draw(classifier(), X, class_names=["a", "b"])
    with pytest.raises(ValueError, match="feature_names should be two names"):
        draw(classifier(), X, feature_names=["a"])
    with pytest.raises(ValueError, match="needs a Dense layer that reads the input"):
        draw(mc.Sequential([mc.LayerNorm(), mc.Dense(2, "softmax")], input_shape=(2,), seed=0), X, hidden=True)


# ---- the plate ----


def build():
    return mc.Sequential([mc.Dense(3, "relu"), mc.Dense(1)], input_shape=(2,), seed=0)


def test_plate_holds_all_runs():
    y = X[:, 0]
    options = {"epochs": 4, "validation_data": (X[:9], y[:9])}
    display = plots.PlateDisplay.from_data(
        build, X, y, learning_rates=(0.01, 0.1), batch_sizes=(8, 32, None), ax=axes_of(), **options
    )
    assert display.axes_.shape == (2, 3)
    assert display.diverged == {}
    for row, rate in enumerate((0.01, 0.1)):
        for column, batch in enumerate((8, 32, None)):
            ax = display.axes_[row, column]
            expected = build().fit(
                X, y, optimizer=mc.SGD(rate), batch_size=batch, epochs=4, validation_data=(X[:9], y[:9])
            )
            np.testing.assert_array_equal(line(ax, "train").get_ydata(), expected["loss"])
            np.testing.assert_array_equal(line(ax, "dev").get_ydata(), expected["val_loss"])
            assert ax.get_ylim() == display.ax_.get_ylim()
            assert ax.get_xlim() == (1, 4)
    assert [ax.get_title() for ax in display.axes_[0]] == ["batch 8", "batch 32", "all samples"]
    assert [ax.texts[0].get_text() for ax in display.axes_[:, -1]] == ["rate 0.01", "rate 0.1"]
    assert legend_of(display.ax_.figure) == ["train", "dev"]


def test_plate_of_the_lectures():
    display = plots.PlateDisplay.from_data(build, X, X[:, 0], epochs=1, ax=axes_of())
    assert display.axes_.shape == (3, 4)
    assert (display.learning_rates, display.batch_sizes) == ([0.001, 0.01, 0.1], [1, 16, 32, 64])
    assert legend_of(display.ax_.figure) == ["train"]


def texts_of(ax):
    return " ".join(text.get_text() for text in ax.texts)


def test_diverged_runs_are_marked_and_do_not_stretch_the_scale():
    y = X[:, 0]
    options = {"batch_sizes": (8, 16), "epochs": 6, "loss": "half_squared_error"}
    calm = plots.PlateDisplay.from_data(build, X, y, learning_rates=(0.01,), ax=axes_of(), **options)
    display = plots.PlateDisplay.from_data(build, X, y, learning_rates=(0.01, 1e3), ax=axes_of(), **options)
    assert set(display.diverged) == {(1e3, 8), (1e3, 16)}
    for ax, batch in zip(display.axes_[1], (8, 16), strict=True):
        assert f"diverges\nin epoch {display.diverged[1e3, batch] + 1}" in texts_of(ax)
        assert len(display.histories[1e3, batch]) == display.diverged[1e3, batch]
    assert not any("diverges" in texts_of(ax) for ax in display.axes_[0])
    assert display.ax_.get_ylim()[1] <= 10 * calm.ax_.get_ylim()[1]


def test_runs_on_their_way_to_infinity_do_not_stretch_the_scale():
    runs = {
        (0.1, b): mc.History([{"loss": v} for v in values]) for b, values in ((1, (2, 1)), (2, (2, 1e20)), (3, (2, 2)))
    }
    assert plots.PlateDisplay([0.1], [1, 2, 3], runs).plot(axes_of()).ax_.get_ylim()[1] < 3


def test_wrong_plates():
    draw = plots.PlateDisplay.from_data
    same = build()
    with pytest.raises(ValueError, match="build returned the same network again"):
        draw(lambda: same, X, X[:, 0], epochs=1)
    with pytest.raises(TypeError, match="build should return a network, not int"):
        draw(lambda: 3, X, X[:, 0])
    with pytest.raises(TypeError, match="learning_rates should be a sequence"):
        draw(build, X, X[:, 0], learning_rates=0.1)
    with pytest.raises(ValueError, match="each of learning_rates should be above 0"):
        draw(build, X, X[:, 0], learning_rates=(0.1, 0.0))
    with pytest.raises(ValueError, match="each of batch_sizes should be at least 1"):
        draw(build, X, X[:, 0], batch_sizes=(0,))
    with pytest.raises(ValueError, match="at least one learning rate"):
        draw(build, X, X[:, 0], learning_rates=())
    with pytest.raises(ValueError, match=r"no history for learning rate 0\.1 and batch size 2"):
        plots.PlateDisplay([0.1], [1, 2], {(0.1, 1): history_of("loss")})


# ---- paths of optimisers ----


@pytest.mark.parametrize("name", plots.SURFACES)
def test_gradients_of_the_surfaces(name):
    surface, step = plots.SURFACES[name], 1e-6
    for x in np.random.default_rng(1).uniform(-2, 2, (20, 2)):
        slopes = [(surface(x + d)[0] - surface(x - d)[0]) / (2 * step) for d in step * np.eye(2)]
        np.testing.assert_allclose(surface(x)[1], slopes, rtol=1e-5, atol=1e-7)
    (left, right), (bottom, top) = surface.limits
    assert left < surface.start[0] < right
    assert bottom < surface.start[1] < top


@pytest.mark.parametrize("name", plots.SURFACES)
def test_paths_are_those_of_minimize(name):
    chosen = {"plain": mc.SGD(0.1), "Adam": mc.Adam(0.2)}
    surface = plots.SURFACES[name]
    display = plots.OptimizerPathsDisplay.from_function(name, optimizers=chosen, steps=12, resolution=20, ax=axes_of())
    assert not display.diverged
    for label, optimizer in chosen.items():
        path = mc.optimizers.minimize(surface, surface.start, optimizer, 12)
        np.testing.assert_array_equal(np.column_stack(line(display.ax_, label).get_data()), path)
    assert display.ax_.get_xlim() == surface.limits[0]
    assert display.ax_.get_ylim() == surface.limits[1]
    assert display.heights[3, 5] == surface([display.xx0[3, 5], display.xx1[3, 5]])[0]
    assert legend_of(display.ax_) == ["plain", "Adam", "start"]


def test_what_the_surfaces_teach():
    """Where plain gradient descent is stuck, others get on."""
    ends = {}
    for name in plots.SURFACES:
        display = plots.OptimizerPathsDisplay.from_function(name, resolution=5, ax=axes_of())
        ends[name] = {label: plots.SURFACES[name](path[-1])[0] for label, path in display.paths.items()}
    assert ends["plateau"]["gradient descent"] > -1.5
    assert ends["plateau"]["Adam"] < -3.8
    assert ends["local minima"]["gradient descent"] > ends["local minima"]["momentum"] + 0.5
    assert max(ends["ravine"].values()) < 0.1
    assert max(ends["saddle"].values()) < -0.8


def bowl(x):
    return (x**2).sum(), 2 * x


def test_value_and_gradient_apart():
    options = {"x0": (1, 2), "optimizers": {"a": mc.SGD(0.1)}, "steps": 3, "resolution": 9}
    both = plots.OptimizerPathsDisplay.from_function(bowl, ax=axes_of(), **options)
    apart = plots.OptimizerPathsDisplay.from_function(lambda x: (x**2).sum(), lambda x: 2 * x, ax=axes_of(), **options)
    np.testing.assert_array_equal(both.paths["a"], apart.paths["a"])
    np.testing.assert_array_equal(both.heights, apart.heights)
    points, ax = both.paths["a"], both.ax_
    assert ax.get_xlim()[0] < points[:, 0].min() < points[:, 0].max() < ax.get_xlim()[1]
    assert ax.get_ylim()[0] < points[:, 1].min() < points[:, 1].max() < ax.get_ylim()[1]


@pytest.mark.parametrize("power", [2, 4])
def test_paths_that_run_away_are_marked(power):
    def f(x):
        return (x**power).sum(), power * x ** (power - 1)

    chosen = {"fine": mc.SGD(0.05), "wild": mc.SGD(3.0)}
    display = plots.OptimizerPathsDisplay.from_function(f, x0=(1, 1), optimizers=chosen, steps=300, ax=axes_of())
    assert display.diverged == {"wild"}
    assert legend_of(display.ax_) == ["fine", "wild (diverges)", "start"]
    assert display.ax_.get_xlim()[1] < 2
    assert np.isfinite(display.paths["wild"]).all()


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("ravin",), {}, "did you mean 'ravine'"),
        ((bowl,), {}, "x0, where the paths start, is missing"),
        ((bowl,), {"x0": (1, 2, 3)}, "x0 should be two finite numbers"),
        ((bowl,), {"x0": (1, np.nan)}, "x0 should be two finite numbers"),
        ((3,), {"x0": (1, 2)}, "f should be a function or the name of a surface, not 3"),
        ((lambda x: 1.0,), {"x0": (1, 2)}, "f should return the pair"),
        ((lambda x: (1.0, 2.0),), {"x0": (1, 2)}, "a value and a gradient of two numbers"),
        ((lambda x: (np.inf, x),), {"x0": (1, 2)}, "a value and a gradient of two numbers"),
        ((bowl,), {"x0": (1, 2), "limits": ((1, 0), (0, 1))}, "limits should be"),
        ((bowl,), {"x0": (1, 2), "optimizers": {"a": mc.LBFGS()}}, "for L-BFGS use scipy"),
    ],
)
def test_wrong_functions(arguments, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        plots.OptimizerPathsDisplay.from_function(*arguments, ax=axes_of(), **options)


# ---- gradient flow ----


def diagnosed(layers=4, every=1, epochs=6):
    diagnosis = mc.Diagnosis(every=every, warn=False)
    net = classifier(*[5] * layers)
    net.fit(X, CLASSES, epochs=epochs, callbacks=[diagnosis])
    return diagnosis


def test_flow_is_what_the_diagnosis_saw():
    diagnosis = diagnosed(every=2)
    display = plots.GradientFlowDisplay.from_diagnosis(diagnosis, ax=axes_of())
    names = [f"dense_{i}" for i in range(1, 6)]
    assert legend_of(display.ax_) == names
    assert [ax.get_ylabel() for ax in display.axes_] == ["gradient norm", "delta (rms)", "update : weight"]
    assert [ax.get_yscale() for ax in display.axes_] == ["log"] * 3
    for name in names:
        records = [record[name] for record in diagnosis.records]
        expected = (
            [r["gradient_norm"] for r in records],
            [r["delta"] for r in records],
            [r["update_norm"] / r["weight_norm"] for r in records],
        )
        for ax, values in zip(display.axes_, expected, strict=True):
            np.testing.assert_array_equal(line(ax, name).get_xdata(), [1, 3, 5])
            np.testing.assert_array_equal(line(ax, name).get_ydata(), values)


def test_one_quantity_of_the_flow():
    diagnosis = diagnosed()
    ax = axes_of()
    display = plots.GradientFlowDisplay.from_diagnosis(diagnosis, quantities="saturated", ax=ax)
    assert display.ax_ is ax
    assert ax.get_yscale() == "linear"
    np.testing.assert_array_equal(
        line(ax, "dense_2").get_ydata(), [r["dense_2"]["saturated"] for r in diagnosis.records]
    )


def test_no_gradient_leaves_a_gap():
    diagnosis = diagnosed()
    diagnosis.records[1]["dense_1"] |= {"delta": 0.0, "weight_norm": 0.0}
    display = plots.GradientFlowDisplay.from_diagnosis(diagnosis, ax=axes_of())
    for ax in display.axes_[1:]:
        assert np.isnan(line(ax, "dense_1").get_ydata()).tolist() == [False, True, False, False, False, False]


def test_the_legend_of_many_layers_names_some():
    display = plots.GradientFlowDisplay.from_diagnosis(diagnosed(layers=20, epochs=2), ax=axes_of())
    assert len(display.ax_.get_lines()) == 21
    assert len(legend_of(display.ax_)) == 8
    assert (legend_of(display.ax_)[0], legend_of(display.ax_)[-1]) == ("dense_1", "dense_21")


def test_wrong_diagnoses():
    with pytest.raises(ValueError, match="has seen no epoch"):
        plots.GradientFlowDisplay.from_diagnosis(mc.Diagnosis())
    with pytest.raises(ValueError, match="did you mean 'delta'"):
        plots.GradientFlowDisplay.from_diagnosis(diagnosed(), quantities=["delt"])
    with pytest.raises(ValueError, match="quantities is empty"):
        plots.GradientFlowDisplay.from_diagnosis(diagnosed(), quantities=[])


# ---- looks ----


def every_display():
    net = classifier(4)
    long = mc.History([{"loss": 3 / (k + 1), "val_loss": 2 / (k + 1), "val_accuracy": k / 120} for k in range(120)])
    yield plots.LearningCurvesDisplay({"": long}, best_epoch=40)
    yield plots.LearningCurvesDisplay({"a rather long label": long, "short": long[:9], "another": long[:50]})
    yield plots.DecisionBoundaryDisplay.from_network(net, X, CLASSES, hidden=True, resolution=20, ax=axes_of())
    yield plots.DecisionBoundaryDisplay.from_network(diagonal("linear"), X, X[:, 0], resolution=20, ax=axes_of())
    yield plots.PlateDisplay.from_data(build, X, X[:, 0], learning_rates=(0.001, 0.01, 1e3), epochs=3, ax=axes_of())
    for name in plots.SURFACES:
        yield plots.OptimizerPathsDisplay.from_function(name, resolution=10, ax=axes_of())
    yield plots.GradientFlowDisplay.from_diagnosis(diagnosed(layers=11, epochs=3), ax=axes_of())


@pytest.mark.parametrize("width", [5, 8])
def test_no_text_covers_another(width):
    titled = plots.loss_curves(history_of("loss", "val_loss"), axes_of(width), best_epoch=2, title="Digits")
    assert overlapping_texts(titled.figure) == []
    for display in every_display():
        figure = display.plot(axes_of(width, 6)).figure_
        assert overlapping_texts(figure) == [], type(display).__name__
        for legend in figure.findobj(Legend):
            box = legend.get_window_extent()
            over = [ax for ax in figure.findobj(Axes) if box.y0 < ax.bbox.y1 - 1 and ax.bbox.y0 < box.y1]
            assert not over, type(display).__name__


def test_the_check_sees_an_overlap():
    ax = axes_of()
    ax.set_xlabel("below")
    assert overlapping_texts(ax.figure) == []
    ax.text(0.5, 0.5, "one")
    ax.text(0.5, 0.5, "two")
    assert overlapping_texts(ax.figure) == ["one | two"]
