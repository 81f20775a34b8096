"""Lossy coding of images in memory: WebP and AVIF, by libvips.

JPEG is in :mod:`scalewise.files.jpeg`.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pyvips
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.files.vips_errors import in_brackets, one_line

LossyCodec = Literal["WebP", "AVIF"]


def code_and_decode(
    pixels: NDArray[np.uint8], codec: LossyCodec, quality: int
) -> NDArray[np.uint8]:
    """Return an image as it comes back from a file of a codec, with halved chroma.

    Args:
        pixels: (H, W, 3), RGB.
        codec: the file's format.
        quality: 1 to 100, as libwebp or libheif counts.

    Raises:
        ScalewiseError: libvips was built without the codec, or a side is too long for it.
    """
    height, width, bands = pixels.shape
    data = np.ascontiguousarray(pixels).data
    image: Any = pyvips.Image.new_from_memory(data, width, height, bands, "uchar")
    image = image.copy(interpretation="srgb")
    try:
        if codec == "WebP":
            file = image.webpsave_buffer(Q=quality, keep="none")
        else:
            file = image.heifsave_buffer(Q=quality, compression="av1", effort=3, keep="none")
        decoded: Any = pyvips.Image.new_from_buffer(file, "")
        return decoded.numpy()[..., :3]
    except pyvips.Error as error:
        reason = in_brackets(one_line(error, codec.lower()))
        raise ScalewiseError(f"{width}x{height} cannot be coded as {codec}{reason}") from None
