"""Whether backpropagation gives the gradient: compared with differences of the cost, in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa import losses, training
from multicapa.base.arrays import Array
from multicapa.base.checks import check_integer, check_number
from multicapa.base.sequences import Padded
from multicapa.network.core import CoreNetwork
from multicapa.network.inner import up_to
from multicapa.network.joint import as_loss

_STEP = 1e-5
_OTHER_STEPS = (1e-6, 1e-7, 1e-4)  # where the first meets a kink, as of relu
_FLOOR = 1e-3  # of the largest gradient there is: what is smaller has the rounding of larger ones
_SAMPLES = 8  # that the functions of one layer are tried on


@dataclass(frozen=True)
class GradientRow:
    """One parameter of a layer, or what its backward says of what it read."""

    layer: str
    of: str
    checked: int  # numbers
    largest: float  # of the gradient
    difference: float  # the largest, from what differences of the cost give
    passed: bool


@dataclass(frozen=True)
class GradientReport:
    """What :func:`check_gradients` found; as text a table with a line for each parameter."""

    rows: tuple[GradientRow, ...]

    @property
    def passed(self) -> bool:
        """Whether all gradients are right."""
        return all(row.passed for row in self.rows)

    @property
    def wrong(self) -> list[str]:
        """The layers to look at: those of yours whose functions contradict each other, else all with a wrong row."""
        layers = list(dict.fromkeys(row.layer for row in self.rows if not row.passed))
        yours = list(dict.fromkeys(row.layer for row in self.rows if not row.passed and row.of.startswith("backward")))
        return yours or layers

    def __str__(self) -> str:
        table = [("layer", "gradient of", "numbers", "largest", "difference", "")]
        for row in self.rows:
            numbers = (f"{row.checked}", f"{row.largest:.3g}", f"{row.difference:.1e}")
            table.append((row.layer, row.of, *numbers, "ok" if row.passed else "WRONG"))
        widths = [max(len(row[i]) for row in table) for i in range(6)]
        lines = [
            "  ".join(cell.rjust(w) if 2 <= i <= 4 else cell.ljust(w) for i, (cell, w) in enumerate(pairs)).rstrip()
            for pairs in (list(zip(row, widths, strict=True)) for row in table)
        ]
        lines.insert(1, "-" * max(map(len, lines)))
        verdict = "all gradients are right" if self.passed else f"wrong gradients; look at {', '.join(self.wrong)}"
        return "\n".join([*lines, verdict])


def check_gradients(
    network: CoreNetwork,
    X: Any,
    y: Any,
    *,
    loss: str | losses.Loss | Mapping[str, Any] | Sequence[Any] | None = None,
    loss_weights: Mapping[str, float] | Sequence[float] | None = None,
    sample_weight: npt.ArrayLike | Mapping[str, Any] | None = None,
    target_range: tuple[float, float] | Mapping[str, tuple[float, float]] | None = None,
    tolerance: float = 1e-5,
    most: int = 50,
) -> GradientReport:
    """Compare the gradients of a network with differences of its cost.

    Of each parameter some numbers are moved up and down and the cost is looked at. The functions of layers of your own,
    :class:`multicapa.layers.Custom` and :class:`multicapa.layers.CustomActivation`, are besides held against each other
    on what they read, so that the report names a layer whose backward is wrong. All of it happens in float64, on a
    copy; the network stays as it is. Dropout and noise are those of the network's next step.

    Parameters
    ----------
    network : Network
    X, y, loss, loss_weights, sample_weight, target_range
        As in :meth:`multicapa.Network.fit`. Some ten samples are enough.
    tolerance : float, default=1e-5
        Difference that is allowed, relative to the largest number of the gradient of a parameter.
    most : int, default=50
        Numbers of each parameter that are moved, drawn at random where it has more.

    Returns
    -------
    GradientReport
        With ``passed``, ``wrong`` (names of layers) and ``rows``; ``print`` shows them as a table.

    Notes
    -----
    ``(C(w + h) - C(w - h)) / 2h``, of an error of the order of h². At a kink, as that of relu at 0, they say nothing:
    where they contradict the gradient they are taken again with other h.

    Examples
    --------
    >>> import multicapa as mc, numpy as np
    >>> halved = mc.layers.Custom(lambda x: x**2, lambda dy, x: dy * x, name="square")  # should be 2 dy x
    >>> net = mc.Sequential([mc.Dense(2), halved], input_shape=2, seed=0)
    >>> print(mc.check_gradients(net, np.eye(2), np.zeros((2, 2))).wrong)
    ['square']
    """
    check_number(tolerance, "tolerance", above=0)
    check_integer(most, "most", minimum=1)
    twin = _twin(network)
    chosen = as_loss(twin.outputs, loss, loss_weights, network.loss)
    encodings = training.as_encodings(twin, target_range)
    samples = training.Samples.prepare(twin, X, y, chosen, encodings, sample_weight, None)
    objective = training.objective_of(twin, chosen)

    def cost() -> float:
        return float(twin._core.loss_and_gradient(objective, *samples.core_arguments(), 0)[0])

    cost()
    gradients = {name: view.copy() for name, view in twin.gradients.items()}
    floor = _FLOOR * max((float(np.abs(gradient).max()) for gradient in gradients.values()), default=0.0)
    rng = np.random.default_rng(twin.seed)
    rows = list(_of_layers_of_yours(twin, samples, tolerance, most, rng))
    for name, view in twin.parameters.items():
        layer, _, parameter = name.rpartition(".")
        rows.append(_compare(layer, parameter, view, gradients[name], cost, tolerance, floor, most, rng))
    order = {layer["name"]: place for place, layer in enumerate(twin.spec)}
    return GradientReport(tuple(sorted(rows, key=lambda row: order[row.layer])))


def _twin(network: CoreNetwork) -> CoreNetwork:
    """A copy in float64."""
    twin = CoreNetwork(network.spec, "float64", network.seed)
    for theirs, ours in ((network.parameters, twin.parameters), (network.state, twin.state)):
        for name in ours:
            ours[name][...] = theirs[name]
    twin._core.training_steps = network._core.training_steps
    for name in network._frozen:
        twin.freeze(name)
    return twin


def _compare(
    layer: str,
    of: str,
    values: Array,
    gradient: Array,
    cost: Callable[[], float],
    tolerance: float,
    floor: float,
    most: int,
    rng: np.random.Generator,
) -> GradientRow:
    """Some numbers of an array, which the cost reads, moved up and down."""
    places = rng.choice(values.size, min(most, values.size), replace=False)
    largest = float(np.abs(gradient).max())
    worst = 0.0
    for place in (np.unravel_index(place, values.shape) for place in places):
        found = _differences(values, place, float(gradient[place]), cost, tolerance * max(largest, floor))
        worst = max(worst, abs(found - float(gradient[place]))) if np.isfinite(found) else np.inf
    return GradientRow(layer, of, len(places), largest, worst, worst <= tolerance * max(largest, floor, 1e-6))


def _differences(values: Array, place: Any, expected: float, cost: Callable[[], float], allowed: float) -> float:
    """The slope of the cost along one number; of several steps the one that is nearest to what is expected."""
    kept, best = float(values[place]), np.inf
    for step in (_STEP, *_OTHER_STEPS):
        values[place] = kept + step
        above = cost()
        values[place] = kept - step
        slope = (above - cost()) / (2 * step)
        values[place] = kept
        if not abs(slope - expected) >= abs(best - expected):
            best = slope
        if abs(best - expected) <= allowed:
            break
    return best


# ---- layers of the user's ----


def _of_layers_of_yours(
    network: CoreNetwork, samples: training.Samples, tolerance: float, most: int, rng: np.random.Generator
) -> Iterator[GradientRow]:
    for layer in network.spec:
        if layer["type"] not in ("custom", "custom_activation"):
            continue
        owner = layer.get("shares", layer["name"])
        xs = [_values_of(network, name, samples) for name in layer["inputs"]]
        names = (layer.get("parameter_names") or "").split(",") if layer.get("parameter_names") else []
        parameters = {name: network.parameters[f"{owner}.{name}"].copy() for name in names}
        forward, backward = _functions(layer)
        dy = rng.normal(size=np.shape(forward(*xs, **parameters)))

        def cost(forward: Any = forward, xs: Any = xs, dy: Any = dy, parameters: Any = parameters) -> float:
            y = forward(*[x.copy() for x in xs], **{name: p.copy() for name, p in parameters.items()})
            return float((dy * y).sum())

        given = backward(dy.copy(), *[x.copy() for x in xs], **{name: p.copy() for name, p in parameters.items()})
        deltas, gradients = given if names else (given, {})
        for i, (x, dx) in enumerate(zip(xs, deltas if len(xs) > 1 else [deltas], strict=True), 1):
            of = "backward: x" if len(xs) == 1 else f"backward: x{i}"
            yield _compare(layer["name"], of, x, np.asarray(dx), cost, tolerance, 0.0, most, rng)
        for name, values in parameters.items():
            found = np.asarray(gradients[name])
            yield _compare(layer["name"], f"backward: {name}", values, found, cost, tolerance, 0.0, most, rng)


def _functions(layer: Mapping[str, Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    if layer["type"] == "custom":
        return layer["forward"], layer["backward"]
    value, derivative = layer["value"], layer["derivative"]

    def flat(function: Callable[[Any], Any], z: Array) -> Array:
        return np.asarray(function(z.reshape(len(z), -1))).reshape(z.shape)

    return lambda z: flat(value, z), lambda da, z: da * flat(derivative, z)


def _values_of(network: CoreNetwork, name: str, samples: training.Samples) -> Array:
    """What a layer puts out for the first samples."""
    first = samples.part(slice(0, _SAMPLES))
    given = {
        port.name: x if lengths is None else Padded(x, lengths)
        for port, (x, lengths) in zip(network.inputs, first.inputs, strict=True)
    }
    if name in given:
        return np.array(first.inputs[[port.name for port in network.inputs].index(name)][0], dtype=np.float64)
    cut = up_to(network, name)
    values: Array = cut.predict({port.name: given[port.name] for port in cut.inputs})
    return values
