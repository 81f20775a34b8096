"""Formatting of numbers, lists and texts in the report; most are filters of its templates."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyvips
import yaml
from markupsafe import Markup

from scalewise.training.config import Recipe
from scalewise.training.recipe import SafeDumper, to_plain

NONE = "–"
"""Cell of a table for a missing value."""

VALUES = {"psnr": "PSNR over RGB", "psnr_y": "PSNR-Y"}
"""Names of the scores that networks are compared by."""

SPECIAL = re.compile(r"([\\`*_{}\[\]#|~$])")
LEADING = re.compile(r"^(\s*)([-+>]|\d+(?=[.)]\s))")


def decibels(value: float | None) -> str:
    """Format a PSNR.

    >>> decibels(33.376), decibels(None)
    ('33.38', '–')
    """
    return NONE if value is None else f"{value:.2f}"


def score_name(value: str, protocols: Iterable[str]) -> str:
    """Return what a score is, with its protocol.

    >>> score_name("psnr_y", ["field"]), score_name("psnr", ["denoise15", "denoise25"])
    ('PSNR-Y, protocol field', 'PSNR over RGB, protocols denoise15 and denoise25')
    """
    names = [*dict.fromkeys(protocols)]
    return f"{VALUES[value]}, protocol{'s' if len(names) > 1 else ''} {listed(names)}"


def difference(value: float) -> str:
    """Format a difference of two PSNRs, with its sign.

    >>> difference(-0.414), difference(0.2), difference(0.001)
    ('−0.41', '+0.20', '0.00')
    """
    return signed(value)


def signed(value: float, decimals: int = 2) -> str:
    """Format a number with its sign; one that is rounded to zero has none.

    >>> signed(-0.0125, 3), signed(-0.001), signed(0.5, 0)
    ('−0.013', '0.00', '0')
    """
    text = f"{value:+.{decimals}f}".replace("-", "−")
    return text[1:] if float(f"{value:.{decimals}f}") == 0 else text


def duration(seconds: float) -> str:
    """Format a duration in seconds, minutes or hours.

    >>> duration(9.4), duration(754), duration(11340)
    ('9 s', '13 min', '3 h 9 min')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def span(durations: Iterable[float]) -> str:
    """Format the shortest and the longest of some durations; one if both read alike.

    >>> span([600, 602]), span([600, 1200])
    ('10 min', '10 min to 20 min')
    """
    seconds = list(durations)
    shortest, longest = duration(min(seconds)), duration(max(seconds))
    return shortest if shortest == longest else f"{shortest} to {longest}"


def spanned(numbers: Iterable[int]) -> str:
    """Format the least and the largest of some numbers; one if they are the same.

    >>> spanned([96, 96]), spanned([338, 1444])
    ('96', '338 to 1,444')
    """
    found = sorted(numbers)
    ends = f"{found[0]:,}", f"{found[-1]:,}"
    return ends[0] if len({*ends}) == 1 else " to ".join(ends)


def significant(value: float | None) -> str:
    """Format a number with three significant digits; None is not measured.

    >>> significant(0.0512), significant(1.4), significant(123.4), significant(1234.0)
    ('0.0512', '1.40', '123', '1,234')
    """
    if value is None:
        return NONE
    if value >= 100:
        return f"{value:,.0f}"
    text = f"{value:#.3g}"
    return f"{value:.5f}" if "e" in text else text.rstrip(".")


def thousands(value: int) -> str:
    """Format an integer with separators."""
    return f"{value:,}"


def loss(value: float) -> str:
    """Format a training loss."""
    return f"{value:.3g}"


def listed(words: Iterable[str]) -> str:
    """Join words to a list in a sentence, with semicolons where words have commas.

    >>> listed(["a"]), listed(["a", "b", "c"]), listed([])
    ('a', 'a, b and c', 'none')
    >>> listed(["a, b", "c", "d"])
    'a, b; c; and d'
    """
    *most, last = [*words] or ["none"]
    if not most:
        return last
    if any("," in word for word in (*most, last)):
        return f"{'; '.join(most)}; and {last}"
    return f"{', '.join(most)} and {last}"


def flow(text: str) -> str:
    """Collapse white space; markup stays markup."""
    return type(text)(" ".join(text.split()))


def markdown(text: str) -> Markup:
    r"""Escape a text, or unescape it from HTML and escape it, for Markdown.

    >>> markdown("a_b | <c>")
    Markup('a\\_b \\| &lt;c&gt;')
    >>> markdown(Markup("&lt;c&gt;"))
    Markup('&lt;c&gt;')
    """
    plain = text.unescape() if isinstance(text, Markup) else text
    escaped = SPECIAL.sub(r"\\\1", html.escape(" ".join(plain.split()), quote=False))
    return Markup(LEADING.sub(r"\1\\\2" if not escaped[:1].isdigit() else r"\1\2", escaped))


def recipe_text(recipe: Recipe) -> str:
    """Return a recipe as YAML; of each path only the last part."""
    plain = to_plain(recipe)
    plain["data"]["train"] = [Path(path).name for path in plain["data"]["train"]]
    for part, key in (("data", "valid"), ("model", "init")):
        if isinstance(path := plain[part][key], str):
            plain[part][key] = Path(path).name
    return "\n".join(_flow_yaml({key: value})[1:-2] for key, value in plain.items())


def _flow_yaml(content: dict[str, Any]) -> str:
    return yaml.dump(
        content, Dumper=SafeDumper, sort_keys=False, default_flow_style=True, width=10**6
    )


def anchor(heading: str) -> str:
    """Return a heading's address on the page, as GitHub makes it.

    >>> anchor("Table 1: published, and ours")
    'table-1-published-and-ours'
    """
    kept = "".join(sign for sign in heading.lower() if sign.isalnum() or sign in " -_")
    return kept.replace(" ", "-")


@lru_cache(maxsize=256)  # the images of a report, which is written after each training
def data_url(content: bytes, kind: str) -> str:
    """Return an image file as a ``data:`` URL; a PNG becomes a lossless WebP, which is smaller."""
    mime = "image/svg+xml"
    if kind == "png":
        image: Any = pyvips.Image.new_from_buffer(content, "")
        content, mime = image.webpsave_buffer(lossless=True), "image/webp"
    return f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}"
