"""What the networks cost."""

from __future__ import annotations

from scalewise.imaging.protocols import FIELD
from scalewise.reproducing import plots
from scalewise.reproducing.document import Block, Paragraph, Section
from scalewise.reproducing.plots import Cost
from scalewise.reproducing.reading import finals, psnr_y, reference, short_title
from scalewise.reproducing.results import Results, Trained
from scalewise.reproducing.tables import costs
from scalewise.reproducing.wording import decibels, significant


def complexity(results: Results) -> Section:
    """Parameters, operations, time and memory; and quality against time."""
    runs = [*finals(results), *results.group("ablation"), *results.group("comparator")]
    if not runs:
        return Section("Complexity", [Paragraph("Nothing is measured yet.")])
    return Section("Complexity", [costs(runs), *_plot(results)])


def _plot(results: Results) -> list[Block]:
    dataset = reference(results)
    runs: list[Trained] = [*finals(results), *results.group("comparator")]
    points = [
        Cost(short_title(run), run.complexity.seconds, value, run in finals(results))
        for run in runs
        if (value := psnr_y(run.measured, dataset)) is not None
    ]
    if not points:
        return []
    in_words = "; ".join(
        f"{x.title} {significant(x.seconds)} s, {decibels(x.psnr_y)} dB" for x in points
    )
    return [
        plots.picture(
            "quality-and-time",
            plots.costs(points, f"PSNR-Y on {dataset} (dB)"),
            f"PSNR-Y on {dataset}, protocol {FIELD.name}, against seconds per megapixel of output. "
            "Hollow points were trained for as long as those of the ablation only. "
            f"Trained on {results.plan.train}.",
            f"Plot of PSNR-Y against seconds per megapixel: {in_words}.",
        )
    ]
