"""The flow of gradients is what the diagnosis saw."""

import numpy as np
import pytest

import multicapa as mc
from multicapa import plots
from plot_helpers import axes_of, diagnosed, legend_of, line


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
