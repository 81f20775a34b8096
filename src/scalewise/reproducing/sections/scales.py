"""What scale attention learned."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.reproducing import plots
from scalewise.reproducing.document import Block, Paragraph, Picture, Section
from scalewise.reproducing.results import ATTENTION_MAPS, Attention, Results
from scalewise.reproducing.wording import DIGEST, listed, unique

HEADING = "What scale attention learned"
CONVOLUTIONS = ("first", "second")


def scales(results: Results) -> Section:
    """Maps of alpha, and its mean in every block."""
    attention = results.attention
    if attention is None:
        return Section(HEADING, [Paragraph("Scale attention was not looked at yet.")])
    levels = plots.level_names(len(attention.means[0][0]))
    blocks: list[Block] = [
        Paragraph(
            f"Adaptive weighs its levels ({listed(levels)} size) at every pixel: alpha, a softmax "
            f"over the levels, adds up to 1. Shown on {attention.picture}, as the network of "
            f"{_whose(results, attention)} has it."
        ),
        *_maps(results, attention),
        _means(attention, levels),
    ]
    return Section(HEADING, blocks)


def _maps(results: Results, attention: Attention) -> list[Block]:
    path = results.folder / ATTENTION_MAPS
    arrays = _read(path)
    if arrays is None:
        return [Paragraph(f"The maps themselves are missing: {path.name}.")]
    image, alpha = arrays
    blocks = [int(text) for text in unique(str(b) for b in _chosen(len(alpha)))]
    numbers = listed(str(block + 1) for block in blocks)
    return [
        plots.picture(
            "attention-maps",
            plots.maps(image, alpha[:, 1], blocks),
            f"Alpha of each level on {attention.picture}, second convolution of blocks {numbers}; "
            "all maps share the scale from 0 to 1.",
            f"{attention.picture}, and beside it maps of alpha for each level in blocks {numbers}.",
            kind="png",
        )
    ]


def _means(attention: Attention, levels: list[str]) -> Picture:
    values = np.array(attention.means, dtype=np.float64)
    in_words = "; ".join(
        f"{name} convolution, mean over the blocks: "
        + ", ".join(
            f"{level} {value:.2f}"
            for level, value in zip(levels, values[:, which].mean(axis=0), strict=True)
        )
        for which, name in enumerate(CONVOLUTIONS)
    )
    return plots.picture(
        "attention-means",
        plots.means(values),
        f"Mean of alpha over {attention.picture} in every block; "
        "dotted: all levels alike. " + in_words[0].upper() + in_words[1:] + ".",
        f"Two line plots of the mean of alpha against the block. {in_words}.",
    )


def _whose(results: Results, attention: Attention) -> str:
    run = results.find(attention.run)
    if run is None:
        return attention.run
    return f"{attention.run} (weights {run.measured.weights[:DIGEST]})"


def _chosen(blocks: int) -> tuple[int, int, int]:
    return 0, blocks // 2, blocks - 1


def _read(path: Path) -> tuple[NDArray[np.uint8], NDArray[Any]] | None:
    try:
        with np.load(path) as arrays:
            return arrays["picture"], arrays["alpha"]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None
