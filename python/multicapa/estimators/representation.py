"""Estimators in notebooks: what scikit-learn shows of every estimator, and below it the network once there is one."""

from __future__ import annotations

from typing import Any


class NetworkBelow:
    """Adds the drawing of ``network_`` to the representation; stands before ``BaseEstimator`` among the bases.

    Within a Pipeline or a search scikit-learn draws the whole, and each part is a box of it.
    """

    def _repr_html_inner(self) -> str:
        return str(super()._repr_html_inner()) + self._network_html()  # type: ignore[misc]

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        bundle: dict[str, str] = super()._repr_mimebundle_(**options)  # type: ignore[misc]
        if "text/html" in bundle:  # as sklearn.set_config(display=...) says
            bundle["text/html"] += self._network_html()
        return bundle

    def _network_html(self) -> str:
        from multicapa.network.drawing import figure

        return figure(self.network_) if hasattr(self, "network_") else ""
