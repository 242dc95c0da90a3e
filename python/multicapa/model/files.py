"""Networks as users know them, from files."""

from __future__ import annotations

import os

from multicapa import training
from multicapa.base.checks import check_flag
from multicapa.model.network import Network
from multicapa.network import files


def load(path: str | os.PathLike[str], *, check_finite: bool = True) -> Network:
    """Read a network that :meth:`multicapa.Network.save` wrote.

    Parameters
    ----------
    path : path-like
    check_finite : bool, default=True
        Whether weights of NaN or infinity and negative variances are refused.

    Returns
    -------
    Network
        With the same outputs to the last bit on the same instruction set.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file.
    ValueError
        If it is not such a file, is cut short, or does not fit together.
    PermissionError
        If it may not be read.

    Examples
    --------
    >>> import multicapa as mc, tempfile, os
    >>> net = mc.Sequential([mc.Dense(2)], input_shape=(3,), seed=0)
    >>> path = os.path.join(tempfile.mkdtemp(), "net.safetensors")
    >>> net.save(path)
    >>> bool((mc.load(path).predict([[1, 2, 3]]) == net.predict([[1, 2, 3]])).all())
    True
    """
    network = files.read(path, Network, check_flag(check_finite, "check_finite"))
    if network._standing is not None:
        try:
            training.take_up(network, network._standing)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ValueError(f"{os.fspath(path)!r} has a damaged training: {error}") from error
    return network
