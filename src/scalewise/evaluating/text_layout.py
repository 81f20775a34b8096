"""Text in columns of a terminal: widths, cuts and line breaks."""

from __future__ import annotations

import textwrap
import unicodedata

WIDTH = 80
"""The most columns of text tables and of the lines below them."""


def display_width(text: str) -> int:
    """Return how many columns of a terminal text takes: two for Chinese, none for accents.

    >>> [display_width(text) for text in ("abc", "日本", "e\\u0301")]
    [3, 4, 1]
    """
    return sum(_width(letter) for letter in text)


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Return text with spaces behind it, or before it, so that it takes a number of columns."""
    spaces = " " * (width - display_width(text))
    return spaces + text if right else text + spaces


def shortened(text: str, width: int) -> str:
    """Return text that takes at most a number of columns, which is above 3; a cut ends in dots.

    >>> shortened("waifu2x", 7), shortened("waifu2x-ncnn", 7)
    ('waifu2x', 'waif...')
    """
    if display_width(text) <= width:
        return text
    while display_width(text) > width - 3:
        text = text[:-1]
    return f"{text}..."


def wrapped(line: str) -> str:
    """Return a line broken at spaces into several of at most :data:`WIDTH` columns, if it can."""
    return textwrap.fill(
        line, WIDTH, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
    )


def one_line(text: str) -> str:
    """Return text without line breaks and other control characters, which would break a row.

    >>> one_line("two\\nlines\\t")
    'two lines'
    """
    controls = ("Cc", "Zl", "Zp")
    plain = (" " if unicodedata.category(letter) in controls else letter for letter in text)
    return " ".join("".join(plain).split())


def _width(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
