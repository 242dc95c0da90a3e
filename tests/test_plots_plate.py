"""The plate holds all its runs, and marks those that diverged."""

import numpy as np
import pytest

import multicapa as mc
from multicapa import plots
from plot_helpers import X, axes_of, build, history_of, legend_of, line


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
        assert f"diverges\nin epoch {display.diverged[1e3, batch]}" in texts_of(ax)
        assert len(display.histories[1e3, batch]) + 1 == display.diverged[1e3, batch]
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


def test_runs_that_are_not_in_the_picture_say_so():
    runs = {(r, 8): history_of("loss", "val_loss", start=1.0 if r < 1 else 1e4) for r in (0.01, 0.1, 1.0)}
    display = plots.PlateDisplay((0.01, 0.1, 1.0), (8,), runs).plot(axes_of())
    told = [texts_of(ax) for ax in display.axes_[:, 0]]
    assert ["off the scale" in text for text in told] == [False, False, True]
