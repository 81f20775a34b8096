"""A report before it is HTML or Markdown: sections made of paragraphs, tables and pictures.

Texts are plain; what prints them escapes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Look = Literal["left", "right"]


@dataclass(frozen=True)
class Paragraph:
    """Text in whole sentences."""

    text: str


@dataclass(frozen=True)
class Points:
    """A list of short texts."""

    items: list[str]


@dataclass(frozen=True)
class Table:
    """A table whose first column names its rows.

    Attributes:
        caption: what it shows, and by which protocol.
        headings: of the columns.
        rows: one text for every column.
        texts: how many columns, from the left, are words and not numbers.
    """

    caption: str
    headings: list[str]
    rows: list[list[str]]
    texts: int = 1

    def look(self, column: int) -> Look:
        """The side that a column is aligned to."""
        return "left" if column < self.texts else "right"


@dataclass(frozen=True)
class Picture:
    """A picture, or the same picture twice, for light and for dark pages.

    Attributes:
        name: of its file, without the suffix.
        kind: suffix of its file.
        light: the file's content.
        dark: that of the one for dark pages, if there is another.
        caption: what it shows, and by which protocol.
        alt: what it shows, for who cannot see it.
        wide: whether it gains from more room than text has.
    """

    name: str
    kind: Literal["svg", "png"]
    light: bytes
    dark: bytes | None
    caption: str
    alt: str
    wide: bool = False


@dataclass(frozen=True)
class Listing:
    """Lines of a file."""

    text: str


@dataclass(frozen=True)
class Fold:
    """What is shown on demand."""

    summary: str
    blocks: list[Block]


@dataclass(frozen=True)
class Section:
    """A heading and what is under it."""

    heading: str
    blocks: list[Block]


Block: TypeAlias = Paragraph | Points | Table | Picture | Listing | Fold | Section


@dataclass(frozen=True)
class Document:
    """A whole report.

    Attributes:
        title: of the page.
        lead: what it is, in a sentence or two.
        sections: in order.
    """

    title: str
    lead: str
    sections: list[Section]


def pictures(blocks: list[Block]) -> Iterator[Picture]:
    """All pictures among blocks and within them."""
    for block in blocks:
        if isinstance(block, Picture):
            yield block
        elif isinstance(block, Fold | Section):
            yield from pictures(block.blocks)


def anchor(heading: str) -> str:
    """A heading's address on the page, as GitHub makes it.

    >>> anchor("Table 1: published, and ours")
    'table-1-published-and-ours'
    """
    kept = "".join(sign for sign in heading.lower() if sign.isalnum() or sign in " -_")
    return kept.replace(" ", "-")
