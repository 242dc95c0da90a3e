"""``multicapa info``: versions and machine, or what is in a model."""

from __future__ import annotations

import platform
from argparse import Namespace

import numpy as np

from multicapa import __version__, _core
from multicapa.cli.fitting import recalled
from multicapa.cli.options import Command, Option
from multicapa.cli.output import say, width, wrapped
from multicapa.cli.reading import read_network
from multicapa.cli.recipe import NETWORK, TRAINING
from multicapa.data.table import CategoryColumn, ClassTarget, DateColumn, NumberColumn, TableError, TableModel, listed
from multicapa.model.network import Network

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
    network = read_network(path)
    print(network.summary(max(width(), 50)))
    _show_columns(network)


def _show_columns(network: Network) -> None:
    try:
        model = TableModel.of(network)
    except TableError as error:
        say(f"\n{error}")
        return
    columns = model.columns.columns
    reads = {
        "numbers": [column.name for column in columns if isinstance(column, NumberColumn)],
        "categories": [f"{column.name} ({column.width})" for column in columns if isinstance(column, CategoryColumn)],
        "dates": [column.name for column in columns if isinstance(column, DateColumn)],
    }
    print()
    if isinstance(model.target, ClassTarget):
        say(f"Predicts {model.target.name}: {listed(map(repr, model.target.classes), 12)}")
    else:
        say(f"Predicts {model.target.name}, a number")
    for what, names in reads.items():
        if names:
            say(f"Reads {what}: {listed(names, 12)}")
    say(f"Missing values: {_POLICIES[model.columns.missing]}")
    _show_training(network)


def _show_training(network: Network) -> None:
    """How ``multicapa train`` came to the model: options that are not the usual ones."""
    trained = recalled(network)
    if trained is None:
        return
    history, _, options = trained
    usual = {option.name: option.plain(option.default) for group in (NETWORK, TRAINING) for option in group.options}
    given = {name: value for name, value in options.items() if name != "epochs" and usual.get(name) != value}
    shown = ", ".join(f"{name} {value}" for name, value in given.items())
    say(f"Epochs trained: {len(history)}, with {shown or 'the usual options'}")


COMMAND = Command(
    name="info",
    usage=("[MODEL]",),
    summary="versions and machine, or what is in a model",
    description="Show versions, instruction set and threads; with MODEL, its layers, columns and training.",
    examples=("multicapa info model.safetensors",),
    run=run,
    main=(Option("model", "a file that multicapa saved", metavar="MODEL", positional=True),),
)
