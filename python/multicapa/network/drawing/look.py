"""What the drawings share: the colours of layers, the font, and how wide texts are."""

from __future__ import annotations

import unicodedata

from multicapa.layers import RECURRENT

WIRE = "#858b94"
COLOURS = {
    "input": "#4a5568",
    "dense": "#1a66a8",
    "maxout": "#1a66a8",
    "conv1d": "#1d5fa0",
    "conv2d": "#1d5fa0",
    **dict.fromkeys(RECURRENT, "#0b6e8a"),
    "embedding": "#1a66a8",
    "activation": "#b04a00",
    "custom": "#b04a00",
    "custom_activation": "#b04a00",
    **{f"{pool}_pool{axes}d": "#8a5a00" for pool in ("max", "average") for axes in (1, 2)},
    **{f"global_{pool}_pool{axes}d": "#8a5a00" for pool in ("max", "average") for axes in (1, 2)},
    "dropout": "#96487a",
    "gaussian_noise": "#96487a",
    "batch_norm": "#0a7558",
    "layer_norm": "#0a7558",
    "add": "#6a4fa3",
    "concat": "#6a4fa3",
}
OTHER = "#5b6675"
FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


def text_width(text: str, size: float, bold: bool = False) -> float:
    """About as wide as a wide font would draw it: the font is only known where the picture is shown."""
    ems = 0.0
    for c in text:
        if unicodedata.combining(c):
            continue
        if unicodedata.east_asian_width(c) in "WF":
            ems += 1.0
        elif c in "iljtfrI.,:;'|!()[] ":
            ems += 0.37
        elif c in "mwMW@%":
            ems += 0.94
        else:
            ems += 0.7 if c.isupper() else 0.61
    return ems * size * (1.09 if bold else 1.0)


def shortened(text: str, room: float, size: float, bold: bool = False) -> str:
    if text_width(text, size, bold) <= room:
        return text
    while text and text_width(text + "…", size, bold) > room:
        text = text[:-1].rstrip()
    return text + "…"
