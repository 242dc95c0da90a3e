"""What a search tries: each option with several values, or a range to draw from."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from multicapa.cli import recipe
from multicapa.cli.options import Group, Option
from multicapa.cli.output import UsageError, note

# Drawn on a logarithmic scale, or evenly: what a range LOW..HIGH means for an option.
_LOGARITHMIC = ("learning-rate", "batch-size", "l1", "l2", "weight-decay", "clip-norm")
_EVEN = ("dropout", "noise", "momentum", "label-smoothing")
_LISTED = ("hidden", "activation", "norm", "weight-init", "bias-init", "optimizer", "schedule")
SEARCHED = (*_LISTED, *_EVEN, *_LOGARITHMIC)

_FIRST: dict[str, list[Any]] = {
    "hidden": [[32], [64, 32], [128, 64]],
    "learning-rate": [0.001, 0.01],
    "batch-size": [32, 128],
}


@dataclass(frozen=True)
class Range:
    """Numbers to draw from, in the manner of SciPy's distributions."""

    low: float
    high: float
    logarithmic: bool
    whole: bool

    def rvs(self, random_state: Any = None) -> float:
        """One of them, short enough to be typed again."""
        from sklearn.utils import check_random_state

        uniform = check_random_state(random_state).uniform
        if self.logarithmic:
            value = math.exp(uniform(math.log(self.low), math.log(self.high)))
        else:
            value = uniform(self.low, self.high)
        return round(value) if self.whole else float(f"{value:.3g}")

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}"


def _or_range(option: Option) -> Callable[[str], Any]:
    """The option's converter, that also understands ``LOW..HIGH``."""

    def convert(text: str) -> Any:
        low_text, dots, high_text = text.partition("..")
        if "," in text:
            raise ArgumentTypeError(f"takes values with blanks between them: {text.replace(',', ' ')}, not {text!r}")
        if not dots:
            return option.convert(text)
        low, high = option.convert(low_text), option.convert(high_text)
        logarithmic = option.name in _LOGARITHMIC
        if not all(isinstance(end, int | float) for end in (low, high)) or not low < high or (logarithmic and low <= 0):
            above = " above 0" if logarithmic else ""
            raise ArgumentTypeError(f"should be a range LOW..HIGH of numbers{above}, not {text!r}")
        return Range(low, high, logarithmic, isinstance(low, int))

    return convert


def searched(group: Group) -> Group:
    """A group of options of ``train`` as ``search`` takes them: several values where that makes sense."""
    return replace(group, options=tuple(map(_several, group.options)))


def _several(option: Option) -> Option:
    if option.name not in SEARCHED:
        return option
    parse = option.parse if option.name in _LISTED else _or_range(option)
    return replace(option, default=_FIRST.get(option.name, [option.default]), parse=parse, many=True)


def candidates(options: Namespace) -> list[Namespace]:
    """The options of ``train`` for each candidate, checked.

    Raises
    ------
    UsageError
        If a range is given without ``--random``, beside other values, or if options do not go together.
    """
    from sklearn.model_selection import ParameterGrid, ParameterSampler

    space = {name.replace("-", "_"): getattr(options, name.replace("-", "_")) for name in SEARCHED}
    ranges = [key for key, values in space.items() if any(isinstance(value, Range) for value in values)]
    for key in ranges:
        if len(space[key]) > 1:
            raise UsageError(f"--{key.replace('_', '-')} should be one range or several values, not both")
    if options.random is None:
        if ranges:
            raise UsageError(f"--{ranges[0].replace('_', '-')} is a range; say how many to draw: --random 20")
        points = list(ParameterGrid(space))
    else:
        distributions = {key: values[0] if key in ranges else values for key, values in space.items()}
        number = options.random
        if not ranges:
            number = min(number, len(ParameterGrid(space)))
        points = list(ParameterSampler(distributions, number, random_state=options.seed))
        if number < options.random:
            note(f"there are {number} different candidates, not {options.random}.")
    made = [Namespace(**{**vars(options), **point}) for point in points]
    for candidate in made:
        recipe.check_recipe(candidate)
    return made


def varied(made: Sequence[Namespace]) -> list[str]:
    """Names of the options that differ among candidates; the learning rate if none does."""
    names = [name for name in SEARCHED if len({str(_of(candidate, name)) for candidate in made}) > 1]
    return names or ["learning-rate"]


def values(candidate: Namespace, names: Sequence[str]) -> dict[str, str]:
    """Some of a candidate's options as text."""
    return {name: _OPTIONS[name].text(_of(candidate, name)) for name in names}


def _of(candidate: Namespace, name: str) -> Any:
    return getattr(candidate, name.replace("-", "_"))


_OPTIONS = {option.name: option for group in (recipe.NETWORK, recipe.TRAINING) for option in group.options}
