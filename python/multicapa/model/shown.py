"""What a network shows of itself: its layers, every number of a step, its table and its drawings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy.typing as npt

from multicapa import losses, training
from multicapa.base.checks import check_name
from multicapa.network.core import CoreNetwork
from multicapa.network.joint import as_loss
from multicapa.network.part import NetworkLayer
from multicapa.network.trace import Trace, traced


class Shown(CoreNetwork):
    """The part of :class:`multicapa.Network` that looks and changes nothing."""

    def trace(
        self,
        X: Any,
        y: Any,
        *,
        loss: str | losses.Loss | Mapping[str, Any] | Sequence[Any] | None = None,
        loss_weights: Mapping[str, float] | Sequence[float] | None = None,
        sample_weight: npt.ArrayLike | Mapping[str, Any] | None = None,
        target_range: tuple[float, float] | None = None,
    ) -> Trace:
        """Every number of one training step: what each layer puts out, z, deltas and gradients; nothing is updated.

        Parameters
        ----------
        X, y, loss, loss_weights, sample_weight, target_range
            As in :meth:`fit`. All samples are one batch; dropout and noise are at work as in a training step.

        Returns
        -------
        Trace
            With ``loss`` and the arrays ``activations``, ``z``, ``deltas`` and ``gradients``, by name.

        Examples
        --------
        >>> import multicapa as mc
        >>> net = mc.Sequential([mc.Dense(2, "relu"), mc.Dense(1)], input_shape=(2,), seed=0)
        >>> net["dense_1"].parameters["weight"] = [[1.0, -1.0], [0.5, 1.0]]
        >>> net["dense_2"].parameters["weight"] = [[2.0], [3.0]]
        >>> for bias in ("dense_1.bias", "dense_2.bias"):
        ...     net.parameters[bias][:] = 0
        >>> trace = net.trace([[2.0, 2.0]], [[5.0]], loss="half_squared_error")
        >>> trace.z["dense_1"], trace.activations["dense_2"], trace.loss
        (array([[3., 0.]], dtype=float32), array([[6.]], dtype=float32), 0.5)
        >>> trace.deltas["dense_2"], trace.deltas["dense_1"]
        (array([[1.]], dtype=float32), array([[2., 0.]], dtype=float32))
        >>> trace.gradients["dense_1.weight"]
        array([[4., 0.],
               [4., 0.]], dtype=float32)
        """
        chosen = as_loss(self.outputs, loss, loss_weights, self.loss)
        encodings = training.as_encodings(self, target_range)
        samples = training.Samples.prepare(self, X, y, chosen, encodings, sample_weight, None)
        objective = training.objective_of(self, chosen, training.Regularization())
        return traced(self, objective, samples.core_arguments())

    def summary(self, width: int = 80) -> str:
        """The layers with their output shapes, parameters and what they read, and the memory they take, as text.

        Parameters
        ----------
        width : int, default=80
            No line is longer, cells that do not fit go on below. At least 50.

        Examples
        --------
        >>> import multicapa as mc
        >>> print(mc.Sequential([mc.Dense(3, "relu"), mc.Dense(1)], input_shape=(2,), seed=0).summary())
        layer    type         output  parameters  reads
        -------------------------------------------------
        input_1  input        (2,)             0
        dense_1  dense, relu  (3,)             9  input_1
        dense_2  dense        (1,)             4  dense_1
        -------------------------------------------------
        13 parameters
        float32: 52 B, with gradients 104 B
        """
        from multicapa.network.summary import text_table

        return text_table(self, width)

    def to_svg(
        self,
        columns: int | None = None,
        *,
        detail: Literal["layers", "units"] = "layers",
        trace: Trace | None = None,
        sample: int = 0,
    ) -> str:
        """A drawing of the layers and what they read, as the text of an SVG file, for light and dark ground.

        Notebooks show it by themselves, beside the table of :meth:`summary`.

        Parameters
        ----------
        columns : int, optional
            How many columns a deep network is broken into, where a single layer feeds all that follow. By default as
            many as make a picture that is not much taller than wide.
        detail : {"layers", "units"}, default="layers"
            "units" draws every unit and every weight of a small network of dense layers, from left to right: positive
            weights blue, negative ones orange, the thicker the larger.
        trace : Trace, optional
            What :meth:`trace` returned. Each unit then shows its z, its output and its delta. Only with "units".
        sample : int, default=0
            Which sample of the trace.

        Raises
        ------
        ValueError
            If the network has layers without units to draw, or more than 32 units in one, or more than 1024 edges.

        Examples
        --------
        >>> import multicapa as mc
        >>> from pathlib import Path
        >>> net = mc.Sequential([mc.Dense(3, "relu"), mc.Dense(1)], input_shape=(2,), seed=0)
        >>> size = Path("net.svg").write_text(net.to_svg(), encoding="utf-8")
        >>> trace = net.trace([[0.5, -1.0]], [[1.0]])
        >>> size = Path("units.svg").write_text(net.to_svg(detail="units", trace=trace), encoding="utf-8")
        """
        from multicapa.network.drawing import to_svg, units_svg

        check_name(detail, ("layers", "units"), "detail")
        if detail == "layers":
            if trace is not None or sample != 0:
                raise ValueError('trace and sample are for detail="units"')
            return to_svg(self, columns)
        if columns is not None:
            raise ValueError('columns are for detail="layers"')
        return units_svg(self, trace, sample)

    def _repr_html_(self) -> str:
        from multicapa.network.drawing import to_html

        return to_html(self)

    @property
    def layers(self) -> list[NetworkLayer]:
        """The layers in order, without the input, with their options and views of their numbers."""
        return [NetworkLayer(self, spec) for spec in self.spec[len(self.inputs) :]]

    def __getitem__(self, name: str) -> NetworkLayer:
        """A layer by its name."""
        if not isinstance(name, str):
            raise TypeError(f"layers are asked for by name, such as net['dense_1'], not by {name!r}; see net.layers")
        for spec in self.spec:
            if spec["name"] == name:
                return NetworkLayer(self, spec)
        raise KeyError(f"{name!r}; there are {', '.join(spec['name'] for spec in self.spec)}")

    def __repr__(self) -> str:
        ends = []
        for ports in (self.inputs, self.outputs):
            named = [f"{port.name} {port.shape}" for port in ports]
            ends.append(str(ports[0].shape) if len(ports) == 1 else f"[{', '.join(named)}]")
        return (
            f"{type(self).__name__}({ends[0]} -> {ends[1]}, {len(self.spec) - len(self.inputs)} layers, "
            f"{self.n_parameters:,} parameters, {self.dtype})"
        )
