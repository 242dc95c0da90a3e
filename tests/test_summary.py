"""The table of layers: as text, in notebooks, and below scikit-learn's own representation of an estimator."""

import unicodedata
from html.parser import HTMLParser

import numpy as np
import pytest

import multicapa as mc


def skipping():
    x = mc.Input((4,))
    h = mc.Dense(4, "tanh")(x)
    return mc.Network(x, mc.Dense(1000, "softmax")(mc.concat([h, x])), seed=0)


def test_table():
    lines = skipping().summary().splitlines()
    assert lines[0].split() == ["layer", "type", "output", "parameters", "reads"]
    assert lines[3].split() == ["dense_1", "dense,", "tanh", "(4,)", "20", "input_1"]
    assert lines[4].split() == ["concat_1", "concat", "(8,)", "0", "dense_1,", "input_1"]
    assert lines[1] == lines[6] == "-" * max(map(len, lines[2:6]))
    assert lines[-2:] == ["9,020 parameters", "float32: 35.2 KiB, with gradients 70.5 KiB"]
    assert all(line == line.rstrip() for line in lines)


def test_what_layers_tell_of_themselves():
    layers = [
        mc.Dense(6, "elu", activation_parameter=0.5, bias=False),
        mc.BatchNorm(),
        mc.Activation("leaky_relu", 0.3),
        mc.Dropout(0.25),
        mc.GaussianNoise(0.1),
        mc.Maxout(6, 3),
        mc.Reshape((2, 3)),
        mc.Flatten(),
        mc.layers.CustomActivation(np.sin, np.cos),
        mc.Dense(1),
    ]
    net = mc.Sequential(layers, input_shape=4, dtype="float64", seed=0)
    net.freeze("dense_1")
    text = net.summary(100)
    for told in ("dense, elu(0.5), no bias, frozen", "batch_norm  ", "activation, leaky_relu(0.3)", "dropout, 0.25",
                 "gaussian_noise, 0.1", "maxout, 3 pieces", "(2, 3)", "custom_activation, sin"):  # fmt: skip
        assert told in text, told
    assert text.splitlines()[-2:] == [
        "169 parameters, 24 of them frozen",
        "float64: 1.3 KiB, with gradients and state 2.7 KiB",
    ]


def test_memory_is_that_of_the_arrays():
    net = mc.Sequential([mc.Dense(64), mc.BatchNorm(), mc.Dense(64)], input_shape=64, seed=0)
    own, state = (sum(view.nbytes for view in views.values()) for views in (net.parameters, net.state))
    assert (
        f"float32: {own / 1024:.1f} KiB, with gradients and state {(2 * own + state) / 1024:.1f} KiB" in net.summary()
    )


def columns(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


@pytest.mark.parametrize("width", [50, 60, 80, 200])
@pytest.mark.parametrize("name", ["a_layer_with_a_very_long_name_indeed_" * 4, "x" * 300, "とても長い名前の層です" * 6])
def test_long_names_go_on_below(name, width):
    """No line is too long, and the name can be read from the table."""
    x = mc.Input(1_000_000, name="in")
    h = mc.Dense(3, "leaky_relu", name=name)(x)
    text = mc.Network(x, mc.concat([h, mc.Dense(3)(h)], name="out_" + name), seed=0).summary(width)
    lines = text.splitlines()
    assert max(map(columns, lines)) <= width
    assert "3,000,003" in text
    assert "leaky_relu" in text.replace("\n", "") or width < 60
    cells = "".join(line.split("  ")[0].strip() for line in lines if not line.startswith((" ", "-")))
    assert name in cells


def test_many_sources_go_on_below():
    net = mc.Sequential([mc.Dense(4) for _ in range(12)], input_shape=4, skip_connections=True, seed=0)
    text = net.summary()
    assert max(map(len, text.splitlines())) <= 80
    for i in range(1, 12):
        assert f"dense_{i}" in text.split("concat_11")[1]


def test_control_characters_stay_out_of_terminals():
    text = mc.Sequential([mc.Dense(1, name="red\x1b[31m\nnext")], input_shape=1, seed=0).summary()
    assert "\x1b" not in text
    assert r"red\x1b[31m\nnext" in text


@pytest.mark.parametrize("width", [49, 0, -5, 80.0, "80", None])
def test_wrong_width(width):
    with pytest.raises((ValueError, TypeError), match="width"):
        skipping().summary(width)


# ---- notebooks ----


class Tags(HTMLParser):
    """Names of tags, cells of tables and what tags refer to; complains when they do not close."""

    def __init__(self, text):
        super().__init__()
        self.names, self.open, self.cells, self.references = [], [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)
        self.references += [value for key, value in attributes if key in ("href", "src") or key.startswith("on")]
        if tag not in ("br", "circle", "path", "rect", "input"):
            self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_startendtag(self, tag, attributes):
        self.names.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "td":
            self.cells[-1] += data


def test_notebooks_show_drawing_and_table():
    tags = Tags(skipping()._repr_html_())
    assert {"svg", "table", "style"} <= set(tags.names)
    assert tags.cells[:5] == ["input_1", "input", "(4,)", "0", ""]
    assert tags.cells[10:15] == ["concat_1", "concat", "(8,)", "0", "dense_1, input_1"]
    assert tags.cells[-1].startswith("9,020 parameters")


def test_the_page_needs_nothing_else_and_takes_its_colours_from_around():
    text = skipping()._repr_html_()
    tags = Tags(text)
    assert not {"script", "link", "img", "iframe"} & set(tags.names)
    assert tags.references == []
    assert "url(" not in text
    style = text.split("<style>")[1].split("</style>")[0]
    assert "color: inherit" in style
    assert all(rule.strip().startswith((".multicapa", "border", "background")) for rule in style.strip().splitlines())


@pytest.fixture(scope="module")
def fitted():
    pytest.importorskip("sklearn")
    X = np.random.default_rng(0).normal(size=(30, 4))
    return mc.MLPClassifier((5,), solver="lbfgs", max_iter=500, random_state=0).fit(X, X[:, 0] > 0)


def html_of(model):
    """As notebooks ask for it, in both ways."""
    bundle = model._repr_mimebundle_()["text/html"]
    plain = model._repr_html_()
    assert bundle.count("<svg") == plain.count("<svg")
    return bundle


def test_a_fitted_estimator_shows_its_network(fitted):
    html = html_of(fitted)
    assert "sk-top-container" in html  # scikit-learn's own
    assert html.count("<svg") == 1
    assert "Dense · sigmoid" in html
    assert "<svg" not in html_of(mc.MLPClassifier())


def test_an_estimator_in_a_pipeline_is_a_box_of_it(fitted):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    html = html_of(make_pipeline(StandardScaler(), fitted))
    assert "MLPClassifier" in html
    assert "<svg" not in html


def test_an_estimator_as_text(fitted):
    import sklearn

    with sklearn.config_context(display="text"):
        assert list(fitted._repr_mimebundle_()) == ["text/plain"]
        assert not hasattr(fitted, "_repr_html_")


def test_prompts_show_it_as_it_is_printed():
    text = mc.Sequential([mc.Dense(1)], input_shape=2, seed=0).summary()
    assert isinstance(text, str)
    assert repr(text) == str(text)
    assert "\n" in repr(text)
