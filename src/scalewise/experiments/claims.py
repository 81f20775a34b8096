"""The document's claims: each with its verdict, measurement, and the command that makes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scalewise.experiments import document_judges, judges
from scalewise.experiments.comparisons import ATTENTION, DOCUMENT_IMAGES, FACTORS, RELATED_PAIRS
from scalewise.experiments.judges import Cell, Evidence, Judge
from scalewise.experiments.results import Form
from scalewise.experiments.tables import Table
from scalewise.experiments.verdicts import DECIDED, conclude, said
from scalewise.training.budget import seconds

Heading = Literal[
    "Attention", "Normalisation", "Aggregation", "Parameters", "Training", "Results", "Future"
]
"""The document's six headings of its comparison, and its future directions.

The last two of the six are assumed: the document itself was not at hand.
"""

USUAL_BUDGET: dict[Form, str] = {"modern": "16h", "document": "40h"}
"""Budgets that are enough for everything, on two cores."""

MIXED_CELLS: tuple[Cell, ...] = (
    ("loss_mixed_fixed", "loss_l1_fixed", "at a fixed rate"),
    ("loss_mixed_cosine", "loss_l1_cosine", "with cosine annealing"),
)
COSINE_CELLS: tuple[Cell, ...] = (
    ("loss_l1_cosine", "loss_l1_fixed", "with L1"),
    ("loss_mixed_cosine", "loss_mixed_fixed", "with the mixed loss"),
)


LEARNED, RELATED = "How the networks learned", "Related networks"
CLEANING = "Ablation: denoising block, artifact module"
ALTERNATIVES = "Alternatives: denoising without a network"
"""Sections of the report, by their headings."""

_AS_GOOD = f"within {judges.AS_GOOD:g} dB"


@dataclass(frozen=True)
class Claim:
    """A claim of the document.

    Attributes:
        heading: where the comparison of both networks shows it.
        text: the claim, in our words.
        judge: compares the runs; not yet measured where they are not there.
        form: of the recipes that make them.
        remark: what a reader has to know about it.
        see: the section with its figures; empty for its heading, with a table.
        also: whether the other form has a say in it.
        budget: that is enough for it; None for that of all runs.
    """

    heading: Heading
    text: str
    judge: Judge
    form: Form = "modern"
    remark: str = ""
    see: str = ""
    also: bool = False
    budget: str | None = None

    @property
    def has_table(self) -> bool:
        """True if its heading has a table of its figures."""
        return not self.see

    def command(self, evidence: Evidence, enough: bool) -> str:
        """Return the command that makes its figures; arguments as for :func:`command`."""
        if self.budget is not None:
            return f"scalewise reproduce --data DIR --budget {self.budget}"
        also = " --also runs/document" if self.also and evidence.document else ""
        return command(self.form, evidence, enough) + also


@dataclass(frozen=True)
class Judged:
    """A claim with its verdict and figures, and its decided comparisons over seeds."""

    claim: Claim
    verdict: str
    measurement: str
    comparisons: int


CLAIMS = (
    Claim(
        "Results",
        "Adaptive restores better than Original",
        judges.together(judges.effect(("attention_norm", "sum", "")), document_judges.scores),
        remark="claimed for DIV2K; the column Set14 of its own Table 1 says the opposite",
        also=True,
    ),
    Claim(
        "Results",
        "Original leaves more artifacts than Adaptive",
        judges.together(judges.artifacts, document_judges.artifacts),
        remark="figures are Original's minus Adaptive's; a positive one supports the claim",
        also=True,
    ),
    Claim(
        "Training",
        "The mixed loss helps Adaptive",
        judges.together(judges.effect(*MIXED_CELLS), judges.share_of_smooth_l1),
    ),
    Claim("Training", "The dynamic learning rate helps Adaptive", judges.effect(*COSINE_CELLS)),
    Claim(
        "Training",
        "Ten epochs are too few",
        document_judges.epochs,
        "document",
        "judged within each run: whether the best validation PSNR-Y of its last fifth is above the "
        "best before by more than the noise, the deviation of the changes from one validation to "
        "the next in its second half",
        see=LEARNED,
    ),
    Claim(
        "Training",
        "The second training, with the mixed loss and a falling rate, helps Original",
        document_judges.second_training,
        "document",
        "the second training is longer, so that loss and length are not told apart",
        see=LEARNED,
    ),
    Claim(
        "Normalisation",
        "Normalisation stabilises training",
        judges.together(judges.stabilises, document_judges.gradients),
        remark="judged by how much the norm of the gradient varies, relative to its mean, and by "
        "the spread of the final score; figures are those without InstanceNorm minus those with "
        "it; under Muon, but for the document's own form",
        also=True,
    ),
    Claim(
        "Attention", "Attention over the scales enhances detail", judges.detail(*FACTORS[ATTENTION])
    ),
    Claim(
        "Aggregation",
        "Scales aggregated by attention restore better than by their sum",
        judges.effect(*FACTORS[ATTENTION]),
    ),
    Claim(
        "Parameters",
        "Adaptive has more parameters than Original",
        judges.more_parameters,
        budget="20m",
    ),
    Claim(
        "Results",
        "Original restores better than a plain residual network of the same cost",
        judges.effect((*RELATED_PAIRS["plain"], "")),
        remark="that scale-wise convolutions restore better than plain ones is the premise of both "
        "networks, and the claim of Fan et al.; this one pair was measured, whose starts differ: "
        "Original adds bicubic enlargement, and the plain network begins with a convolution that "
        "is bicubic at first and is trained on; two other scale-wise networks are 0.06 and 0.09 dB "
        "ahead of a plain one in a race with 1 seed: docs/networks.md, “The races so far”",
        see=RELATED,
    ),
    Claim(
        "Results",
        "The SCN of its authors restores better than Original",
        judges.effect((*RELATED_PAIRS["scn"], "")),
        remark="Table 1 has 35.19 against 31.28 dB on DIV2K; here Original has a global residual "
        "and SCN, as published, has none; what that costs SCN was not measured",
        see=RELATED,
    ),
    *(
        Claim("Future", f"{text} helps, at scale {scale}", judges.part(part), see=CLEANING)
        for text, scale, part in (
            ("A denoising block", 1, "denoising block"),
            ("A denoising block", 2, "denoising block at scale 2"),
            ("A module for artifacts", 1, "artifact module"),
            ("A module for artifacts", 2, "artifact module at scale 2"),
        )
    ),
    Claim(
        "Future",
        "Non-local means or wavelets can stand in for a denoising network, at scale 1",
        judges.together(judges.denoised_without("nlm"), judges.denoised_without("wavelet")),
        remark=f"{_AS_GOOD} of a released network, not of one that was trained here",
        see=ALTERNATIVES,
    ),
    Claim(
        "Future",
        "Non-local means or wavelets can stand in for one ahead of a network that enlarges",
        judges.together(judges.enlarged_without("nlm"), judges.enlarged_without("wavelet")),
        remark=f"{_AS_GOOD} of a released network in its place",
        see=ALTERNATIVES,
    ),
)


def judge_claims(evidence: Evidence) -> list[Judged]:
    """Return all claims with their verdicts."""
    judged: list[Judged] = []
    for claim in CLAIMS:
        findings = claim.judge(evidence)
        comparisons = sum(each.over_seeds and each.verdict in DECIDED for each in findings)
        judged.append(Judged(claim, conclude(findings), said(findings), comparisons))
    return judged


def claims_table(judged: Sequence[Judged], evidence: Evidence) -> Table:
    """Return the document's claims with verdict, measurement and command."""
    rows: list[list[str]] = []
    for each in judged:
        claim = each.claim
        text = claim.text + (f" ({claim.remark})" if claim.remark else "")
        enough = each.verdict != "not yet measured"
        words = claim.command(evidence, enough)
        see = claim.see or claim.heading
        rows.append([text, each.verdict, each.measurement or "–", see, words])
    headings = ["claim", "verdict", "measurement", "figures under", "command"]
    return Table(headings, rows, texts=len(headings))


def command(form: Form, evidence: Evidence, enough: bool) -> str:
    """Return the command that makes the results of a form.

    Args:
        form: of the recipes.
        evidence: results so far, whose budget is given again.
        enough: whether the claim was measured.  If one budget was not enough for the runs that
            are there, one is given that is enough for everything.
    """
    results = evidence.modern if form == "modern" else evidence.document
    budget = USUAL_BUDGET[form]
    if results and enough and results.seconds <= seconds(results.plan.budget):
        budget = results.plan.budget  # and not only the last one of several
    recipes = "" if form == "modern" else " --recipes document"
    if form == "document":
        shown = results.plan.epoch_images if results and budget == results.plan.budget else None
        recipes += f" --epoch-images {shown or DOCUMENT_IMAGES}"
    return f"scalewise reproduce --data DIR{recipes} --budget {budget}"
