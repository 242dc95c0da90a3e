"""How much an installed package takes on the disk."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

BLAS = re.compile(r"(openblas|mkl|blis)[^/]*\.(so|dylib|dll)")


@dataclass(frozen=True)
class Size:
    """Bytes of a package without the shared BLAS libraries in it, with them, and with all the packages it requires.

    Of a source tree on PYTHONPATH, only the first is known.
    """

    without_blas: int
    with_blas: int | None = None
    with_requirements: int | None = None


def measure(distributions: tuple[str, ...]) -> Size:
    try:
        own = {file for name in distributions for file in files(name)}
        required = {file for name in closure(distributions) for file in files(name)}
    except metadata.PackageNotFoundError:
        return Size(total(tree(distributions[0])))
    return Size(total(file for file in own if not BLAS.search(file.name)), total(own), total(own | required))


def total(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def files(name: str) -> set[Path]:
    """What pip installed; compiled Python aside, which comes and goes."""
    found = {Path(str(file.locate())).resolve() for file in metadata.files(name) or ()}
    return {path for path in found if path.is_file() and path.suffix != ".pyc"}


def tree(name: str) -> set[Path]:
    """The files of an imported package."""
    folder = Path(importlib.import_module(name).__path__[0])
    return {path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


def closure(names: Iterable[str]) -> set[str]:
    """The packages themselves and all that they require, extras aside."""
    known: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in known:
            known.add(name)
            requirements = map(Requirement, metadata.requires(name) or ())
            waiting += [each.name for each in requirements if not each.marker or each.marker.evaluate({"extra": ""})]
    return known
