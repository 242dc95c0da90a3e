"""Learning curves show the history they are given, and complain clearly."""

import numpy as np
import pytest

import multicapa as mc
from multicapa import plots
from plot_helpers import CLASSES, Figure, X, axes_of, classifier, history_of, legend_of, line


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
    ax = plots.loss_curves(history_of("loss"), axes_of(), best_epoch=3, title="Digits")
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


def test_metrics_have_panels():
    net = classifier(4)
    options = {"validation_split": 0.3, "metrics": ["f1", "accuracy", "log_loss"], "epochs": 3}
    history = net.fit(X, CLASSES, callbacks=[mc.StopAtGradient(0.0)], **options)
    display = plots.LearningCurvesDisplay.from_history(history, ax=axes_of(7, 9))
    assert [ax.get_ylabel() for ax in display.axes_] == ["loss", "accuracy", "f1", "log loss"]
    np.testing.assert_array_equal(line(display.axes_[2], "train").get_ydata(), history["f1"])
    np.testing.assert_array_equal(line(display.axes_[2], "dev").get_ydata(), history["val_f1"])
    history = net.fit(X, CLASSES, metrics=["auc"], epochs=3)
    assert [ax.get_ylabel() for ax in plots.LearningCurvesDisplay.from_history(history, ax=axes_of()).axes_] == [
        "loss", "auc",
    ]  # fmt: skip
