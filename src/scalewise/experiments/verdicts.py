"""Verdicts on claims: from differences and their spread, to a word and a sentence.

A difference counts only if it is larger than its spread over seeds.  With fewer than three seeds
nobody can tell, whatever the difference.  A claim that does not hold is not yet its opposite: that
takes a difference the other way.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from scalewise.experiments.formatting import signed
from scalewise.experiments.seeds import deviation

Verdict = Literal[
    "holds", "does not hold", "the opposite holds", "cannot be told", "not yet measured"
]

DECIDED: tuple[Verdict, ...] = ("holds", "does not hold", "the opposite holds")
"""Verdicts that took a comparison with a spread."""

SEEDS = 3
"""Fewest seeds from which on a difference has a spread."""

CHANCE = 1 - math.sqrt(3 / 5)
"""Chance of a mean of three normal values without any effect to exceed their deviation: 0.2254.

Student's t with two degrees of freedom lies beyond t, above or below zero, with a probability of
1 - t / sqrt(2 + t^2); t is the square root of 3.
"""


@dataclass(frozen=True)
class Finding:
    """Result of one comparison.

    Attributes:
        where: how the networks were compared, such as ``equal steps``.
        verdict: on the claim; None for a remark that judges nothing.
        text: the figures; empty if they are not measured.
        over_seeds: whether the spread behind the verdict is that over seeds.
        score: what the figures are of, with its protocol; empty for other figures.
    """

    where: str
    verdict: Verdict | None
    text: str
    over_seeds: bool = False
    score: str = ""


def verdict(differences: Sequence[float], margin: float | None = None) -> Verdict:
    """Return whether differences, one per seed, are above zero by more than their spread.

    With a margin the claim is that one can stand in for the other: that no more than the margin is
    lost.  What is within the spread then decides nothing, and a larger loss only denies the claim.

    >>> verdict([0.2, 0.25, 0.22]), verdict([-0.2, -0.1, -0.3]), verdict([0.2])
    ('holds', 'the opposite holds', 'cannot be told')
    >>> verdict([0.2, -0.25, 0.1])  # smaller than the spread: no difference
    'does not hold'
    >>> [verdict([x - 0.02, x, x + 0.02], margin=0.1) for x in (-0.05, -0.1, -0.2)]
    ['holds', 'cannot be told', 'does not hold']
    """
    if not differences:
        return "not yet measured"
    if len(differences) < SEEDS:
        return "cannot be told"
    mean = statistics.mean(differences) + (margin or 0.0)
    if abs(mean) <= statistics.stdev(differences):
        return "does not hold" if margin is None else "cannot be told"
    if mean > 0:
        return "holds"
    return "the opposite holds" if margin is None else "does not hold"


def spread_text(
    differences: Sequence[float],
    unit: str = "dB",
    decimals: int = 2,
    of: str = "seed",
    judged: bool = True,
) -> str:
    """Format differences, one per seed: mean and spread, or the only one.

    If they are ``judged`` by their spread, it is said that a smaller difference is none.

    >>> spread_text([0.2, 0.3, 0.4]), spread_text([0.2])
    ('+0.30 ± 0.10 dB (3 seeds)', '+0.20 dB (1 seed, so no spread)')
    >>> spread_text([0.2, -0.3, 0.4], unit="levels", decimals=1, of="image")
    '+0.1 ± 0.4 levels (3 images), smaller than its spread: no difference'
    """
    mean, spread = statistics.mean(differences), deviation(differences)
    said = signed(mean, decimals)
    if spread is None:
        return f"{said} {unit} (1 {of}, so no spread)"
    text = f"{said} ± {spread:.{decimals}f} {unit} ({len(differences)} {of}s)"
    if not judged or abs(mean) > spread:
        return text
    return f"{text}, smaller than its spread: no difference"


def compare(
    where: str,
    differences: Sequence[float],
    cells: Mapping[str, Sequence[float]] | None = None,
    *,
    unit: str = "dB",
    decimals: int = 2,
    of: str = "seed",
    margin: float | None = None,
    score: str = "",
) -> Finding:
    """Judge the differences of one comparison.

    Args:
        where: how the networks were compared.
        differences: one per seed; above zero if the claim holds.
        cells: differences of the parts that these are means of, by what they were compared with.
        unit: of the differences.
        decimals: of the figures.
        of: what there is one difference of.
        margin: loss up to which one can stand in for the other, if that is the claim.
        score: what the differences are of, with its protocol.
    """
    if not differences:
        return Finding(where, verdict(differences), "")
    text = spread_text(differences, unit, decimals, of, judged=margin is None)
    parts = [
        f"{name} {_short(values, decimals)}" for name, values in (cells or {}).items() if values
    ]
    if len(cells or ()) > 1:
        text += f" [{'; '.join(parts)}]"
    return Finding(where, verdict(differences, margin), text, of == "seed", score)


def _short(differences: Sequence[float], decimals: int) -> str:
    """Format the differences of a part of a comparison, whose unit and number are known."""
    mean, spread = statistics.mean(differences), deviation(differences)
    said = signed(mean, decimals)
    if spread is None:
        return said
    return f"{said} ± {spread:.{decimals}f}{'' if abs(mean) > spread else ' (none)'}"


def conclude(findings: Sequence[Finding]) -> str:
    """Return the verdict of several comparisons: one word if they agree, or each with its word.

    >>> conclude([Finding("equal steps", "holds", ""), Finding("equal time", "holds", "")])
    'holds'
    >>> conclude([Finding("steps", "holds", ""), Finding("time", "cannot be told", "")])
    'holds (steps), cannot be told (time)'
    """
    judged: dict[Verdict, list[str]] = {}
    for each in findings:
        if each.verdict is not None:
            judged.setdefault(each.verdict, []).append(each.where)
    if len(judged) < 2:
        return next(iter(judged), "not yet measured")
    return ", ".join(f"{word} ({', '.join(where)})" for word, where in judged.items())


def said(findings: Sequence[Finding]) -> str:
    """Return the figures of several comparisons, each after how it was compared, and by what.

    >>> said([Finding("equal time", "holds", "+0.20 dB", score="PSNR-Y, protocol field")])
    'Equal time (PSNR-Y, protocol field): +0.20 dB'
    """
    texts = [
        f"{each.where}{f' ({each.score})' if each.score else ''}: {each.text}"
        for each in findings
        if each.text
    ]
    return "; ".join(text[:1].upper() + text[1:] if not n else text for n, text in enumerate(texts))
