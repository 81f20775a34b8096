"""The figures that the reproduced document publishes, in its Table 1 (x2, PSNR in dB)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """One row of the document's Table 1.

    Attributes:
        method: the network.
        div2k: PSNR on DIV2K's validation pictures.
        set14: PSNR on what the document calls Set14.
        is_single: whether that can only be the single picture lenna, not the set's mean.
    """

    method: str
    div2k: float
    set14: float
    is_single: bool


PUBLISHED = (
    Published("SCN of its authors", 35.19, 34.14, is_single=False),
    Published("Original", 31.28, 36.90, is_single=True),
    Published("Adaptive", 31.83, 36.72, is_single=True),
)

MARK = "published"
"""What the rows of published figures are marked with."""

REMARK = "Published: protocol not stated by the document beyond its code"
"""What the mark means."""

CURVES, SAMPLES, SINGLE = "1-8", "9-10", "11-12"
"""Numbers of the document's figures: curves, sample pictures, the single-picture test."""
