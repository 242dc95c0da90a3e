"""Options of ``multicapa train`` and of Adam at other values than their defaults, on the tables of ``tables``."""

from __future__ import annotations

from scores import tables
from scores.record import Difference, markdown, paired

NAME = "settings"
ROWS = tables.ROWS
DEFAULT = "defaults"
_TOLD: dict[str, tuple[str, ...]] = {
    DEFAULT: (),
    **{f"patience {n}": ("--patience", str(n)) for n in (5, 10, 40)},
    **{f"batch size {n}": ("--batch-size", str(n)) for n in (16, 32, 64, 128)},
    **{f"hidden {sizes}": ("--hidden", sizes) for sizes in ("100", "64,32", "64,64,32")},
    **{f"learning rate {rate}": ("--learning-rate", rate) for rate in ("0.0003", "0.003")},
    **{f"schedule {name}": ("--schedule", name) for name in ("cosine", "plateau")},
    **{f"l2 {value}": ("--l2", value) for value in ("0", "0.001", "0.01")},
    **{f"dev {share}": ("--dev", share) for share in ("0.1",)},
    "adamw": ("--optimizer", "adamw"),
}
CONTENDERS = tuple(_TOLD)


def measure(name: str, contender: str, seed: int) -> float:
    return tables.of_command_line(name, seed, *_TOLD[contender])


def report(scores: dict[str, dict[str, dict[int, float]]]) -> str:
    """Each setting's mean over the tables, and how far it is from the defaults."""
    lines = []
    for name in CONTENDERS:
        having = [by for by in scores.values() if name in by and DEFAULT in by]
        if having:
            means = [sum(by[name].values()) / len(by[name]) for by in having]
            differences = [paired(by[name], by[DEFAULT]) for by in having]
            average = Difference.of(difference.mean for difference in differences)
            worse = sum(difference.worse() for difference in differences)
            better = sum(Difference(-difference.mean, difference.error).worse() for difference in differences)
            lines.append([name, f"{sum(means) / len(means):.4f}", str(average), str(better), str(worse)])
    return markdown(["", "mean", "to the defaults", "tables better", "worse"], lines) if lines else "nothing measured"
