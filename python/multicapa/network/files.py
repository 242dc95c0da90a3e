"""Networks in files: safetensors with a JSON description inside. Nothing from a file is ever executed."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
from collections.abc import Mapping
from typing import Any, BinaryIO, TypeVar

import numpy as np

from multicapa import initializers, layers, losses
from multicapa.base.checks import check_name
from multicapa.network import joint
from multicapa.network.core import CoreNetwork
from multicapa.network.plain import decode, encode

FORMAT = 1
_GRAPH = ("type", "inputs", "shares", "output")  # of a layer, beside its own options
_KEY, _TRAINING = "multicapa", "multicapa_training"
_PREFIX = "training/"  # of tensors; those of layers have a dot


def save(network: CoreNetwork, path: str | os.PathLike[str], training: dict[str, Any] | None = None) -> None:
    """Write a network, and where its training stands; the file appears whole or not at all."""
    from safetensors.numpy import save as to_bytes

    if any(layer["type"] in ("custom", "custom_activation") for layer in network.spec) or any(
        isinstance(part, losses.CustomLoss) for _, part, _ in joint.parts_of(network.loss)
    ):
        raise ValueError("a network with functions of yours cannot be saved: a file holds numbers and names only")
    description = {
        "format": FORMAT,
        "dtype": network.dtype.name,
        "seed": network.seed,
        "loss": joint.as_json(network.loss),
        "layers": [_as_json(layer) for layer in network.spec],
        "metadata": network.metadata,
    }
    if network._learner is not None:  # its memory stays behind, which who goes on should be told
        description["learner"] = getattr(network._learner, "optimizer_name", network._learner)
    text = json.dumps(description, allow_nan=False)
    tensors = {
        name: np.ascontiguousarray(view) for part in (network.parameters, network.state) for name, view in part.items()
    }
    texts = {_KEY: text}
    if training is not None:
        arrays: dict[str, Any] = {}
        texts[_TRAINING] = json.dumps(encode(training, arrays, _PREFIX), allow_nan=False)
        tensors |= arrays
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        raise ValueError(f"{os.fspath(path)!r} is not a file, and would be replaced by one")
    folder, name = os.path.split(os.fspath(path))
    if not os.path.isdir(folder or "."):
        raise FileNotFoundError(f"there is no folder {folder!r} to write {name!r} to")
    _write_whole(target, to_bytes(tensors, metadata=texts))


def _write_whole(target: str, content: bytes) -> None:
    """The file appears whole or not at all, with the rights that an older one has."""
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f"{name}.{secrets.token_hex(4)}.tmp")
    rights = stat.S_IMODE(os.stat(target).st_mode) if os.path.exists(target) else None
    try:
        _write_new(folder, temporary, content, rights)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _write_new(folder: str, path: str, content: bytes, rights: int | None) -> None:
    """Under Linux the file has no name until it is whole, so that a process which is killed leaves none behind."""
    first = 0o666 if rights is None else 0o600
    nameless = getattr(os, "O_TMPFILE", None)
    if nameless is not None:
        with contextlib.suppress(OSError):  # not every file system has such files
            descriptor = os.open(folder, nameless | os.O_WRONLY, first)
            with os.fdopen(descriptor, "wb") as file:
                _fill(file, content, rights)
                os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor)  # or Python would not follow it
            return
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, first), "wb") as file:
        _fill(file, content, rights)


def _fill(file: BinaryIO, content: bytes, rights: int | None) -> None:
    if rights is not None:
        os.fchmod(file.fileno(), rights)
    file.write(content)
    file.flush()


def _as_json(layer: Mapping[str, Any]) -> dict[str, Any]:
    """A layer without what only mattered at its birth: initial arrays and functions."""
    return {k: v for k, v in layer.items() if not k.endswith("_init") or isinstance(v, str)}


N = TypeVar("N", bound=CoreNetwork)


def read(path: str | os.PathLike[str], kind: type[N], check_finite: bool = True) -> N:
    """The network in a file, as one of a kind; see :func:`multicapa.load`."""
    texts, tensors = _read(path)
    description = _description(texts[_KEY], path)
    numbers = sum(tensor.size for name, tensor in tensors.items() if not name.startswith(_PREFIX))
    try:
        network = kind.__new__(kind)
        network._build(_spec(description["layers"]), description["dtype"], description["seed"], numbers)
        network.loss = joint.from_json(description["loss"], network.outputs)
        network.metadata = dict(description["metadata"])
        if (learner := description.get("learner")) is not None:
            network._learner = str(learner)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError) as error:
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
        if check_finite:
            _check_numbers(name, tensors[name], path)
        view[...] = tensors[name]
    return network


def _check_numbers(name: str, tensor: Any, path: str | os.PathLike[str]) -> None:
    if not np.isfinite(tensor).all():
        raise ValueError(f"{os.fspath(path)!r}: {name} holds NaN or infinity; check_finite=False reads it all the same")
    if name.endswith(".running_variance") and (tensor < 0).any():
        raise ValueError(f"{os.fspath(path)!r}: {name} is negative; check_finite=False reads it all the same")


def _read(path: str | os.PathLike[str]) -> tuple[dict[str, str], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {os.fspath(path)!r}")
    if os.path.isdir(path):
        raise IsADirectoryError(f"{os.fspath(path)!r} is a folder, not a file")
    if not os.path.isfile(path):  # to open a pipe would wait for somebody to write into it
        raise ValueError(f"{os.fspath(path)!r} is not a file")
    with open(path, "rb"):
        pass  # PermissionError, and what else the system has to say
    try:
        with safe_open(os.fspath(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, TypeError, AttributeError) as error:  # the last for types that NumPy lacks
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
    if description.keys() - {"learner"} != wanted:
        raise ValueError(f"{os.fspath(path)!r} has a damaged description: {sorted(wanted ^ description.keys())}")
    return description


def _spec(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Layers from JSON, checked by building each of them."""
    spec = []
    for entry in entries:
        options = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items() if k not in (*_GRAPH, "name")}
        for key, value in options.items():
            if key.endswith("_init"):  # not drawn from, but the network keeps it
                check_name(value, initializers.INITIALIZERS, "initialisation")
        layer = layers.LAYERS[entry["type"]](**options, name=str(entry["name"]))
        kept = {k: v for k, v in layer.options().items() if v is not None}
        place = {k: kind(entry[k]) for k, kind in (("shares", str), ("output", int)) if k in entry}
        inputs = [str(i) for i in entry["inputs"]]
        spec.append({"type": layer.type, "name": layer.name, "inputs": inputs, **place, **kept})
    return spec
