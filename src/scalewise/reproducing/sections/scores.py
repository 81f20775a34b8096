"""The document's Table 1, and every score."""

from __future__ import annotations

from scalewise.imaging.protocols import FIELD, SQUASH256
from scalewise.reproducing.document import Block, Fold, Paragraph, Section
from scalewise.reproducing.published import PUBLISHED
from scalewise.reproducing.reading import (
    DIV2K,
    FORMS,
    REFERENCE,
    SINGLE,
    psnr_y,
    score_protocols,
    sets,
    table_protocols,
)
from scalewise.reproducing.results import Results
from scalewise.reproducing.tables import all_scores, table_one
from scalewise.reproducing.wording import listed


def scores(results: Results) -> Section:
    """Published figures beside ours, a table for every protocol; then all scores, folded."""
    protocols = table_protocols(results)
    blocks: list[Block] = [
        Paragraph(
            "The document's Table 1 (x2) stands beside what was measured here. "
            "The protocols have a table each, since the same pixels score differently by each; "
            "numbers of one table are never to be compared with those of another. "
            f"First comes {protocols[0]}, which networks in {FORMS[results.plan.form]} are "
            f"validated by; {SQUASH256.name} is how the document's own code measures."
        ),
        Paragraph(remark(results)),
    ]
    blocks += [Paragraph(text) for text in absent(results)]
    blocks += [table_one(results, protocol) for protocol in protocols]
    all_protocols = score_protocols(results)
    full = [table for protocol in all_protocols if (table := all_scores(results, protocol)).rows]
    blocks.append(Fold("Every network on every set, with PSNR over RGB and SSIM", [*full]))
    return Section("Table 1: published, and ours", blocks)


def remark(results: Results) -> str:
    """What the document's column "Set14" can be."""
    grounds = [
        f"{value:.2f} dB on {what} (protocol {protocol})"
        for what, name, protocol in (
            ("the picture", SINGLE, FIELD.name),
            ("the set", REFERENCE, SQUASH256.name),
        )
        if (value := psnr_y(results.bicubic, name, protocol)) is not None
    ]
    because = f": bicubic scores {listed(grounds)}" if grounds else ""
    single = [each for each in PUBLISHED if each.is_single]
    highest = max(each.set14 for each in single)
    return (
        f"A remark on the document's column “{REFERENCE}”: its figures for "
        f"{listed([each.method for each in single])} stand under {SINGLE}, because they can only "
        f"be of that single picture of the set{because}. A mean over the set of {highest:.1f} dB "
        "is out of reach for any x2 network."
    )


def absent(results: Results) -> list[str]:
    """What of Table 1 could not be measured."""
    there = sets(results)
    texts: list[str] = []
    if DIV2K not in there:
        texts.append(f"{DIV2K} was not measured: it is not among the data that were given.")
    texts += [
        f"{name} was not measured: it is not among the pictures that were given."
        for name in (SINGLE, REFERENCE)
        if name not in there
    ]
    names = {"original_mixed": "Original", "adaptive_mixed": "Adaptive", "scn": "SCN"}
    if lacking := [title for name, title in names.items() if results.find(name) is None]:
        texts.append(f"Not trained to the end here: {listed(lacking)}.")
    return texts
