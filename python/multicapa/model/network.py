"""Networks as users know them: the core network, and the verbs."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from multicapa import layers, losses, training
from multicapa.base.arrays import Array
from multicapa.base.checks import check_flag, check_integer
from multicapa.base.portable import Portable, unwrapped
from multicapa.base.views import Views
from multicapa.model.owners import check_free, own
from multicapa.model.shown import Shown
from multicapa.model.stream import Stream
from multicapa.network import attention, files
from multicapa.network.core import CoreNetwork
from multicapa.network.graph import graph_spec
from multicapa.network.joint import as_loss
from multicapa.network.outputs import check_outputs
from multicapa.training.standing import whole


class Network(Shown):
    """A network as a graph of layers.

    Parameters
    ----------
    inputs : Symbol or sequence of Symbol
        What :func:`multicapa.Input` returned. Of several inputs, ``X`` has an array for each: a dict by their names, or
        a list in this order.
    outputs : Symbol or sequence of Symbol
        The output of the last layer, or of several, which bear the names of their layers. An output can be read by
        other layers too.
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
    layers : list of NetworkLayer
        The layers without the input; ``net["dense_1"]`` is one of them by its name.

    Examples
    --------
    A layer that skips another one, and a residual connection:

    >>> import multicapa as mc
    >>> x = mc.Input((4,))
    >>> h = mc.Dense(4, "tanh")(x)
    >>> net = mc.Network(x, mc.Dense(3, "softmax")(mc.concat([mc.add([h, x]), x])), seed=0)
    >>> net.parameters["dense_2.weight"].shape
    (8, 3)

    Two inputs and two outputs, with a loss for each:

    >>> import numpy as np
    >>> left, right = mc.Input(3, name="left"), mc.Input(2, name="right")
    >>> h = mc.Dense(8, "tanh")(mc.concat([left, right]))
    >>> net = mc.Network([left, right], [mc.Dense(1, name="price")(h), mc.Dense(4, "softmax", name="kind")(h)], seed=0)
    >>> X = {"left": np.eye(3), "right": np.ones((3, 2))}
    >>> history = net.fit(X, {"price": [1.0, 2.0, 3.0], "kind": [0, 3, 1]}, loss_weights={"kind": 0.5}, epochs=2)
    >>> history.names()
    ['epoch', 'loss', 'price_loss', 'kind_loss', 'learning_rate', 'seconds']
    >>> [outputs.shape for outputs in net.predict(X)]
    [(3, 1), (3, 4)]
    """

    def __init__(
        self,
        inputs: layers.Symbol | Sequence[layers.Symbol],
        outputs: layers.Symbol | Sequence[layers.Symbol],
        *,
        dtype: npt.DTypeLike = "float32",
        seed: int | None = None,
    ) -> None:
        ends = [_symbols(given, what) for given, what in ((inputs, "inputs"), (outputs, "outputs"))]
        spec, made_by = graph_spec(*ends)
        self._make(spec, dtype, seed)
        weighted = [made_by[name] for name in dict.fromkeys(key.rpartition(".")[0] for key in self.parameters)]
        check_free(weighted)
        own(self, weighted)

    def _make(self, spec: list[dict[str, Any]], dtype: npt.DTypeLike, seed: int | None) -> None:
        """From a description, whoever else has made a network of its layers."""
        CoreNetwork.__init__(self, spec, dtype, seed)
        check_outputs(self)

    def evaluate(
        self,
        X: Any,
        y: Any = None,
        *,
        loss: str | losses.Loss | Mapping[str, Any] | Sequence[Any] | None = None,
        loss_weights: Mapping[str, float] | Sequence[float] | None = None,
        sample_weight: npt.ArrayLike | Mapping[str, Any] | None = None,
        target_range: tuple[float, float] | Mapping[str, tuple[float, float]] | None = None,
        metrics: Sequence[str | Callable[..., Any]] | Mapping[str, Sequence[str | Callable[..., Any]]] = (),
    ) -> dict[str, float]:
        """The mean loss on samples, without penalties, for classifiers the accuracy, and metrics.

        Parameters
        ----------
        X, y
            As in :meth:`fit`; without y, X is an iterable of batches.
        loss : str or Loss, optional
            By default that of the last fit, before one what goes with the output activation.
        loss_weights : dict or sequence of float, optional
            As in :meth:`fit`; by default those of the last fit.
        sample_weight : array-like of shape (n_samples,), optional
            Factors of the samples' losses.
        target_range : (float, float), optional
            As in :meth:`fit`.
        metrics : sequence of str or function(y, outputs), default=()
            As in :meth:`fit`. sample_weight goes to accuracy and to scikit-learn's scorers, not to functions.

        Returns
        -------
        dict
            ``"loss"``, ``"accuracy"`` where the loss is that of a classifier, and the metrics by their names. Of
            several outputs the loss of each besides, as ``"price_loss"``, and before the others the name of the output.

        Warns
        -----
        RuntimeWarning
            If the loss is infinite or NaN.

        Examples
        --------
        >>> import multicapa as mc
        >>> net = mc.Sequential([mc.Dense(1, "sigmoid", weight_init="ones")], input_shape=(1,), seed=0)
        >>> values = net.evaluate([[-2.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1], metrics=["auc", "recall"])
        >>> values["accuracy"], values["auc"], values["recall"]
        (0.75, 1.0, 1.0)
        """
        wanted = training.as_metrics(metrics, self)
        chosen = as_loss(self.outputs, loss, loss_weights, self.loss)
        encodings = training.as_encodings(self, target_range)

        def prepare(X: Any, y: Any, sample_weight: Any) -> training.Samples:
            training.check_known(self, y)
            return training.Samples.prepare(self, X, y, chosen, encodings, sample_weight, None)

        if y is not None:
            return training.evaluate(self, prepare(X, y, sample_weight), chosen, wanted)
        training.refuse_beside_batches(sample_weight=sample_weight is not None)
        return training.evaluate_batches(self, training.prepared(training.as_batches(X), prepare), chosen, wanted)

    def loss_and_gradient(
        self,
        X: Any,
        y: Any,
        *,
        loss: str | losses.Loss | Mapping[str, Any] | Sequence[Any] | None = None,
        loss_weights: Mapping[str, float] | Sequence[float] | None = None,
        sample_weight: npt.ArrayLike | Mapping[str, Any] | None = None,
        l1: float | Mapping[str, float] = 0.0,
        l2: float | Mapping[str, float] = 0.0,
        penalize_biases: bool = False,
        target_range: tuple[float, float] | Mapping[str, tuple[float, float]] | None = None,
        bptt: int | None = None,
    ) -> tuple[float, Views]:
        """The cost of one batch and its gradient, as a training step would see them; nothing is updated.

        Parameters
        ----------
        X, y, loss, loss_weights, sample_weight, l1, l2, penalize_biases, target_range, bptt
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
        chosen = as_loss(self.outputs, loss, loss_weights, self.loss)
        encodings = training.as_encodings(self, target_range)
        samples = training.Samples.prepare(self, X, y, chosen, encodings, sample_weight, None)
        regularization = training.Regularization(l1=l1, l2=l2, penalize_biases=penalize_biases)
        objective = training.objective_of(self, chosen, regularization)
        back = training.check_bptt(self, bptt)
        value, *_ = self._core.loss_and_gradient(objective, *samples.core_arguments(), back)
        return value, self.gradients

    fit = training.fit
    partial_fit = training.partial_fit

    def attention_weights(self, X: Any, layer: str | None = None) -> Array:
        """How much each step of a query looks at each step of a memory.

        :class:`multicapa.plots.AttentionDisplay` draws it.

        Parameters
        ----------
        X : array-like of shape (n_samples, *input_shape)
            As in :meth:`predict`.
        layer : str, optional
            Which attention, where there are several: such as ``"attention_2"``.

        Returns
        -------
        ndarray of shape (n_samples, num_heads, time, time of the memory)
            Without the query's time where the query has none. Rows sum to 1, or are 0 beyond the end of a sequence.

        Examples
        --------
        >>> import multicapa as mc
        >>> x = mc.Input((2, 1))
        >>> net = mc.Network(x, mc.Dense(1)(mc.Attention(causal=True)(x)), seed=0)
        >>> net.attention_weights([[[0.0], [1.0]]]).round(2)
        array([[[[1.  , 0.  ],
                 [0.27, 0.73]]]], dtype=float32)
        """
        return attention.attention_weights(self, X, layer)

    def stream(self, batch: int = 1) -> Stream:
        """Sequences taken step by step, with the state kept in between; see :class:`multicapa.model.stream.Stream`.

        Parameters
        ----------
        batch : int, default=1
            Sequences side by side.

        Examples
        --------
        >>> import multicapa as mc, numpy as np
        >>> net = mc.Sequential([mc.LSTM(4, return_sequences=True)], input_shape=(3, 2), seed=0)
        >>> x = np.ones((3, 2), dtype=np.float32)
        >>> stream = net.stream()
        >>> bool((np.stack([stream.step(row) for row in x]) == net.predict(x[None])[0]).all())
        True
        """
        return Stream(self, batch)

    def save(self, path: str | os.PathLike[str], training: bool = False) -> None:
        """Write the network to a safetensors file with a JSON description inside; see :func:`multicapa.load`.

        Parameters
        ----------
        path : path-like
        training : bool, default=False
            Whether the file also holds where the last :meth:`fit` stands, for ``fit(..., resume=True)`` to go on.

        Examples
        --------
        >>> import multicapa as mc
        >>> net = mc.Sequential([mc.Dense(1)], input_shape=(1,), seed=0)
        >>> history = net.fit([[0.0], [1.0]], [0.0, 2.0], epochs=1)
        >>> net.save("net.safetensors", training=True)
        >>> len(mc.load("net.safetensors").fit([[0.0], [1.0]], [0.0, 2.0], epochs=3, resume=True))
        3
        """
        files.save(self, path, whole(self) if check_flag(training, "training") else None)

    def copy(self) -> Self:
        """A network of its own with the same layers, numbers, history and on-line memory, and the same frozen layers.

        Where the last :meth:`fit` stands does not go along: a copy cannot resume.

        Examples
        --------
        >>> import multicapa as mc
        >>> net = mc.Sequential([mc.Dense(1, weight_init="ones")], input_shape=(1,), seed=0)
        >>> twin = net.copy()
        >>> twin.parameters["dense_1.weight"] = [[5.0]]
        >>> net.predict([[1.0]]).item(), twin.predict([[1.0]]).item()
        (1.0, 5.0)
        """
        return copy.deepcopy(self)

    def with_time(self, time: int) -> Self:
        """A copy for sequences of up to so many steps.

        Parameters
        ----------
        time : int
            Steps of its longest sequence.

        Raises
        ------
        ValueError
            If no layer walks through time, or one has weights for each step.

        Examples
        --------
        >>> import multicapa as mc
        >>> net = mc.Sequential([mc.GRU(3), mc.Dense(1)], input_shape=(5, 2), seed=0)
        >>> net.with_time(9).predict([[[0.0, 1.0]] * 9]).shape
        (1, 1)
        """
        time = check_integer(time, "time", minimum=1)
        self.check_single("with_time")
        if not self.time:
            raise ValueError("no layer of this network walks through time")
        state = copy.deepcopy(self.__getstate__())
        first, *others = unwrapped(state["spec"])
        state["spec"] = [{**first, "shape": (time, *self.input_shape[1:])}, *others]
        made = type(self).__new__(type(self))
        made._build(state["spec"], self.dtype, self.seed)
        if made._core.parameter_tensors != self._core.parameter_tensors:
            raise ValueError(f"this network is for {self.inputs[0].time} steps only: it has weights for each of them")
        made.__setstate__(state)
        return made

    def reset(self) -> None:
        """Back to how the network was made: the same initial weights, no history, no on-line memory, nothing frozen.

        Examples
        --------
        >>> import multicapa as mc
        >>> net = mc.Sequential([mc.Dense(1, weight_init="ones")], input_shape=(1,), seed=0)
        >>> history = net.fit([[1.0]], [3.0])
        >>> net.reset()
        >>> net.predict([[1.0]]).item(), len(net.history)
        (1.0, 0)
        """
        fresh = CoreNetwork(self.spec, self.dtype, self.seed)
        self.restore_numbers(fresh.copy_numbers())
        self.gradients.flat[:] = 0
        self.unfreeze(*self._frozen.copy())
        self._core.training_steps = 0
        self.history, self.loss = fresh.history, fresh.loss
        self.metadata.pop("classes", None)
        self._learner = self._standing = None

    @property
    def classes(self) -> npt.NDArray[np.str_] | None:
        """The texts that the outputs stand for, in their order, once a fit had texts as y; else None.

        Examples
        --------
        >>> import multicapa as mc
        >>> net = mc.Sequential([mc.Dense(2, "softmax")], input_shape=(1,), seed=0)
        >>> history = net.fit([[-1.0], [1.0]], ["low", "high"], optimizer=mc.Adam(0.5))
        >>> net.classes[net.predict([[-2.0], [3.0]]).argmax(axis=1)].tolist()
        ['low', 'high']
        """
        found = self.metadata.get("classes")
        return None if found is None else np.array(found)

    def __getstate__(self) -> dict[str, Any]:
        return {
            "spec": Portable(self.spec),
            "dtype": self.dtype.name,
            "seed": self.seed,
            "numbers": self.copy_numbers(),
            "training_steps": self._core.training_steps,
            "history": self.history,
            "metadata": self.metadata,
            "loss": Portable(self.loss),
            "frozen": sorted(self._frozen),
            "learner": Portable(self._learner),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = {name: unwrapped(thing) for name, thing in state.items()}
        numbers = sum(part.size for part in state["numbers"])
        self._build(state["spec"], state["dtype"], state["seed"], numbers)
        self.restore_numbers(state["numbers"])
        self._core.training_steps = state["training_steps"]
        self.history, self.metadata, self.loss = state["history"], state["metadata"], state["loss"]
        self.freeze(*state["frozen"])
        self._learner = state.get("learner")


def _symbols(given: Any, what: str) -> list[layers.Symbol]:
    symbols = list(given) if isinstance(given, list | tuple) else [given]
    for symbol in symbols:
        if not isinstance(symbol, layers.Symbol):
            raise TypeError(f"{what} should be Input(...) or the result of calling a layer, not {symbol!r}")
    return symbols
