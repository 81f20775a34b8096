"""A document as GitHub-flavoured Markdown."""

from __future__ import annotations

import html
import re

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
    pictures,
)

SPECIAL = re.compile(r"([\\`*_{}\[\]#|~$])")
LEADING = re.compile(r"^(\s*)([-+>]|\d+(?=[.)]\s))")


def to_markdown(document: Document, folder: str) -> str:
    """The whole document.

    Args:
        document: what it says.
        folder: of its pictures, relative to the file that this will be.
    """
    parts = [f"# {escape(document.title)}", escape(document.lead)]
    parts.append(
        "\n".join(
            f"- [{escape(section.heading)}](#{anchor(section.heading)})"
            for section in document.sections
        )
    )
    parts += [text for section in document.sections for text in _block(section, folder, 2)]
    return "\n\n".join(parts) + "\n"


def picture_files(document: Document) -> dict[str, bytes]:
    """The files of a document's pictures, by name."""
    files: dict[str, bytes] = {}
    for picture in pictures([*document.sections]):
        files[_file(picture)] = picture.light
        if picture.dark is not None:
            files[_file(picture, "-dark")] = picture.dark
    return files


def named_files(markdown: str, folder: str) -> set[str]:
    """The files of pictures that a report, written by :func:`to_markdown`, refers to.

    >>> named_files('<img alt="" src="report/a.svg"> <img alt="" src="mine/b.svg">', "report")
    {'a.svg'}
    """
    return set(re.findall(rf'(?:src|srcset)="{re.escape(folder)}/([^"/]+)"', markdown))


def escape(text: str) -> str:
    r"""Text that Markdown shows as it is.

    >>> escape("a_b | <c>")
    'a\\_b \\| &lt;c&gt;'
    """
    text = SPECIAL.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))
    return LEADING.sub(r"\1\\\2" if not text[:1].isdigit() else r"\1\2", text)


def _block(block: Block, folder: str, depth: int) -> list[str]:
    """The paragraphs that a block becomes; ``depth`` is that of the next heading."""
    match block:
        case Paragraph(text):
            return [escape(text)]
        case Points(items):
            return ["\n".join(f"- {escape(item)}" for item in items)]
        case Table():
            return [f"*{escape(block.caption)}*", _table(block)]
        case Picture():
            return [_picture(block, folder), f"*{escape(block.caption)}*"]
        case Listing(text):
            return [f"````yaml\n{text}\n````"]
        case Fold(summary, blocks):
            inner = [text for each in blocks for text in _block(each, folder, depth)]
            opened = f"<details>\n<summary>{html.escape(summary)}</summary>"
            return [opened, *inner, "</details>"]
        case Section(heading, blocks):
            inner = [text for each in blocks for text in _block(each, folder, depth + 1)]
            return [f"{'#' * depth} {escape(heading)}", *inner]


def _table(table: Table) -> str:
    rule = ["---" if table.look(i) == "left" else "---:" for i in range(len(table.headings))]
    head = [escape(text) for text in table.headings]
    rows = [head, rule, *([escape(text) for text in row] for row in table.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _picture(picture: Picture, folder: str) -> str:
    lines = [f'<img alt="{html.escape(picture.alt)}" src="{folder}/{_file(picture)}">']
    if picture.dark is not None:
        source = f"{folder}/{_file(picture, '-dark')}"
        lines.insert(0, f'<source media="(prefers-color-scheme: dark)" srcset="{source}">')
    inner = "\n".join(f"  {line}" for line in lines)
    return f"<picture>\n{inner}\n</picture>"


def _file(picture: Picture, variant: str = "") -> str:
    return f"{picture.name}{variant}.{picture.kind}"
