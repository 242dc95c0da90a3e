"""``multicapa info``: versions and machine, or what is in a model."""

from __future__ import annotations

import platform
from argparse import Namespace

import numpy as np

from multicapa import __version__, _core
from multicapa.cli.output import CommandError, say, wrapped
from multicapa.files import load
from multicapa.network import Network
from multicapa.table import ClassTarget, NumberColumn, TableError, TableModel, listed

_POLICIES = {
    "error": "refused, unless --missing says otherwise",
    "drop": "rows are left out",
    "impute": "filled in with the median or the most frequent category",
}


def run(options: Namespace) -> None:
    """Show one or the other."""
    if options.model:
        _show_model(options.model)
    else:
        _show_machine()


def _show_machine() -> None:
    chosen, available = _core.isa(), _core.available_isas()
    facts = {
        "multicapa": __version__,
        "instructions": f"{chosen} (available: {', '.join(available)}; MULTICAPA_ISA chooses)",
        "threads": f"{_core.max_threads()} (OMP_NUM_THREADS or --threads chooses)",
        "BLAS": _core.blas(),
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "numpy": np.__version__,
    }
    for name, fact in facts.items():
        print(wrapped(f"{name:<14}{fact}", " " * 14))


def _show_model(path: str) -> None:
    try:
        network = load(path)
    except (FileNotFoundError, ValueError) as error:
        raise CommandError(str(error)) from None
    print(network.summary())
    _show_columns(network)


def _show_columns(network: Network) -> None:
    try:
        model = TableModel.of(network)
    except TableError as error:
        say(f"\n{error}")
        return
    numbers = [column.name for column in model.columns.columns if isinstance(column, NumberColumn)]
    categories = [f"{c.name} ({c.width})" for c in model.columns.columns if not isinstance(c, NumberColumn)]
    print()
    if isinstance(model.target, ClassTarget):
        say(f"Predicts {model.target.name}: {listed(map(str, model.target.classes), 12)}")
    else:
        say(f"Predicts {model.target.name}, numbers around {model.target.mean:.4g}")
    if numbers:
        say(f"Reads numbers: {listed(numbers, 12)}")
    if categories:
        say(f"Reads categories: {listed(categories, 12)}")
    say(f"Missing values: {_POLICIES[model.columns.missing]}")
