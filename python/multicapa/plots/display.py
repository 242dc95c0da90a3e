"""What all displays are: pictures that a notebook shows."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Display:
    """A picture that has been drawn, in ``figure_``, or will be by ``plot``."""

    ax_: Axes
    figure_: Figure

    def _repr_png_(self) -> bytes | None:
        """For notebooks: the picture, unless pyplot shows it anyway."""
        if not hasattr(self, "figure_"):
            return None
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None and getattr(self.figure_, "number", None) in pyplot.get_fignums():
            return None
        out = io.BytesIO()
        self.figure_.savefig(out, format="png", dpi=self.figure_.dpi)
        return out.getvalue()
