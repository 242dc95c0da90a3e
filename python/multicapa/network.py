"""Networks: a graph of layers over the core that computes it."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa import _core, initializers, layers, losses, online, training
from multicapa.arrays import Array, as_samples
from multicapa.checks import check_integer
from multicapa.graph import graph_spec
from multicapa.history import History
from multicapa.regularization import Regularization
from multicapa.views import Views

# What the core need not know of a layer.
_PYTHON_ONLY = ("weight_init", "recurrent_weight_init", "bias_init", "recurrent_bias_init", "value", "derivative")


class Network:
    """A network as a graph of layers.

    Parameters
    ----------
    inputs : Symbol
        What :func:`multicapa.Input` returned.
    outputs : Symbol
        The output of the last layer.
    dtype : {"float32", "float64"}, default="float32"
        Of weights, activations and outputs.
    seed : int, optional
        Fixes the initial weights, the order of the samples, dropout and noise. None draws one.

    Attributes
    ----------
    parameters : mapping of str to array
        Weights by name, such as ``"dense_1.weight"``: views into the core's memory. Writing to
        them changes the network.
    gradients : mapping of str to array
        The same for the gradients of the last :meth:`loss_and_gradient`, or of the last update of
        an epoch.
    state : mapping of str to array
        What layers remember besides, such as running means.
    history : History
        One record per epoch of the last :meth:`fit`.
    spec : list of dict
        The layers as plain data.

    Examples
    --------
    A layer that skips another one, and a residual connection:

    >>> import multicapa as mc
    >>> x = mc.Input((4,))
    >>> h = mc.Dense(4, "tanh")(x)
    >>> net = mc.Network(x, mc.Dense(3, "softmax")(mc.concat([mc.add([h, x]), x])), seed=0)
    >>> net.parameters["dense_2.weight"].shape
    (8, 3)
    """

    def __init__(
        self,
        inputs: layers.Symbol,
        outputs: layers.Symbol,
        *,
        dtype: npt.DTypeLike = "float32",
        seed: int | None = None,
    ) -> None:
        for symbol, what in ((inputs, "inputs"), (outputs, "outputs")):
            if not isinstance(symbol, layers.Symbol):
                raise TypeError(f"{what} should be Input(...) or the result of calling a layer, not {symbol!r}")
        self._build(graph_spec(inputs, outputs), dtype, seed)

    def _build(self, spec: list[dict[str, Any]], dtype: npt.DTypeLike, seed: int | None) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype should be float32 or float64, not {dtype!r}")
        if seed is None:
            seed = int(np.random.SeedSequence().generate_state(1)[0])
        self.seed = check_integer(seed, "seed", minimum=0, below=2**63)
        self.spec = spec
        core_class = _core.NetworkFloat32 if self.dtype == np.float32 else _core.NetworkFloat64
        plain = [{k: v for k, v in layer.items() if k not in _PYTHON_ONLY} for layer in spec]
        self._core: Any = core_class(plain, self.seed)
        for layer in spec:
            if layer["type"] == "custom_activation":
                self._core.attach(layer["name"], layer["value"], layer["derivative"])
        nodes = self._core.nodes
        self.input_shape: tuple[int, ...] = nodes[0]["shape"]
        self.output_shape: tuple[int, ...] = nodes[-1]["shape"]
        self.parameters = Views(self._core.parameters, self._core.parameter_tensors)
        self.gradients = Views(self._core.gradients, self._core.parameter_tensors)
        self.state = Views(self._core.state, self._core.state_tensors)
        self._frozen: set[str] = set()
        self.history = History()
        self.metadata: dict[str, Any] = {}
        self.loss: losses.Loss = losses.get(losses.default_for(self.output_activation))
        self._objective: tuple[Any, ...] | None = None
        self._learner: online.OnlineLearner | None = None
        self._initialize()

    def _initialize(self) -> None:
        by_name = {layer["name"]: layer for layer in self.spec}
        for index, tensor in enumerate(self._core.parameter_tensors):
            layer, _, parameter = tensor["name"].rpartition(".")
            options = by_name[layer]
            default = layers.LAYERS[options["type"]].default_init(parameter, options)
            how = options.get(f"{parameter}_init")
            rng = np.random.Generator(np.random.Philox(key=np.array([self.seed, index], dtype=np.uint64)))
            self.parameters[tensor["name"]] = initializers.initialize(
                default if how is None else how,
                rng,
                tensor["shape"],
                tensor["fan_in"],
                tensor["fan_out"],
                tensor["name"],
            )

    @property
    def output_activation(self) -> str:
        """The activation of the last layer, "linear" when it has none."""
        last = self.spec[-1]
        return str(last["function"] if last["type"] == "activation" else last.get("activation") or "linear")

    @property
    def n_parameters(self) -> int:
        """How many numbers training can change."""
        return sum(view.size for view in self.parameters.values())

    def predict(self, X: npt.ArrayLike) -> Array:
        """The outputs for samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, *input_shape)
            Finite numbers. Arrays of the network's own dtype are read where they lie.

        Returns
        -------
        ndarray of shape (n_samples, *output_shape), of the network's dtype

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
        outputs: Array = self._core.predict(as_samples(X, self.input_shape, self.dtype))
        return outputs

    def evaluate(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        loss: str | losses.Loss | None = None,
        sample_weight: npt.ArrayLike | None = None,
        target_range: tuple[float, float] | None = None,
    ) -> dict[str, float]:
        """The mean loss on samples, without penalties, and for classifiers the accuracy.

        Parameters
        ----------
        X, y
            As in :meth:`fit`.
        loss : str or Loss, optional
            By default that of the last fit, before one what goes with the output activation.
        sample_weight : array-like of shape (n_samples,), optional
            Factors of the samples' losses.
        target_range : (float, float), optional
            As in :meth:`fit`.

        Returns
        -------
        dict
            ``"loss"``, and ``"accuracy"`` where the loss is that of a classifier.
        """
        chosen = self.loss if loss is None else losses.get(loss)
        samples = training.Samples.prepare(self, X, y, chosen, training.as_encoding(target_range), sample_weight, None)
        if self._objective is None or self._objective[0] != chosen:  # penalties do not matter here
            self._set_objective(chosen)
        return training.evaluate(self, samples, chosen)

    def loss_and_gradient(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        loss: str | losses.Loss | None = None,
        sample_weight: npt.ArrayLike | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        penalize_biases: bool = False,
        target_range: tuple[float, float] | None = None,
    ) -> tuple[float, Views]:
        """The cost of one batch and its gradient, as a training step would see them; nothing is updated.

        Parameters
        ----------
        X, y, loss, sample_weight, l1, l2, penalize_biases, target_range
            As in :meth:`fit`.

        Returns
        -------
        loss : float
            Mean over the samples, penalties included.
        gradients : mapping of str to array
            By the names of :attr:`parameters`; views that the next update overwrites.

        Examples
        --------
        >>> import multicapa as mc
        >>> net = mc.Sequential([mc.Dense(1, weight_init="ones")], input_shape=(1,), seed=0)
        >>> loss, gradients = net.loss_and_gradient([[2.0]], [[1.0]], loss="half_squared_error")
        >>> loss, gradients["dense_1.weight"].item()
        (0.5, 2.0)
        """
        chosen = self.loss if loss is None else losses.get(loss)
        samples = training.Samples.prepare(self, X, y, chosen, training.as_encoding(target_range), sample_weight, None)
        self._set_objective(chosen, Regularization(l1=l1, l2=l2, penalize_biases=penalize_biases))
        value: float = self._core.loss_and_gradient(*samples.core_arguments())
        return value, self.gradients

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, **options: Any) -> History:
        """Train the network."""
        return training.fit(self, X, y, **options)

    def partial_fit(self, x: npt.ArrayLike, t: npt.ArrayLike, **options: Any) -> float:
        """Update the network at once with one sample or a few: on-line learning.

        The optimiser keeps its state from call to call; naming another loss or optimiser starts afresh.

        Parameters
        ----------
        x : array-like of shape (n_samples, *input_shape) or input_shape
        t : array-like
            Targets as in :meth:`fit`, or the target of the one sample.
        loss : str or Loss, optional
        optimizer : str or Optimizer, default="sgd"
        sample_weight : array-like of shape (n_samples,), optional
        target_range : (float, float), optional

        Returns
        -------
        float
            The loss before the update.

        Examples
        --------
        >>> import multicapa as mc
        >>> net = mc.Sequential([mc.Dense(1, weight_init="zeros")], input_shape=(1,), seed=0)
        >>> net.partial_fit([1.0], [1.0], loss="half_squared_error", optimizer=mc.SGD(0.5))
        0.5
        >>> net.predict([[1.0]]).item()
        1.0
        """
        return online.partial_fit(self, x, t, **options)

    def freeze(self, *names: str) -> None:
        """Keep the parameters of these layers as they are in later fits."""
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

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a safetensors file with a JSON description inside; see :func:`multicapa.load`."""
        from multicapa.files import save

        save(self, path)

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
        from multicapa.summary import text_table

        return text_table(self, width)

    def to_svg(self, columns: int | None = None) -> str:
        """A drawing of the layers and what they read, as the text of an SVG file, for light and dark ground.

        Notebooks show it by themselves, beside the table of :meth:`summary`.

        Parameters
        ----------
        columns : int, optional
            How many columns a deep network is broken into, where a single layer feeds all that follow. By default as
            many as make a picture that is not much taller than wide.

        Examples
        --------
        >>> import multicapa as mc
        >>> from pathlib import Path
        >>> net = mc.Sequential([mc.Dense(3, "relu"), mc.Dense(1)], input_shape=(2,), seed=0)
        >>> size = Path("net.svg").write_text(net.to_svg(), encoding="utf-8")
        """
        from multicapa.drawing import to_svg

        return to_svg(self, columns)

    def _repr_html_(self) -> str:
        from multicapa.drawing import to_html

        return to_html(self)

    def copy_numbers(self) -> tuple[Array, Array]:
        """A copy of all parameters and state, for :meth:`restore_numbers`."""
        return self.parameters.flat.copy(), self.state.flat.copy()

    def restore_numbers(self, numbers: tuple[Array, Array]) -> None:
        """Bring back what :meth:`copy_numbers` copied."""
        self.parameters.flat[:], self.state.flat[:] = numbers

    def _set_objective(self, loss: losses.Loss, regularization: Regularization | None = None) -> None:
        objective = (loss, *(regularization or Regularization()).core_arguments())
        if objective == self._objective:
            return
        if isinstance(loss, losses.CustomLoss):
            self._core.set_objective("half_squared_error", None, *objective[1:])
            self._core.set_custom_loss(loss.value, loss.derivative)
        else:
            self._core.set_objective(loss.name, loss.parameter, *objective[1:])
        self._objective = objective

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.input_shape} -> {self.output_shape}, {len(self.spec) - 1} layers, "
            f"{self.n_parameters:,} parameters, {self.dtype})"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {
            "spec": self.spec,
            "dtype": self.dtype.name,
            "seed": self.seed,
            "numbers": self.copy_numbers(),
            "training_steps": self._core.training_steps,
            "history": self.history,
            "metadata": self.metadata,
            "loss": self.loss,
            "frozen": sorted(self._frozen),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._build(state["spec"], state["dtype"], state["seed"])
        self.restore_numbers(state["numbers"])
        self._core.training_steps = state["training_steps"]
        self.history, self.metadata, self.loss = state["history"], state["metadata"], state["loss"]
        self.freeze(*state["frozen"])
