"""Samples of AVIF over the full range, and grey where there are no colours."""

from __future__ import annotations

from typing import Any

from scalewise.files.avif_boxes import AvifProperties


def over_full_range(image: Any, bits: int, properties: AvifProperties) -> Any:
    """A picture whose white is the greatest value.

    libvips leaves the low bits of 16 at 0, and only makes colours of luma and chroma, not grey of
    luma alone, so that a limited range stays one (16 to 235, in 8 bits).

    Args:
        image: as libvips decodes it.
        bits: of a sample in the file.
        properties: what the file says.
    """
    deep = image.format == "ushort"
    if properties.monochrome and image.bands > 2:
        image = image[0].bandjoin(image[3]) if image.bands == 4 else image[0]
    full = image | (image >> bits) if deep and bits in (10, 12) else image
    if not properties.monochrome or properties.full_range:
        return full
    unit, white = (256, 65535) if deep else (1, 255)
    grey = (image[0] - 16 * unit) * (white / (219 * unit))
    grey = grey.rint().cast(image.format)  # which clips
    return grey if image.bands == 1 else grey.bandjoin(full[1])
