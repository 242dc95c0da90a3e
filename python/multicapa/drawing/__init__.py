"""A network as a picture: SVG text, and its representation in notebooks."""

from multicapa.drawing.page import figure, to_html
from multicapa.drawing.svg import to_svg

__all__ = ["figure", "to_html", "to_svg"]
