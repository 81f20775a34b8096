"""Sample pictures (the document's figures 9 and 10), and the single-picture test (11 and 12)."""

from __future__ import annotations

from scalewise.reproducing.document import Block, Paragraph, Picture, Section
from scalewise.reproducing.published import SAMPLES as SAMPLE_FIGURES
from scalewise.reproducing.published import SINGLE as SINGLE_FIGURES
from scalewise.reproducing.reading import finals, short_title
from scalewise.reproducing.results import SAMPLES, Results, Sample
from scalewise.reproducing.tables import sample_scores
from scalewise.reproducing.wording import DIGEST, listed


def samples(results: Results) -> Section:
    """Pictures restored by both networks."""
    chosen = [each for each in results.samples if not each.single]
    text = (
        "Each picture was halved and restored: low resolution, bicubic, the networks and the "
        "truth, whole and zoomed in, with maps of the error. "
        f"The document's figures {SAMPLE_FIGURES} show such pictures. {_weights(results)}"
    )
    return Section("Sample pictures", _blocks(results, chosen, text))


def single(results: Results) -> Section:
    """One picture, halved and restored."""
    chosen = [each for each in results.samples if each.single]
    text = (
        f"One picture is halved and restored, as in the document's figures {SINGLE_FIGURES}. "
        f"{_weights(results)}"
    )
    return Section("Single-picture test", _blocks(results, chosen, text))


def _blocks(results: Results, chosen: list[Sample], text: str) -> list[Block]:
    if not chosen:
        return [Paragraph("Not made yet: there is no such picture in this reproduction.")]
    blocks: list[Block] = [Paragraph(text)]
    for sample in chosen:
        blocks += [_sheet(results, sample), sample_scores(results, sample)]
    return blocks


def _sheet(results: Results, sample: Sample) -> Picture | Paragraph:
    path = results.folder / SAMPLES / sample.sheet
    if not path.is_file():
        return Paragraph(f"The sheet of {sample.name} is missing: {sample.sheet}.")
    networks = listed(["bicubic", *(short_title(run) for run in finals(results))])
    return Picture(
        f"sample-{path.stem}",
        "png",
        path.read_bytes(),
        None,
        f"{sample.name}, halved and restored by {networks}.",
        f"{sample.name} side by side: low resolution, {networks}, and the truth; below, a "
        "zoomed crop and the error of each. The table that follows has their scores.",
        wide=True,
    )


def _weights(results: Results) -> str:
    of = listed(f"{short_title(run)} {run.measured.weights[:DIGEST]}" for run in finals(results))
    return f"Weights (sha256): {of}."
