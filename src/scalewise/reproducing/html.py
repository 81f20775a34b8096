"""A document as one HTML page that needs no other file and no network."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape
from typing import Any

import pyvips

from scalewise.reproducing.document import (
    Block,
    Document,
    Fold,
    Listing,
    Paragraph,
    Picture,
    Points,
    Section,
    Table,
    anchor,
)
from scalewise.reproducing.style import CSS, PRINTING

MANY = 8
"""A table of more columns is set closer."""


def to_html(document: Document) -> str:
    """The whole page."""
    contents = "\n".join(
        f'<li><a href="#{anchor(each.heading)}">{escape(each.heading)}</a></li>'
        for each in document.sections
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(document.title)}</title>
<style>{CSS}</style>
</head>
<body>
<header>
<h1>{escape(document.title)}</h1>
<p>{escape(document.lead)}</p>
</header>
<nav aria-label="Contents">
<ol>
{contents}
</ol>
</nav>
<main>
{_blocks(document.sections, 2)}
</main>
<script>{PRINTING}</script>
</body>
</html>
"""


def _blocks(blocks: Iterable[Block], depth: int) -> str:
    return "\n".join(_block(block, depth) for block in blocks)


def _block(block: Block, depth: int) -> str:
    """One block; ``depth`` is that of the next heading."""
    match block:
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Points(items):
            return f"<ul>\n{_joined(f'<li>{escape(item)}</li>' for item in items)}\n</ul>"
        case Table():
            return _table(block)
        case Picture():
            return _figure(block)
        case Listing(text):
            return f"<pre>{escape(text)}</pre>"
        case Fold(summary, blocks):
            head = f"<summary>{escape(summary)}</summary>"
            return f"<details>\n{head}\n{_blocks(blocks, depth)}\n</details>"
        case Section(heading, blocks):
            head = f"<h{depth}>{escape(heading)}</h{depth}>"
            inner = _blocks(blocks, depth + 1)
            return f'<section id="{anchor(heading)}">\n{head}\n{inner}\n</section>'


def _table(table: Table) -> str:
    looks = [f' class="{table.look(index)}"' for index in range(len(table.headings))]
    head = "".join(
        f'<th scope="col"{look}>{escape(text)}</th>'
        for text, look in zip(table.headings, looks, strict=True)
    )
    rows = _joined(
        "<tr>"
        + f'<th scope="row"{looks[0]}>{escape(row[0])}</th>'
        + "".join(
            f"<td{look}>{escape(text)}</td>" for text, look in zip(row[1:], looks[1:], strict=True)
        )
        + "</tr>"
        for row in table.rows
    )
    label = escape(table.caption, quote=True)
    dense = ' class="dense"' if len(table.headings) > MANY else ""
    return f"""<div class="scroll" role="region" tabindex="0" aria-label="{label}">
<table{dense}>
<caption><span>{escape(table.caption)}</span></caption>
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>"""


def _figure(picture: Picture) -> str:
    dark = ""
    if picture.dark is not None:
        media = "screen and (prefers-color-scheme: dark)"
        dark = f'<source media="{media}" srcset="{_inline(picture.dark, picture.kind)}">\n'
    wide = ' class="wide"' if picture.wide else ""
    source = _inline(picture.light, picture.kind)
    return f"""<figure{wide}>
<div class="scroll" tabindex="0"><picture>
{dark}<img alt="{escape(picture.alt)}" src="{source}">
</picture></div>
<figcaption>{escape(picture.caption)}</figcaption>
</figure>"""


def _inline(content: bytes, kind: str) -> str:
    """A picture as an address that holds it."""
    mime = "image/svg+xml"
    if kind == "png":
        content, mime = _packed(content), "image/webp"
    return f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}"


def _packed(png: bytes) -> bytes:
    """The same pixels in fewer bytes."""
    image: Any = pyvips.Image.new_from_buffer(png, "")
    return image.webpsave_buffer(lossless=True)


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines)
