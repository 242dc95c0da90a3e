"""Arrays and arguments of every odd kind: the right result, or a clear error and weights as they were."""

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, numbers_of

rng = np.random.default_rng(0)
X = rng.normal(size=(24, 6))
Y = np.arange(24) % 3
T = rng.normal(size=(24, 3))


def classifier(dtype="float64", n_in=6):
    return mc.Sequential([mc.Dense(8, "tanh"), mc.Dense(3, "softmax")], input_shape=(n_in,), dtype=dtype, seed=0)


def regressor(dtype="float64", n_in=6, n_out=3):
    return mc.Sequential([mc.Dense(8, "tanh"), mc.Dense(n_out)], input_shape=(n_in,), dtype=dtype, seed=0)


CALLS = {
    "fit": lambda net, x, y, **options: net.fit(x, y, epochs=1, **options),
    "partial_fit": lambda net, x, y, **options: net.partial_fit(x, y, **options),
    "evaluate": lambda net, x, y, **options: net.evaluate(x, y, **options),
    "loss_and_gradient": lambda net, x, y, **options: net.loss_and_gradient(x, y, **options),
    "validation": lambda net, x, y, **options: net.fit(X, Y, epochs=1, validation_data=(x, y), **options),
}


def refuses(net, error, match, call, *arguments, **options):
    """The call raises a clear error and has changed nothing."""
    before, state, steps = numbers_of(net), net.state.flat.tobytes(), net._core.training_steps
    loss, history = net.loss, net.history
    with pytest.raises(error, match=match):
        call(net, *arguments, **options)
    assert numbers_of(net) == before
    assert net.state.flat.tobytes() == state
    assert net._core.training_steps == steps
    assert net.loss == loss
    assert net.history is history


# ---- not finite ----


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_not_finite_in_x(wrong, dtype, call):
    for kind in ("float32", "float64", ">f8"):
        x = X.astype(kind)
        x[17, 4] = wrong
        refuses(
            classifier(dtype),
            ValueError,
            r"X\[17, 4\] is -?(nan|inf)" if call != "partial_fit" else r"x\[17, 4\]",
            CALLS[call],
            x,
            Y,
        )


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_not_finite_in_y(wrong, call):
    t = T.copy()
    t[3, 2] = wrong
    net = regressor()
    if call == "validation":
        refuses(
            net, ValueError, r"y\[3, 2\] is", lambda net, x, y: net.fit(X, T, epochs=1, validation_data=(x, y)), X, t
        )
    else:
        refuses(net, ValueError, r"y\[3, 2\] is", CALLS[call], X, t)


@pytest.mark.parametrize("place", [0, 1, 7, 8, 15, 16, 4095, 4096, 9999])
def test_not_finite_is_found_everywhere(place):
    x = np.zeros((10_000, 1), dtype=np.float32)
    x[place] = np.nan
    net = mc.Sequential([mc.Dense(1)], input_shape=1, seed=0)
    for array in (x, x.astype(np.float64), np.repeat(x, 2, axis=1)[:, :1], x[::-1]):
        where = 9999 - place if array.base is x else place
        with pytest.raises(ValueError, match=rf"X\[{where}, 0\] is nan"):
            net.predict(array)


def test_not_finite_in_many_axes():
    x = np.zeros((3, 2, 4))
    x[1, 1, 2] = np.inf
    net = mc.Sequential([mc.Flatten(), mc.Dense(1)], input_shape=(2, 4), seed=0)
    with pytest.raises(ValueError, match=r"X\[1, 1, 2\] is inf"):
        net.predict(x)


@pytest.mark.parametrize("call", CALLS)
def test_too_large_for_float32(call):
    x = X.copy()
    x[5, 1] = 1e40
    refuses(classifier("float32"), ValueError, r"\[5, 1\] is 1e\+40, too large for float32", CALLS[call], x, Y)
    assert np.isfinite(classifier("float64").predict(x)).all()


@pytest.mark.parametrize("kind", [">f8", "longdouble"])
def test_too_large_after_conversion(kind):
    x = X.astype(kind)
    x[5, 1] = 1e40
    refuses(classifier("float32"), ValueError, "too large|overflow", CALLS["fit"], x, Y)


def test_too_large_target_and_weight_for_float32():
    t = T.copy()
    t[2, 0] = -1e40
    refuses(regressor("float32"), ValueError, r"y\[2, 0\] is -1e\+40", CALLS["fit"], X, t)
    weights = np.ones(24)
    weights[3] = 1e40
    refuses(regressor("float32"), ValueError, "sample_weight", CALLS["fit"], X, T, sample_weight=weights)


# ---- shapes ----


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("wrong", [X[:, :5], np.hstack([X, X]), X[0, 0], X[:, :, None], X[None], X[:, :0]])
def test_wrong_shape_of_x(wrong, call):
    name = "x" if call == "partial_fit" else "X"
    refuses(classifier(), ValueError, rf"{name} should have shape \(n_samples, 6\)", CALLS[call], wrong, Y)


@pytest.mark.parametrize("wrong", [X[:, :5], X[0], X[:, :, None]])
def test_wrong_shape_in_predict(wrong):
    with pytest.raises(ValueError, match=r"n_samples, 6"):
        classifier().predict(wrong)


@pytest.mark.parametrize("call", ["fit", "evaluate", "loss_and_gradient", "validation", "partial_fit"])
def test_no_samples(call):
    refuses(classifier(), ValueError, "no samples", CALLS[call], X[:0], Y[:0])


def test_predict_of_no_samples():
    assert classifier().predict(X[:0]).shape == (0, 3)
    with pytest.raises(ValueError, match="shape"):
        classifier().predict([])


@pytest.mark.parametrize("call", ["fit", "evaluate", "loss_and_gradient", "partial_fit"])
@pytest.mark.parametrize("wrong", [T[:-1], np.vstack([T, T]), T[:, :2], T[:, :, None], T[0], 3.0, T.T, None])
def test_wrong_shape_of_y(wrong, call):
    refuses(regressor(), (ValueError, TypeError), "y ", CALLS[call], X, wrong)


def test_one_output_takes_a_column_or_a_row():
    net = regressor(n_out=1)
    column = net.loss_and_gradient(X, T[:, :1])[0]
    assert net.loss_and_gradient(X, T[:, 0])[0] == column
    refuses(net, ValueError, "y should have shape", CALLS["fit"], X, T[:, :2])


# ---- classes ----


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("wrong", "match"), [(3, "class 3.*0 to 2"), (-1, "class -1"), (10**12, "class 10{12}"), (-(2**63), "class -")]
)
def test_unknown_class(wrong, match, call):
    y = Y.copy()
    y[11] = wrong
    refuses(classifier(), ValueError, match, CALLS[call], X, y)


def test_class_beyond_int64():
    y = Y.astype(np.uint64)
    y[0] = 2**64 - 1
    refuses(classifier(), ValueError, "class 18446744073709551615", CALLS["fit"], X, y)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("wrong", [Y.astype(float), Y + 0.5, Y.astype(object), Y > 0, Y.astype(complex)])
def test_labels_that_are_no_integers(wrong, call):
    refuses(classifier(), (ValueError, TypeError), "LabelEncoder|numbers", CALLS[call], X, wrong)


def test_texts_in_a_column_are_no_labels():
    refuses(classifier(), (ValueError, TypeError), "numbers", CALLS["fit"], X, Y.astype(str)[:, None].tolist())


@pytest.mark.parametrize(
    ("loss", "last", "wrong"),
    [
        ("binary_cross_entropy", "sigmoid", 1.5),
        ("binary_cross_entropy", "sigmoid", -0.1),
        ("cross_entropy", "softmax", -0.1),
        ("poisson", "exponential", -1.0),
        ("hinge", "linear", 0.0),
        ("perceptron", "linear", 2.0),
    ],
)
def test_targets_out_of_range(loss, last, wrong):
    net = mc.Sequential([mc.Dense(3, last)], input_shape=6, dtype="float64", seed=0)
    rows = np.ones((24, 3))
    rows[4, 1] = wrong
    refuses(net, ValueError, loss, CALLS["fit"], X, rows, loss=loss)


@pytest.mark.parametrize(
    ("loss", "last", "target_range"),
    [
        ("cross_entropy", "softmax", (-1, 1)),
        ("binary_cross_entropy", "sigmoid", (-1, 1)),
        ("binary_cross_entropy", "sigmoid", (0, 2)),
        ("hinge", "linear", (0, 1)),
        ("poisson", "exponential", (-1, 1)),
    ],
)
@pytest.mark.parametrize("one_hot", [False, True])
def test_target_range_out_of_range(loss, last, target_range, one_hot):
    """What rows may not hold, classes may not be written as."""
    net = mc.Sequential([mc.Dense(3, last)], input_shape=6, dtype="float64", seed=0)
    y = np.eye(3)[Y] if one_hot else Y
    refuses(net, ValueError, loss, CALLS["fit"], X, y, loss=loss, target_range=target_range)


# ---- arguments of fit ----

WRONG_OPTIONS = [
    ("loss", "cross_entropi", "cross_entropy"),
    ("loss", 3, "loss"),
    ("loss_weights", [1.0], "loss_weights are for networks with several outputs"),
    ("loss", mc.losses.CrossEntropy, "loss"),
    ("optimizer", "adamm", "adam"),
    ("optimizer", mc.Adam, "optimizer"),
    ("optimizer", None, "optimizer"),
    ("epochs", -1, "epochs"),
    ("epochs", 1.5, "epochs"),
    ("epochs", "many", "epochs"),
    ("epochs", True, "epochs"),
    ("epochs", None, "epochs"),
    ("batch_size", 0, "batch_size"),
    ("batch_size", -5, "batch_size"),
    ("batch_size", 2.5, "batch_size"),
    ("batch_size", "all", "batch_size"),
    ("validation_data", X, "validation_data"),
    ("validation_data", (X,), "validation_data"),
    ("validation_data", (X, Y, Y), "validation_data"),
    ("validation_data", 0.2, "validation_data"),
    ("callbacks", 3, "callbacks|iterable"),
    ("callbacks", [3], "callback"),
    ("shuffle", "yes", "shuffle"),
    ("shuffle", None, "shuffle"),
    ("sample_weight", np.ones(23), "sample_weight"),
    ("sample_weight", np.ones((24, 1)), "sample_weight"),
    ("sample_weight", -np.ones(24), "sample_weight"),
    ("sample_weight", np.full(24, np.nan), "sample_weight"),
    ("sample_weight", 2.0, "sample_weight"),
    ("sample_weight", ["a"] * 24, "sample_weight|float"),
    ("class_weight", "balance", "class_weight"),
    ("class_weight", [1, 2, 3], "class_weight"),
    ("class_weight", {7: 1.0}, "class_weight.*7"),
    ("class_weight", {0: -1.0}, "class weight"),
    ("class_weight", {0: np.inf}, "class weight"),
    ("class_weight", {0: "heavy"}, "class.weight|float"),
    ("target_range", 1.0, "target_range"),
    ("target_range", (0, 1, 2), "target_range"),
    ("target_range", (0, "a"), "target_range"),
    ("target_range", (0, np.nan), "target_range"),
    ("target_range", (1, 1), "target_range"),
    ("label_smoothing", 1.0, "label_smoothing"),
    ("label_smoothing", -0.1, "label_smoothing"),
    ("label_smoothing", "a", "label_smoothing"),
    ("l1", -1.0, "l1"),
    ("l1", None, "l1"),
    ("l2", np.nan, "l2"),
    ("l2", "a", "l2"),
    ("penalize_biases", "yes", "penalize_biases"),
    ("bptt", 3, "bptt"),
    ("steps_per_epoch", 3, "steps_per_epoch is for an iterable of batches"),
    ("clip_norm", 0.0, "clip_norm"),
    ("clip_norm", -1, "clip_norm"),
    ("clip_norm", "a", "clip_norm"),
    ("normalize_gradient", 0, "normalize_gradient"),
    ("normalize_gradient", np.inf, "normalize_gradient"),
    ("clip_value", 0.0, "clip_value"),
    ("clip_value", -1.0, "clip_value"),
    ("clip_value", (1, 0), "clip_value"),
    ("clip_value", (1,), "clip_value"),
    ("clip_value", (np.nan, 1), "clip_value"),
    ("clip_value", "a", "clip_value"),
    ("verbose", "loud", "verbose"),
    ("verbose", 2, "verbose"),
    ("weight_noise", -1.0, "weight_noise"),
    ("target_noise", "a", "target_noise"),
    ("augment", 3, "augment"),
    ("augment", "flip", "augment"),
    ("curriculum", 3, "curriculum"),
    ("curriculum", "easy", "curriculum"),
    ("validation_split", 1.0, "validation_split"),
    ("validation_split", "a fifth", "validation_split"),
    ("metrics", "accuracy", "metrics"),
    ("metrics", ["accurracy"], "did you mean 'accuracy'"),
    ("resume", "yes", "resume"),
    ("resume", True, "no training to resume"),
]


@pytest.mark.parametrize(("name", "value", "match"), WRONG_OPTIONS, ids=lambda value: str(value)[:20])
def test_wrong_options_of_fit(name, value, match):
    refuses(classifier(), (ValueError, TypeError), match, lambda net: net.fit(X, Y, **{"epochs": 1, name: value}))


def test_every_option_of_fit_has_its_wrong_values():
    import inspect

    from multicapa import training

    names = {n for n, p in inspect.signature(training.fit).parameters.items() if p.kind is p.KEYWORD_ONLY}
    assert names == {name for name, _, _ in WRONG_OPTIONS}


def test_options_that_exclude_each_other():
    refuses(classifier(), ValueError, "exclude", CALLS["fit"], X, Y, clip_norm=1.0, normalize_gradient=1.0)


@pytest.mark.parametrize("call", CALLS)
def test_unknown_option(call):
    refuses(classifier(), TypeError, "epoch_count", CALLS[call], X, Y, epoch_count=3)


@pytest.mark.parametrize(
    "option", [{"l1": -1}, {"l2": "a"}, {"sample_weight": [1]}, {"loss": "x"}, {"target_range": 3}]
)
def test_wrong_options_of_loss_and_gradient(option):
    refuses(classifier(), (ValueError, TypeError), next(iter(option)), CALLS["loss_and_gradient"], X, Y, **option)


@pytest.mark.parametrize(("shape", "given", "hint"), [((6, 6, 1), (4, 6, 6), "None"), ((6, 6), (4, 6, 6, 1), "0")])
def test_a_single_channel_too_few_or_too_many_says_what_to_write(shape, given, hint):
    net = mc.Sequential([mc.Flatten(), mc.Dense(2)], input_shape=shape, seed=0)
    with pytest.raises(ValueError, match="single channel") as caught:
        net.predict(np.ones(given))
    assert f"X[..., {hint}]" in str(caught.value)
