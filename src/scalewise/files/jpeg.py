"""JPEG in memory: what a picture becomes as a file, and as pixels again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.files.vips_errors import in_brackets, one_line

_MODES = {"4:2:0": "on", "4:4:4": "off"}


def encoder() -> str:
    """What encodes here, and its version.

    libvips leaves the coding itself to the libjpeg that it was built with, whose name it does
    not tell; all of that family yield the same pixels.
    """
    return "libvips " + ".".join(str(pyvips.version(part)) for part in range(3))


def encode(pixels: NDArray[np.uint8], quality: int, subsampling: str = "4:2:0") -> bytes:
    """A baseline JPEG file with the standard's tables, and nothing in it but the picture.

    Args:
        pixels: (H, W) or (H, W, 1) for grey, which has no chroma; or (H, W, 3).
        quality: 1 to 100, as libjpeg counts.
        subsampling: of the chroma, ``4:2:0`` (half each way) or ``4:4:4`` (none).

    Raises:
        ValueError: another shape or subsampling.
        ScalewiseError: more than 65,535 pixels along a side, which JPEG cannot have.
    """
    if subsampling not in _MODES:
        raise ValueError(f"encode: subsampling must be 4:2:0 or 4:4:4, not {subsampling}")
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    height, width, bands = planes.shape
    if bands not in (1, 3):
        raise ValueError(f"encode: pixels must be grey or RGB, not of shape {pixels.shape}")
    data = np.ascontiguousarray(planes).data
    image: Any = pyvips.Image.new_from_memory(data, width, height, bands, "uchar")
    image = image.copy(interpretation="b-w" if bands == 1 else "srgb")
    try:
        return image.jpegsave_buffer(Q=quality, subsample_mode=_MODES[subsampling], keep="none")
    except pyvips.Error as error:
        reason = in_brackets(one_line(error, "jpeg"))
        raise ScalewiseError(f"{width}x{height} cannot be coded as JPEG{reason}") from None


def decode(encoded: bytes) -> NDArray[np.uint8]:
    """The pixels of a JPEG file, (H, W, 1) or (H, W, 3)."""
    image: Any = pyvips.Image.jpegload_buffer(encoded)
    return image.numpy().reshape(image.height, image.width, image.bands)
