"""Networks in files: safetensors with a JSON description inside. Nothing from a file is ever executed."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from multicapa import layers, losses
from multicapa.network.core import CoreNetwork
from multicapa.network.plain import decode, encode

FORMAT = 1
_KEY, _TRAINING = "multicapa", "multicapa_training"
_PREFIX = "training/"  # of tensors; those of layers have a dot


def save(network: CoreNetwork, path: str | os.PathLike[str], training: dict[str, Any] | None = None) -> None:
    """Write a network, and where its training stands; the file appears whole or not at all."""
    from pathlib import Path

    from safetensors.numpy import save as to_bytes

    if any(layer["type"] == "custom_activation" for layer in network.spec) or isinstance(
        network.loss, losses.CustomLoss
    ):
        raise ValueError("a network with functions of yours cannot be saved: a file holds numbers and names only")
    description = {
        "format": FORMAT,
        "dtype": network.dtype.name,
        "seed": network.seed,
        "loss": {"name": network.loss.name, "parameter": network.loss.parameter},
        "layers": [_as_json(layer) for layer in network.spec],
        "metadata": network.metadata,
    }
    text = json.dumps(description, allow_nan=False)
    tensors = {
        name: np.ascontiguousarray(view) for part in (network.parameters, network.state) for name, view in part.items()
    }
    texts = {_KEY: text}
    if training is not None:
        arrays: dict[str, Any] = {}
        texts[_TRAINING] = json.dumps(encode(training, arrays, _PREFIX), allow_nan=False)
        tensors |= arrays
    target = Path(path)
    if target.exists() and not target.is_file():
        raise ValueError(f"{os.fspath(path)!r} is not a file, and would be replaced by one")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(target.parent)!r} to write {target.name!r} to")
    temporary = target.with_name(f"{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_bytes(to_bytes(tensors, metadata=texts))
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _as_json(layer: Mapping[str, Any]) -> dict[str, Any]:
    """A layer without what only mattered at its birth: initial arrays and functions."""
    return {k: v for k, v in layer.items() if not k.endswith("_init") or isinstance(v, str)}


N = TypeVar("N", bound=CoreNetwork)


def read(path: str | os.PathLike[str], kind: type[N]) -> N:
    """The network in a file, as one of a kind; see :func:`multicapa.load`."""
    texts, tensors = _read(path)
    description = _description(texts[_KEY], path)
    try:
        network = kind.__new__(kind)
        network._build(_spec(description["layers"]), description["dtype"], description["seed"])
        loss = description["loss"]
        network.loss = losses.get(loss["name"])
        if loss["parameter"] != network.loss.parameter:
            network.loss = type(network.loss)(loss["parameter"])  # type: ignore[call-arg]  # TypeError if it has none
        network.metadata = dict(description["metadata"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError, MemoryError) as error:
        raise ValueError(f"{os.fspath(path)!r} describes no network that can be built: {error}") from error
    if _TRAINING in texts:
        try:
            network._standing = decode(json.loads(texts[_TRAINING]), tensors)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise ValueError(f"{os.fspath(path)!r} has a damaged training: {error}") from error
    wanted = {**network.parameters, **network.state}
    if wanted.keys() != tensors.keys():
        odd = sorted(wanted.keys() ^ tensors.keys())
        raise ValueError(f"{os.fspath(path)!r} does not fit together: {', '.join(odd[:5])} missing or unknown")
    for name, view in wanted.items():
        if tensors[name].shape != view.shape or tensors[name].dtype != view.dtype:
            found = f"{tensors[name].dtype} {tensors[name].shape}"
            raise ValueError(f"{os.fspath(path)!r}: {name} should be {view.dtype} {view.shape}, not {found}")
        view[...] = tensors[name]
    return network


def _read(path: str | os.PathLike[str]) -> tuple[dict[str, str], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no file {os.fspath(path)!r}")
    try:
        with safe_open(os.fspath(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, TypeError) as error:
        raise ValueError(f"{os.fspath(path)!r} is not a whole safetensors file: {error}") from error
    if _KEY not in metadata:
        raise ValueError(f"{os.fspath(path)!r} is a safetensors file, but holds no multicapa network")
    return metadata, tensors


def _description(text: str, path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        description = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{os.fspath(path)!r} has a damaged description: {error}") from error
    wanted = {"format", "dtype", "seed", "loss", "layers", "metadata"}
    if not isinstance(description, dict) or "format" not in description:
        raise ValueError(f"{os.fspath(path)!r} has a damaged description")
    if description["format"] != FORMAT:
        raise ValueError(
            f"{os.fspath(path)!r} has format {description['format']!r}; this version of multicapa reads format {FORMAT}"
        )
    if description.keys() != wanted:
        raise ValueError(f"{os.fspath(path)!r} has a damaged description: {sorted(wanted ^ description.keys())}")
    return description


def _spec(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Layers from JSON, checked by building each of them."""
    spec = []
    for entry in entries:
        options = {
            k: tuple(v) if isinstance(v, list) else v for k, v in entry.items() if k not in ("type", "name", "inputs")
        }
        layer = layers.LAYERS[entry["type"]](**options, name=str(entry["name"]))
        kept = {k: v for k, v in layer.options().items() if v is not None}
        spec.append({"type": layer.type, "name": layer.name, "inputs": [str(i) for i in entry["inputs"]], **kept})
    return spec
