"""Numbers and lists as the report words them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NONE = "–"
"""What stands in a table where nothing was measured."""

DIGEST = 12
"""Digits of a checksum that are shown."""


def decibels(value: float | None) -> str:
    """A PSNR.

    >>> decibels(33.376), decibels(None)
    ('33.38', '–')
    """
    return NONE if value is None else f"{value:.2f}"


def similarity(value: float | None) -> str:
    """An SSIM."""
    return NONE if value is None else f"{value:.4f}"


def difference(value: float | None) -> str:
    """A difference of two PSNRs, with its sign.

    >>> difference(-0.414), difference(0.2), difference(0.001)
    ('−0.41', '+0.20', '0.00')
    """
    if value is None:
        return NONE
    text = f"{value:+.2f}".replace("-", "−")
    return text[1:] if float(f"{value:.2f}") == 0 else text


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, whichever reads best.

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


def span(durations: Sequence[float]) -> str:
    """The shortest and the longest of some durations, or the one that they all are.

    >>> span([600, 602]), span([600, 1200])
    ('10 min', '10 min to 20 min')
    """
    shortest, longest = duration(min(durations)), duration(max(durations))
    return shortest if shortest == longest else f"{shortest} to {longest}"


def significant(value: float) -> str:
    """A number with three digits that count.

    >>> significant(0.0512), significant(1.4), significant(123.4), significant(1234.0)
    ('0.0512', '1.40', '123', '1,234')
    """
    if value >= 100:
        return f"{value:,.0f}"
    text = f"{value:#.3g}"
    return f"{value:.5f}" if "e" in text else text.rstrip(".")


def listed(words: Iterable[str]) -> str:
    """Words as a list in a sentence.

    >>> listed(["a"]), listed(["a", "b", "c"]), listed([])
    ('a', 'a, b and c', 'none')
    """
    *most, last = [*words] or ["none"]
    return f"{', '.join(most)} and {last}" if most else last


def counted(count: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "step"), counted(4000, "step")
    ('1 step', '4,000 steps')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def unique(texts: Iterable[str]) -> list[str]:
    """Each text once, in the order of first appearance."""
    return list(dict.fromkeys(texts))
