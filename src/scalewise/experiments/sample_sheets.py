"""Sheets and scores of the sample images, for the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scalewise.experiments import queries, tables
from scalewise.experiments.plots import ReportImage
from scalewise.experiments.results import SAMPLES, Results, Sample


def shown(results: Results, *, single: bool | None) -> dict[str, Any]:
    """Return the variables of the templates that show sample images.

    Args:
        results: of the reproduction.
        single: the image of the single-image test, the others, or None for all.
    """
    prefix = f"sample-{results.plan.form}" if single is None else "sample"
    samples = [each for each in results.samples if single in (None, each.single)]
    return {
        "shown": [
            {
                "sample": sample,
                "image": sheet(results, SAMPLES, sample, f"{prefix}-{Path(sample.sheet).stem}"),
                "scores": tables.sample_scores(results, sample),
            }
            for sample in samples
        ],
        "shown_of": results,
        "networks": ["bicubic", *(queries.short_title(run) for run in queries.finals(results))],
        "weights": [f"{queries.short_title(run)} {run.weights}" for run in queries.finals(results)],
    }


def sheet(results: Results, folder: str, sample: Sample, name: str) -> ReportImage | None:
    """Return a sample's sheet as an image of the report; None if the file is lost."""
    path = results.folder / folder / sample.sheet
    return ReportImage(name, "png", path.read_bytes()) if path.is_file() else None
