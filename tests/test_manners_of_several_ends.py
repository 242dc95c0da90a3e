"""Networks with several inputs and outputs: history, callbacks, files, on-line training, summary, drawing, traces."""

import pickle

import numpy as np
import pytest

import multicapa as mc
from helpers import assert_near, rng
from test_finite_differences import assert_gradients_match_differences
from test_several_ends import crossed, crossed_samples, ragged, samples, two_and_two


def test_history_metrics_and_callbacks_by_name(tmp_path):
    net, (X, y) = two_and_two("float32"), samples(60)
    diagnosis = mc.Diagnosis()
    history = net.fit(
        X,
        y,
        epochs=4,
        validation_split=0.25,
        metrics={"price": ["mae"], "kind": ["accuracy"]},
        callbacks=[
            diagnosis,
            mc.EarlyStopping(monitor="val_kind_accuracy", patience=9),
            mc.Checkpoint(tmp_path / "best"),
        ],
        label_smoothing={"kind": 0.1},
        class_weight={"kind": "balanced"},
        l2={"middle": 0.01},
        clip_norm=1.0,
    )
    assert history.names() == [
        *("epoch", "loss", "price_loss", "kind_loss", "learning_rate", "seconds", "price_mae", "kind_accuracy"),
        *("val_loss", "val_price_loss", "val_kind_loss", "val_kind_accuracy", "val_price_mae"),
    ]
    assert list(diagnosis.records[-1]) == ["series", "middle", "price", "kind"]
    assert mc.load(tmp_path / "best").loss == net.loss


def test_metrics_of_all_outputs():
    net, (X, y) = two_and_two(), samples()

    def count(y, outputs):
        return len(outputs)

    values = net.evaluate(X, y, metrics=[count])
    assert (values["price_count"], values["kind_count"]) == (30, 30)


def test_weights_by_output():
    net, (X, y) = two_and_two(), samples()
    weights = np.zeros(30)
    weights[:10] = 3.0
    options = {"sample_weight": {"price": weights}}
    price = net.evaluate(X, y, **options)["price_loss"]
    first = {name: values[:10] for name, values in X.items()}
    assert price == pytest.approx(net.evaluate(first, {n: v[:10] for n, v in y.items()})["price_loss"], rel=1e-12)
    assert net.evaluate(X, y, **options)["kind_loss"] == net.evaluate(X, y)["kind_loss"]


def test_kept_in_files_and_pickles(tmp_path):
    net, (X, y) = two_and_two(), samples()
    net.fit(X, y, epochs=2, loss={"price": mc.losses.Huber(0.5)}, loss_weights={"kind": 0.5})
    net.save(tmp_path / "net", training=True)
    others = [mc.load(tmp_path / "net"), pickle.loads(pickle.dumps(net)), net.copy()]
    for other in others:
        assert (other.loss, other.spec, repr(other)) == (net.loss, net.spec, repr(net))
        for a, b in zip(other.predict(X), net.predict(X), strict=True):
            np.testing.assert_array_equal(a, b)
    net.fit(X, y, epochs=4, resume=True)
    others[0].fit(X, y, epochs=4, resume=True)
    np.testing.assert_array_equal(net.parameters.flat, others[0].parameters.flat)
    net.fit(X, y, loss={"price": mc.losses.CustomLoss(lambda y, t: ((y - t) ** 2).sum(1), lambda y, t: 2 * (y - t))})
    with pytest.raises(ValueError, match="functions of yours"):
        net.save(tmp_path / "net")


def test_on_line_by_lbfgs_and_by_curriculum():
    net, (X, y) = two_and_two(), samples()
    one = {name: values[0] for name, values in X.items()}
    first = net.partial_fit(one, {"price": 1.0, "kind": 2}, optimizer=mc.SGD(0.1))
    for _ in range(20):
        last = net.partial_fit([one["left"], one["right"]], [1.0, 2])
    assert last < first / 2
    before = net.evaluate(X, y)["loss"]
    history = net.fit(X, y, optimizer="lbfgs", batch_size=None, epochs=15)
    assert net.evaluate(X, y)["loss"] < before / 2
    assert history[-1]["price_loss"] == pytest.approx(net.evaluate(X, y)["price_loss"], rel=1e-9)
    net.fit(X, y, epochs=3, curriculum=mc.Curriculum("loss", epochs=2))


def test_summary_and_drawing():
    net = two_and_two()
    assert repr(net) == (
        "Network([left (3,), right (4, 2)] -> [price (1,), kind (4,)], 6 layers, 281 parameters, float64)"
    )
    assert "from left (3,), right (4, 2) to price (1,), kind (4,)" in net.summary()
    drawing = net.to_svg()
    assert all(f">{name}<" in drawing for name in ("left", "right", "price", "kind"))
    assert (net.input_shape, net.output_shape) == (((3,), (4, 2)), ((1,), (4,)))


def test_a_step_can_be_looked_into():
    net, (X, y) = two_and_two(), samples(6)
    trace = net.trace(X, y, loss_weights={"kind": 0.5})
    assert list(trace.activations) == [layer["name"] for layer in net.spec]
    np.testing.assert_array_equal(trace.activations["right"], X["right"])
    np.testing.assert_array_equal(trace.activations["kind"], net.predict(X)[1])
    kind = trace.activations["kind"] - np.eye(4)[y["kind"]]
    assert_near(trace.deltas["kind"], 0.5 * kind / 6, 1e-12)
    assert [layer.name for layer in net.layers] == ["series", "concat_1", "middle", "price", "concat_2", "kind"]
    net, (X, y) = crossed(), crossed_samples()
    trace, outputs = net.trace(ragged(X), y), net.predict(ragged(X))
    for name, values in zip(("words", "total", "marks"), outputs, strict=True):
        assert_near(trace.activations[name], values, 1e-12)


def test_frozen_parts_stay():
    net, (X, y) = two_and_two(), samples()
    net.freeze("series", "price")
    before = {name: net.parameters[name].copy() for name in net.parameters}
    net.fit(X, y, epochs=2)
    changed = {name.partition(".")[0] for name in before if (before[name] != net.parameters[name]).any()}
    assert changed == {"middle", "kind"}


def test_an_output_without_parameters_disturbs_nobody():
    x, z = mc.Input(4, name="x"), mc.Input(4, name="z")
    same = mc.Activation("tanh", name="same")(mc.Flatten()(x))
    net = mc.Network([x, z], [same, mc.Dense(2, name="p")(mc.concat([x, z]))], dtype="float64", seed=0)
    X, y = [rng(0).normal(size=(9, 4)), rng(1).normal(size=(9, 4))], [np.zeros((9, 4)), rng(2).normal(size=(9, 2))]
    assert mc.check_gradients(net, X, y).passed
    assert_gradients_match_differences(
        mc.Network(x, mc.Dense(2)(x), dtype="float64", seed=0), X[0], y[1], "squared_error"
    )
