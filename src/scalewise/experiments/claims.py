"""The document's claims: each with its verdict, measurement, and the command that makes it.

A difference counts only if it is larger than its spread over seeds.  With fewer than three seeds
nobody can tell, whatever the difference.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from scalewise.experiments import queries
from scalewise.experiments.data import DIV2K
from scalewise.experiments.formatting import difference
from scalewise.experiments.results import Results
from scalewise.experiments.tables import Table
from scalewise.imaging.protocols import FIELD
from scalewise.training.log import LogLine

Verdict = Literal["holds", "does not hold", "cannot be told", "not yet measured"]

SEEDS = 3
"""Fewest seeds from which on a difference has a spread."""

STILL_RISING = 0.05
"""Rise of PSNR-Y in dB over the last fifth of a training that counts as one."""

DOCUMENT = "scalewise reproduce --data DIR --recipes document --budget 6h"
MODERN = "scalewise reproduce --data DIR --budget 6h"


@dataclass(frozen=True)
class Judgement:
    """A verdict and what it is based on."""

    verdict: Verdict
    measurement: str


NOT_YET = Judgement("not yet measured", "")


@dataclass(frozen=True)
class Claim:
    """A claim of the document.

    Attributes:
        text: the claim, in our words.
        judge: the verdict from results; not yet measured where they are not there.
        command: makes the results.
        remark: what a reader has to know about it.
    """

    text: str
    judge: Callable[[Results], Judgement]
    command: str
    remark: str = ""


def verdict(differences: Sequence[float]) -> Verdict:
    """Return whether differences, one per seed, are above zero by more than their spread.

    >>> verdict([0.2, 0.25, 0.22]), verdict([-0.2, -0.1, -0.3]), verdict([0.2])
    ('holds', 'does not hold', 'cannot be told')
    >>> verdict([0.2, -0.25, 0.1])  # smaller than the spread: no difference
    'does not hold'
    """
    if not differences:
        return "not yet measured"
    if len(differences) < SEEDS:
        return "cannot be told"
    mean, spread = statistics.mean(differences), statistics.stdev(differences)
    return "holds" if mean > spread else "does not hold"


def spread_text(differences: Sequence[float], unit: str = "dB") -> str:
    """Format differences, one per seed: mean and spread, or the only one.

    >>> spread_text([0.2, 0.3, 0.4]), spread_text([0.2])
    ('+0.30 ± 0.10 dB (3 seeds)', '+0.20 dB (1 seed, so no spread)')
    """
    if len(differences) == 1:
        return f"{difference(differences[0])} {unit} (1 seed, so no spread)"
    mean, spread = statistics.mean(differences), statistics.stdev(differences)
    return f"{difference(mean)} ± {spread:.2f} {unit} ({len(differences)} seeds)"


def gains(results: Results, run: str, over: str, dataset: str | None) -> list[float]:
    """Return the gains in PSNR-Y of a run over another, one per seed that both have.

    Runs of further seeds are named ``NAME_seed1``, ``NAME_seed2`` and so on.
    """
    found: list[float] = []
    for suffix in ("", *(f"_seed{seed}" for seed in range(1, 10))):
        pair = results.find(run + suffix), results.find(over + suffix)
        if (value := queries.gain(*pair, dataset)) is not None:
            found.append(value)
    return found


def _compare(*pairs: tuple[str, str]) -> Callable[[Results], Judgement]:
    """Return the judge of the claim that the first run of each pair is better than the second."""

    def judge(results: Results) -> Judgement:
        names = queries.sets(results)
        dataset = DIV2K if DIV2K in names else queries.reference(results)
        found = {pair: gains(results, *pair, dataset) for pair in pairs}
        measured = {pair: values for pair, values in found.items() if values}
        if not measured:
            return NOT_YET
        verdicts: set[Verdict] = {verdict(values) for values in measured.values()}
        (first, *others) = verdicts
        total: Verdict = "cannot be told" if others else first
        texts = [f"{a} against {b}: {spread_text(v)}" for (a, b), v in measured.items()]
        return Judgement(total, f"PSNR-Y on {dataset}, protocol {FIELD.name}; {'; '.join(texts)}")

    return judge


def _judge_artifacts(results: Results) -> Judgement:
    """Judge by overshoot and ringing on the sample images: one difference per image."""
    first, second = (f"{model}_{queries.LAST_PHASE}" for model in queries.MODELS)
    both = [x.artifacts for x in results.samples if {first, second} <= x.artifacts.keys()]
    if not both:
        return NOT_YET
    overshoot = [x[first].overshoot - x[second].overshoot for x in both]
    ringing = [x[first].ringing - x[second].ringing for x in both]
    said = (
        f"Original less Adaptive, mean over {len(both)} images, one seed: overshoot "
        f"{statistics.mean(overshoot):+.3f}, ringing {statistics.mean(ringing):+.3f} levels"
    )
    return Judgement("cannot be told", said)


def rise_at_the_end(lines: Sequence[LogLine]) -> float | None:
    """Return by how many dB the best PSNR-Y rose in the last fifth of a training."""
    found = [(line.progress, line.psnr_y) for line in lines if line.psnr_y is not None]
    before = [value for progress, value in found if progress <= 0.8]
    after = [value for progress, value in found if progress > 0.8]
    return max(after) - max(before) if before and after else None


def _judge_epochs(results: Results) -> Judgement:
    """Judge whether ten epochs are too few: the score still rises at their end."""
    runs = [run for name in queries.MODELS if (run := results.find(f"{name}_l1"))]
    rises = {run.name: rise for run in runs if (rise := rise_at_the_end(run.lines)) is not None}
    if not rises:
        return NOT_YET
    texts = [f"{name} {difference(rise)} dB" for name, rise in rises.items()]
    rising = [rise > STILL_RISING for rise in rises.values()]
    found: Verdict = "cannot be told"
    if all(rising) or not any(rising):
        found = "holds" if all(rising) else "does not hold"
    return Judgement(found, f"validation PSNR-Y over the last two epochs: {', '.join(texts)}")


def _nothing(results: Results) -> Judgement:
    del results
    return NOT_YET


CLAIMS = (
    Claim(
        "Adaptive restores better than Original",
        _compare(("adaptive_mixed", "original_mixed")),
        DOCUMENT,
        "claimed for DIV2K; the column Set14 of its own Table 1 says the opposite",
    ),
    Claim("Original leaves more artifacts than Adaptive", _judge_artifacts, DOCUMENT),
    Claim(
        "The mixed loss helps Adaptive",
        _compare(("loss_mixed_fixed", "loss_l1_fixed"), ("loss_mixed_cosine", "loss_l1_cosine")),
        DOCUMENT,
        "SmoothL1 is about 1 % of the mixed loss on images in [0, 1]",
    ),
    Claim(
        "The dynamic learning rate helps Adaptive",
        _compare(("loss_l1_cosine", "loss_l1_fixed"), ("loss_mixed_cosine", "loss_mixed_fixed")),
        DOCUMENT,
    ),
    Claim("Ten epochs are too few", _judge_epochs, DOCUMENT),
    Claim("Normalisation stabilises training", _nothing, MODERN, "by gradient norms over seeds"),
    Claim(
        "Attention over the scales enhances detail",
        _compare(("attention", "sum"), ("attention_norm", "sum_norm")),
        MODERN,
    ),
    Claim(
        "A denoising block ahead of the features helps",
        _nothing,
        MODERN,
        "a future direction; see the section on it for the measurement at scale 1",
    ),
    Claim(
        "A module for artifacts helps",
        _nothing,
        MODERN,
        "a future direction; see the section on it for the measurement at scale 1",
    ),
)


def claims_table(results: Results) -> Table:
    """Return the document's claims with verdict, measurement and command."""
    rows: list[list[str]] = []
    for claim in CLAIMS:
        judged = claim.judge(results)
        text = claim.text + (f" ({claim.remark})" if claim.remark else "")
        rows.append([text, judged.verdict, judged.measurement or "–", claim.command])
    headings = ["claim", "verdict", "measurement", "command"]
    return Table(headings, rows, texts=len(headings))
