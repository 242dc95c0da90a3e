"""The plane is coloured as the network says, with its samples, boundaries and hidden units."""

import numpy as np
import pytest

import multicapa as mc
from multicapa import plots
from plot_helpers import BINARY, CLASSES, X, axes_of, classifier, diagonal, legend_of


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


def test_estimators_bring_their_names():
    model = mc.MLPClassifier((4,), max_iter=300, tol=1.0, n_iter_no_change=1)
    frame = pytest.importorskip("pandas").DataFrame(X, columns=["height", "width"])
    labels = np.array(["one", "three", "two"])[CLASSES]
    model.fit(frame, labels)
    display = plots.DecisionBoundaryDisplay.from_network(model, X, labels, resolution=9, ax=axes_of())
    assert legend_of(display.ax_) == ["one", "three", "two"]
    np.testing.assert_array_equal(display.y, CLASSES)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("height", "width")
    with pytest.raises(ValueError, match="'four', which is none of the classes one, three, two"):
        plots.DecisionBoundaryDisplay.from_network(model, X[:1], ["four"])
    with pytest.raises(TypeError, match="not fitted yet"):
        plots.DecisionBoundaryDisplay.from_network(mc.MLPClassifier(), X)
    binary = mc.MLPClassifier((4,), max_iter=300, tol=1.0, n_iter_no_change=1).fit(X, np.array(["no", "yes"])[BINARY])
    shown = plots.DecisionBoundaryDisplay.from_network(binary, X, np.array(["no", "yes"])[BINARY], ax=axes_of())
    assert legend_of(shown.ax_) == ["no", "yes"]
    curves = plots.LearningCurvesDisplay.from_history({"a": binary, "b": model}, ax=axes_of())
    assert curves.histories["a"] is binary.history_
