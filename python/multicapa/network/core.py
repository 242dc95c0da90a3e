"""A network below training: a graph of layers, its numbers in the core, and what training is to minimise."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa import _core, initializers, losses
from multicapa.base.arrays import Array
from multicapa.base.checks import check_integer
from multicapa.base.history import History
from multicapa.base.views import Views
from multicapa.layers import LAYERS, RECURRENT
from multicapa.network.inputs import as_inputs
from multicapa.network.joint import as_loss, parts_of
from multicapa.network.ports import ports_of

# Options of layers that are functions of the user's.
_FUNCTIONS = ("value", "derivative", "forward", "backward")


def for_core(spec: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The layers without what the core need not know of them."""
    return [{k: v for k, v in layer.items() if k not in _FUNCTIONS and not k.endswith("_init")} for layer in spec]


class CoreNetwork:
    """What training, files and drawings see of a network; :class:`multicapa.Network` adds the verbs.

    Parameters
    ----------
    spec : list of dict
        The layers as plain data, each after those it reads.
    dtype : {"float32", "float64"}
    seed : int or None
        None draws one.
    """

    def __init__(self, spec: list[dict[str, Any]], dtype: npt.DTypeLike, seed: int | None) -> None:
        self._build(spec, dtype, seed)

    def _build(
        self,
        spec: list[dict[str, Any]],
        dtype: npt.DTypeLike,
        seed: int | None,
        most_numbers: int | None = None,
    ) -> None:
        """``most_numbers``: how many there are to fill it; then none are drawn."""
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype should be float32 or float64, not {dtype!r}")
        if seed is None:
            seed = int(np.random.SeedSequence().generate_state(1)[0])
        self.seed = check_integer(seed, "seed", minimum=0, below=2**63)
        self.spec = spec
        core_class = _core.NetworkFloat32 if self.dtype == np.float32 else _core.NetworkFloat64
        self._core: Any = core_class(for_core(spec), self.seed, *(() if most_numbers is None else (most_numbers,)))
        for layer in spec:
            if layer["type"] == "custom_activation":
                self._core.attach(layer["name"], layer["value"], layer["derivative"])
            if layer["type"] == "custom":
                self._core.attach_layer(layer["name"], layer["forward"], layer["backward"])
        self.inputs, self.outputs = ports_of(spec, self._core.nodes)
        self.parameters = Views(self._core.parameters, self._core.parameter_tensors)
        self.gradients = Views(self._core.gradients, self._core.parameter_tensors)
        self.state = Views(self._core.state, self._core.state_tensors)
        self._frozen: set[str] = set()
        self.history = History()
        self.metadata: dict[str, Any] = {}
        self.loss: losses.Loss = as_loss(self.outputs, None, None)
        self._objectives: tuple[tuple[Any, Any], ...] = ()  # asked for lately
        self._learner: Any = None  # what on-line training remembers; of a file the name of its optimiser
        self._standing: dict[str, Any] | None = None  # where the last fit stands, for another to go on
        if most_numbers is None:
            self._initialize()

    def _initialize(self) -> None:
        by_name = {layer["name"]: layer for layer in self.spec}
        last = {by_name[output.name].get("shares", output.name) for output in self.outputs}
        for index, tensor in enumerate(self._core.parameter_tensors):
            layer, _, parameter = tensor["name"].rpartition(".")
            options = by_name[layer]
            first = LAYERS[options["type"]].first_values.get(parameter)
            default = first or initializers.default_for(options.get("activation", "linear"), output=layer in last)
            # Whoever chooses weights knows of zeros; how gates start is said by their layers.
            if parameter == "bias" and options.get("weight_init") is None and options["type"] not in RECURRENT:
                default = initializers.DEFAULT_BIAS
            how = options.get(f"{parameter}_init")
            rng = np.random.Generator(np.random.Philox(key=np.array([self.seed, index], dtype=np.uint64)))
            self.parameters[tensor["name"]] = initializers.initialize(
                default if how is None else how,
                rng,
                tensor["shape"],
                tensor["fan_in"],
                tensor["fan_out"],
                tensor["name"],
                self.dtype,
            )

    @property
    def input_shape(self) -> tuple[Any, ...]:
        """Shape of one sample; where there are several inputs, of one of each."""
        return self.inputs[0].shape if len(self.inputs) == 1 else tuple(port.shape for port in self.inputs)

    @property
    def output_shape(self) -> tuple[Any, ...]:
        """Shape of the output of one sample; where there are several outputs, of each."""
        return self.outputs[0].shape if len(self.outputs) == 1 else tuple(port.shape for port in self.outputs)

    @property
    def time(self) -> int:
        """Steps that a sample may have, of the first input; 0 where there is no time."""
        return self.inputs[0].time

    @property
    def output_activation(self) -> str:
        """The activation of the last layer, "linear" when it has none; of several outputs that of the first."""
        return self.outputs[0].activation

    def check_single(self, what: str) -> None:
        """Raise ValueError where there are several inputs or outputs."""
        if len(self.inputs) > 1 or len(self.outputs) > 1:
            raise ValueError(
                f"{what} takes networks with one input and one output, and this one has {len(self.inputs)} and "
                f"{len(self.outputs)}"
            )

    @property
    def n_parameters(self) -> int:
        """How many numbers training can change."""
        return sum(view.size for view in self.parameters.values())

    def predict(self, X: Any) -> Any:
        """The outputs for samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, *input_shape)
            Finite numbers. Arrays of the network's own dtype are read where they lie. Sequences may be shorter, and
            a list of them or :func:`multicapa.data.pad` of it may have different lengths. Of several inputs a dict by
            their names, or a list in the order of ``Network(inputs, ...)``.

        Returns
        -------
        ndarray of shape (n_samples, *output_shape), of the network's dtype
            Where each step has an output, those beyond a sequence's end are 0. Of several outputs a list of such
            arrays, in the order of ``Network(..., outputs)``.

        Raises
        ------
        ValueError
            If X has another shape, or holds NaN or infinity.

        Examples
        --------
        >>> import multicapa as mc
        >>> net = mc.Sequential([mc.Dense(2, weight_init=[[1.0, 2.0]])], input_shape=(1,), seed=0)
        >>> net.predict([[1.0], [3.0]])
        array([[1., 2.],
               [3., 6.]], dtype=float32)
        """
        outputs = self._core.predict(as_inputs(self.inputs, self.dtype, X))
        return outputs[0] if len(outputs) == 1 else outputs

    def freeze(self, *names: str) -> None:
        """Keep the parameters of these layers as they are in later fits; a BatchNorm its running statistics too.

        A frozen BatchNorm normalises by its running statistics also while the network is trained.

        Examples
        --------
        >>> import multicapa as mc
        >>> net = mc.Sequential([mc.Dense(4, "tanh"), mc.Dense(1)], input_shape=(2,), seed=0)
        >>> net.freeze("dense_1")
        """
        for name in names:
            self._core.freeze(name, True)
            self._frozen.add(name)

    def unfreeze(self, *names: str) -> None:
        """Let the parameters of these layers be trained again."""
        for name in names:
            self._core.freeze(name, False)
            self._frozen.discard(name)

    def frozen_mask(self) -> npt.NDArray[np.bool_]:
        """Which numbers of the flat vector of parameters are frozen."""
        mask = np.zeros(len(self.parameters.flat), dtype=bool)
        for tensor in self._core.parameter_tensors:
            if tensor["name"].rpartition(".")[0] in self._frozen:
                mask[tensor["offset"] : tensor["offset"] + int(np.prod(tensor["shape"]))] = True
        return mask

    def copy_numbers(self) -> tuple[Array, Array]:
        """A copy of all parameters and state, for :meth:`restore_numbers`."""
        return self.parameters.flat.copy(), self.state.flat.copy()

    def check_numbers(self, numbers: Any, what: str) -> None:
        """Raise ValueError unless :meth:`copy_numbers` of this network could have given them."""
        wanted = [(part.shape, part.dtype) for part in self.copy_numbers()]
        found = [(part.shape, part.dtype) for part in numbers if isinstance(part, np.ndarray)]
        if len(numbers) != len(wanted) or found != wanted:
            raise ValueError(f"{what} are not of this network")

    def restore_numbers(self, numbers: tuple[Array, Array]) -> None:
        """Bring back what :meth:`copy_numbers` copied."""
        self.parameters.flat[:], self.state.flat[:] = numbers

    def _objective(self, loss: losses.Loss, terms: tuple[Any, ...]) -> Any:
        """The core's form of what a call minimises: it goes along with each, since several threads may be at work.

        ``terms``: penalties, clipping and noise as the core takes them.
        """
        wanted = (loss, *terms)
        for known, objective in self._objectives:
            if known == wanted:
                return objective
        parts = [
            (part.name, part.parameter, weight, (part.value, part.derivative))
            if isinstance(part, losses.CustomLoss)
            else (part.name, part.parameter, weight, None)
            for _, part, weight in parts_of(loss)
        ]
        objective = self._core.objective(parts, *terms)
        self._objectives = ((wanted, objective), *self._objectives[:1])
        return objective
