"""A network as a picture: SVG text, and its representation in notebooks."""

from multicapa.network.drawing.page import figure, to_html
from multicapa.network.drawing.svg import to_svg
from multicapa.network.drawing.units import units_svg

__all__ = ["figure", "to_html", "to_svg", "units_svg"]
