"""Reports: a document of a few kinds of blocks, as one HTML page or as Markdown with its figures beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from multicapa.cli.output import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

_HTML, _MARKDOWN = (".html", ".htm"), (".md", ".markdown")


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Code:
    """Something to copy."""

    text: str


@dataclass(frozen=True)
class Tiles:
    """The few numbers that matter most, by name."""

    values: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Table:
    """Rows under a header; the first column is text, the others numbers."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: bool = True


@dataclass(frozen=True)
class Figure:
    """A picture, with a name for its file and a sentence for those who cannot see it."""

    name: str
    caption: str
    figure: MatplotlibFigure


@dataclass(frozen=True)
class Drawing:
    """A picture that is SVG already, at its own size."""

    name: str
    caption: str
    svg: str


Block = Text | Code | Tiles | Table | Figure | Drawing


@dataclass(frozen=True)
class Section:
    """Blocks under a heading; figures stand side by side where there is room."""

    title: str
    blocks: Sequence[Block]
    folded: bool = False


@dataclass(frozen=True)
class Report:
    """The whole."""

    title: str
    subtitle: str
    sections: Sequence[Section] = field(default=())


def check_report(path: str | None) -> None:
    """Complain before the work is done when the ending is unknown or figures cannot be drawn."""
    if not path:
        return
    if Path(path).suffix.lower() not in _HTML + _MARKDOWN:
        raise UsageError(f"the report {path!r} should end in .html or .md")
    from multicapa.cli.figures import check_matplotlib

    check_matplotlib()


def write_report(report: Report, path: str) -> list[str]:
    """Write a report; the ending of the name says how.

    Returns
    -------
    list of str
        The files that were written.
    """
    if Path(path).suffix.lower() in _HTML:
        Path(path).write_text(_page(report), encoding="utf-8")
        return [path]
    figures: list[str] = []
    Path(path).write_text(_markdown(report, Path(path), figures), encoding="utf-8")
    return [path, *figures]


# ---- HTML ----


def _page(report: Report) -> str:
    sections = "\n".join(_section(section) for section in report.sections)
    title, subtitle = escape(report.title), escape(report.subtitle)
    template = Template((Path(__file__).parent / "report.html").read_text(encoding="utf-8"))
    return template.substitute(title=title, subtitle=subtitle, sections=sections)


def _section(section: Section) -> str:
    title = escape(section.title)
    runs = (
        (drawn, "\n".join(map(_block, run))) for drawn, run in groupby(section.blocks, lambda b: isinstance(b, Figure))
    )
    blocks = "\n".join(f'<div class="figures">\n{run}\n</div>' if drawn else run for drawn, run in runs)
    if section.folded:
        return f"<details><summary>{title}</summary>\n{blocks}\n</details>"
    return f"<section>\n<h2>{title}</h2>\n{blocks}\n</section>" if title else f"<section>\n{blocks}\n</section>"


def _block(block: Block) -> str:
    if isinstance(block, Text):
        return f"<p>{escape(block.text)}</p>"
    if isinstance(block, Code):
        return f"<pre><code>{escape(block.text)}</code></pre>"
    if isinstance(block, Tiles):
        tiles = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in block.values)
        return f"<dl>{tiles}</dl>"
    if isinstance(block, Figure):
        from multicapa.cli.figures import inline_svg

        drawing = inline_svg(block.figure, block.caption)
        return f"<figure>\n{drawing}\n<figcaption>{escape(block.caption)}</figcaption>\n</figure>"
    if isinstance(block, Drawing):
        return f"<figure>\n{block.svg}\n<figcaption>{escape(block.caption)}</figcaption>\n</figure>"
    head = "".join(f"<th>{escape(cell)}</th>" for cell in block.header)
    rows = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in block.rows)
    kind = ' class="numbers"' if block.numbers else ""
    return f'<div class="scroll"><table{kind}>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>'


# ---- Markdown ----


def _markdown(report: Report, path: Path, figures: list[str]) -> str:
    parts = [f"# {report.title}", report.subtitle]
    for section in report.sections:
        parts += [f"## {section.title}"] if section.title else []
        parts += [_markdown_block(block, path, figures) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def _markdown_block(block: Block, path: Path, figures: list[str]) -> str:
    if isinstance(block, Text):
        return _escaped(block.text)
    if isinstance(block, Code):
        return f"```\n{block.text}\n```"
    if isinstance(block, Tiles):
        return _markdown_table([name for name, _ in block.values], [[value for _, value in block.values]], True)
    if isinstance(block, Figure):
        target = path.with_name(f"{path.stem}-{block.name}.svg")
        block.figure.savefig(target, metadata={"Date": None})
        figures.append(str(target))
        return f"![{block.caption}](<{target.name}>)"
    if isinstance(block, Drawing):
        target = path.with_name(f"{path.stem}-{block.name}.svg")
        target.write_text(block.svg, encoding="utf-8")
        figures.append(str(target))
        return f"![{block.caption}](<{target.name}>)"
    return _markdown_table(block.header, block.rows, block.numbers)


def _markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], numbers: bool) -> str:
    line = ["---", *(["--:"] if numbers else ["---"]) * (len(header) - 1)]
    cells = [[_escaped(cell) for cell in row] for row in (header, *rows)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (cells[0], line, *cells[1:]))


def _escaped(text: str) -> str:
    for sign in "\\|*_<`":
        text = text.replace(sign, "\\" + sign)
    return text
