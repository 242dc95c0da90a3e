"""The same manners around any network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from multicapa import layers
from multicapa.estimators.classifier import Classifier
from multicapa.estimators.parameters import Training, option, parameters
from multicapa.estimators.regressor import Regressor


@dataclass(eq=False, repr=False)
class AnyNetwork(Training):
    """Layers that the user gives, or makes when the shapes of X and y are known."""

    _many_axes: ClassVar[bool] = True

    network: Any = option(
        ...,
        "list of layers, or function(x, n_outputs, activation)",
        "A list holds the layers in order, up to the output layer. That is added, with as many outputs as y needs and "
        "the activation that goes with the loss, unless the list already ends with it. A function gets the input "
        "``x = mc.Input(n_features)``, or one of the shape of an image or a series, the number of outputs and the name "
        "of their activation, and returns the output of the last layer: ``return mc.Dense(n_outputs, activation)(h)``. "
        "It need not use that activation, and it may make two outputs for two classes instead of one. To be pickled it "
        "should be a function of a module, or a ``functools.partial`` of one, which a search can vary.",
    )

    def _check_layers(self) -> None:
        what = "network should be a list of layers or a function(x, n_outputs, activation)"
        if isinstance(self.network, list | tuple):
            for layer in self.network:
                if not isinstance(layer, layers.Layer):
                    raise TypeError(f"{what}, but the list holds {layer!r}")
        elif not callable(self.network) or isinstance(self.network, type | layers.Layer):
            raise TypeError(f"{what}, not {self.network!r}")

    def _graph(self, x: layers.Symbol, n_outputs: int, activation: str) -> layers.Symbol:
        if callable(self.network):
            outputs = self.network(x, n_outputs, activation)
            if not isinstance(outputs, layers.Symbol):
                raise TypeError(f"the function should return the output of the last layer, not {outputs!r}")
            return outputs
        h = x
        for layer in self.network:
            h = layer(h)
        found = _last_of(self.network)
        if found == (n_outputs, activation) or (found == (2, "softmax") and (n_outputs, activation) == (1, "sigmoid")):
            return h
        if found[1] == "softmax":
            raise ValueError(
                f"the list ends with {found[0]} softmax outputs, but y needs {n_outputs} of {activation}; leave the "
                "output layer out, and it is added"
            )
        return layers.Dense(n_outputs, activation)(h)


def _last_of(listed: Sequence[layers.Layer]) -> tuple[int, str]:
    """Units and activation of the last layer, if they stand in the list."""
    *before, last = [None, None, *listed]
    activation = last.function if isinstance(last, layers.Activation) else ""
    dense = before[-1] if activation else last
    return (dense.units, activation or dense.activation) if isinstance(dense, layers.Dense) else (0, activation)


@parameters
class NetworkClassifier(Classifier, AnyNetwork):
    """Any network as a classifier of scikit-learn's: one label per sample, or several.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels.
    {attributes}

    Examples
    --------
    A list of layers; the output layer, here ``Dense(3, "softmax")``, is added:

    >>> import multicapa as mc
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> layers = [mc.Dense(16), mc.BatchNorm(), mc.Activation("relu")]
    >>> clf = mc.NetworkClassifier(layers, learning_rate_init=0.02, random_state=0).fit(X, y)
    >>> clf.network_.output_activation, clf.score(X, y) > 0.95
    ('softmax', True)

    Images of shape (n_samples, height, width) or (n_samples, height, width, channels):

    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import cross_val_score
    >>> images, digits = load_digits(return_X_y=True)
    >>> images = images.reshape(-1, 8, 8) / 16
    >>> layers = [mc.Conv2D(8, 3, "relu"), mc.MaxPool2D(2), mc.Flatten()]
    >>> options = {"early_stopping": True, "batch_size": 32, "learning_rate_init": 0.01, "random_state": 0}
    >>> clf = mc.NetworkClassifier(layers, augment=mc.augment.Crop(1), **options)
    >>> bool(cross_val_score(clf, images, digits, cv=3).mean() > 0.9)
    True

    A function, for graphs; what it takes besides can be searched:

    >>> from functools import partial
    >>> from sklearn.model_selection import GridSearchCV
    >>> def build(x, n_outputs, activation, units=8):
    ...     h = mc.Dense(units, "tanh")(x)
    ...     return mc.Dense(n_outputs, activation)(mc.concat([h, x]))
    >>> clf = mc.NetworkClassifier(build, solver="lbfgs", max_iter=1000, random_state=0)
    >>> search = GridSearchCV(clf, {"network": [partial(build, units=4), partial(build, units=16)]}).fit(X, y)
    >>> bool(search.best_score_ > 0.9)
    True
    """


@parameters
class NetworkRegressor(Regressor, AnyNetwork):
    """Any network as a regressor of scikit-learn's: one number per sample, or several.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    Examples
    --------
    >>> import multicapa as mc
    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(100, 3, random_state=0)
    >>> y /= y.std()
    >>> model = mc.NetworkRegressor([mc.Maxout(8), mc.Dense(4, "tanh")], solver="lbfgs", max_iter=500, random_state=0)
    >>> model.fit(X, y).score(X, y) > 0.9
    True
    """
