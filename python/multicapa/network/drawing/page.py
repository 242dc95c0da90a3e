"""A network in a notebook: its drawing and its table, without scripts, in the colours of the page around it."""

from __future__ import annotations

from html import escape

from multicapa.network.core import CoreNetwork
from multicapa.network.drawing.svg import to_svg
from multicapa.network.summary import rows, totals

_STYLE = """
.multicapa { display: flex; flex-wrap: wrap; gap: 16px 32px; align-items: flex-start; color: inherit; }
.multicapa > div { overflow: auto; max-width: 100%; max-height: 85vh; }
.multicapa svg { display: block; max-width: none; }
.multicapa table { border-collapse: collapse; border: none; margin: 0; font-size: 12px; table-layout: auto; }
.multicapa caption { text-align: left; font-weight: 600; padding: 4px 8px; color: inherit; caption-side: top; }
.multicapa table > * > tr:nth-child(n), .multicapa table > * > tr:nth-child(n):hover {
  background: transparent; color: inherit; }
.multicapa table th, .multicapa table td { text-align: left !important; padding: 4px 8px; border: none; color: inherit;
  border-bottom: 1px solid rgba(128, 128, 128, 0.35); max-width: 22em; overflow-wrap: anywhere; white-space: normal; }
.multicapa table .number { text-align: right !important; font-variant-numeric: tabular-nums; white-space: nowrap; }
.multicapa table tfoot td { border-bottom: none; }
"""


def figure(network: CoreNetwork) -> str:
    """The drawing alone, which scrolls where it is larger than the page."""
    return f'<style>{_STYLE}</style><div class="multicapa"><div>{to_svg(network)}</div></div>'


def to_html(network: CoreNetwork) -> str:
    """The drawing beside the table; below each other where the page is narrow."""
    return (
        f'<style>{_STYLE}</style><div class="multicapa"><div>{to_svg(network)}</div><div>{_table(network)}</div></div>'
    )


def _table(network: CoreNetwork) -> str:
    lines = [
        f"<tr><td>{escape(row.name)}</td><td>{escape(row.kind)}</td><td>{row.shape}</td>"
        f'<td class="number">{row.parameters:,}</td><td>{escape(", ".join(row.reads))}</td></tr>'
        for row in rows(network)
    ]
    return (
        f"<table><caption>{escape(type(network).__name__)}</caption>"
        "<thead><tr><th>layer</th><th>type</th><th>output</th>"
        '<th class="number">parameters</th><th>reads</th></tr></thead>'
        f"<tbody>{''.join(lines)}</tbody>"
        f'<tfoot><tr><td colspan="5">{"<br>".join(map(escape, totals(network)))}</td></tr></tfoot></table>'
    )
