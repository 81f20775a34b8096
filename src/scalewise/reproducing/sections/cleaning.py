"""What the denoising block and the artifact module bring: an ablation on noise and on JPEGs."""

from __future__ import annotations

from dataclasses import dataclass

from scalewise.imaging.protocols import Protocol
from scalewise.reproducing.data import CLEANED_BY
from scalewise.reproducing.document import Block, Paragraph, Points, Section
from scalewise.reproducing.reading import VALUES, Value, gain, sets
from scalewise.reproducing.results import Results, Trained
from scalewise.reproducing.sections.ablation import curves, equally_long, not_trained
from scalewise.reproducing.tables import equal_time
from scalewise.reproducing.wording import difference, listed


@dataclass(frozen=True)
class Part:
    """A part of a network that is left out and put in.

    Attributes:
        name: for people.
        task: what it is for.
        without, with_it: the runs.
        value: what of a score the field compares for the task.
    """

    name: str
    task: str
    without: str
    with_it: str
    value: Value

    @property
    def protocol(self) -> Protocol:
        """What both are measured by."""
        return CLEANED_BY[self.task][0]


PARTS = (
    Part("denoising block", "denoise", "noise_plain", "noise_block", "psnr"),
    Part("artifact module", "dejpeg", "jpeg_plain", "jpeg_module", "psnr_y"),
)


def cleaning_parts(results: Results) -> Section:
    """With and without a denoising block, with and without an artifact module."""
    runs = results.group("cleaning")
    blocks = not_trained(results, "cleaning")
    if runs:
        blocks += [
            Paragraph(
                "Two of the document's future directions, each ahead of a tile-exact SCN that "
                "works at half the picture's size: a denoising block, trained with "
                "L1 + 10 MSE(denoised, clean), against L1 alone; and an artifact module, trained "
                "with L1 + 0.5 SmoothL1 + 0.1 L1(map, departure), against L1 + 0.5 SmoothL1. "
                f"{equally_long(runs)} {_learned(runs)}"
            ),
            Points([effect(results, part) for part in PARTS]),
        ]
    for part in PARTS:
        pair = [run for name in (part.without, part.with_it) if (run := results.find(name))]
        if pair:
            blocks += _compared(results, part, pair)
    return Section("Ablation: denoising block, artifact module", blocks)


def effect(results: Results, part: Part) -> str:
    """What a part brings, in a sentence, from the scores alone."""
    without, with_it = results.find(part.without), results.find(part.with_it)
    gains = [
        f"{difference(apart)} dB on {name}"
        for name in sets(results)
        if (apart := gain(with_it, without, name, part.protocol.name, part.value)) is not None
    ]
    said = (
        f"{listed(gains)} ({VALUES[part.value]}, protocol {part.protocol.name})"
        if gains
        else "not known, for want of a run"
    )
    return f"The {part.name}: {said}."


def _learned(runs: list[Trained]) -> str:
    faults = {
        "denoise": "noise of sigma {sigma[0]:g} to {sigma[1]:g}",
        "dejpeg": "JPEGs of quality {quality[0]} to {quality[1]}",
    }
    data = {run.recipe.data.task: run.recipe.data for run in runs}
    found = (
        faults[task].format(sigma=each.sigma, quality=each.quality) for task, each in data.items()
    )
    return f"They learned from {listed(found)}."


def _compared(results: Results, part: Part, pair: list[Trained]) -> list[Block]:
    table = equal_time(
        results,
        pair,
        protocol=part.protocol.name,
        value=part.value,
        given=results.unrestored,
    )
    return [Section(f"The {part.name}", [table, curves(results, pair, part.task)])]
