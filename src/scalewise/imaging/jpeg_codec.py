"""JPEG coding of pixels in NumPy: the lossy steps alone, for one image or a batch.

The lossy steps of libjpeg, which nearly all JPEGs went through: JFIF's full-range YCbCr, chroma
averaged over 2x2 pixels, the 8x8 DCT, quantisation by the tables of ITU-T T.81 Annex K scaled by
quality, and, coming back, chroma interpolated by a triangle ("fancy upsampling").  Entropy coding
loses nothing and is left out.  Agrees with libjpeg-turbo within 0.2 levels on average and 52 dB;
its DCT rounds in between in more places.

One image is computed in float64, a batch of training patches mostly in float32, so that a value
halfway between two levels may now and then be rounded the other way.  Real JPEG files are made by
:func:`scalewise.files.jpeg.encode_jpeg`.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import check_choice, check_number
from scalewise.errors import ScalewiseError
from scalewise.imaging.data_range import check_uint8

Subsampling = Literal["4:2:0", "4:4:4"]
Patches = NDArray[np.uint8]
Planes = NDArray[np.floating[Any]]
"""(n, H, W), whole numbers from 0 to 255."""

GRID = 16
"""Pixels from one of JPEG's units to the next where chroma is halved; luma blocks are half that."""

# ITU-T T.81, Annex K, tables K.1 (luminance) and K.2 (chrominance).
LUMA_TABLE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
CHROMA_TABLE = np.array(
    [
        [17, 18, 24, 47, 99, 99, 99, 99],
        [18, 21, 26, 66, 99, 99, 99, 99],
        [24, 26, 56, 99, 99, 99, 99, 99],
        [47, 66, 99, 99, 99, 99, 99, 99],
        [99, 99, 99, 99, 99, 99, 99, 99],
        [99, 99, 99, 99, 99, 99, 99, 99],
        [99, 99, 99, 99, 99, 99, 99, 99],
        [99, 99, 99, 99, 99, 99, 99, 99],
    ]
)

# JFIF 1.02: BT.601 in full range.
RGB_TO_YCBCR = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.168735892, -0.331264108, 0.5],
        [0.5, -0.418687589, -0.081312411],
    ]
)
YCBCR_TO_RGB = np.array([[1.0, 0.0, 1.402], [1.0, -0.344136286, -0.714136286], [1.0, 1.772, 0.0]])


def jpeg(
    image: NDArray[np.uint8], quality: int, subsampling: Subsampling = "4:2:0"
) -> NDArray[np.uint8]:
    """Return an image after coding it as a baseline JPEG and decoding it again.

    Args:
        image: (H, W), (H, W, 1) or (H, W, 3), uint8.
        quality: 1 to 100, as libjpeg counts.
        subsampling: of the chroma, ``"4:2:0"`` (half each way) or ``"4:4:4"`` (none).

    Returns:
        uint8, the same shape.

    Raises:
        ScalewiseError: another type, shape, quality or subsampling.

    >>> flat = np.full((9, 7, 3), 200, dtype=np.uint8)
    >>> bool((jpeg(flat, quality=90) == flat).all())
    True
    """
    check_uint8("image", image, (2, 3))
    check_number("quality", quality, 1, 100, whole=True)
    check_choice("subsampling", subsampling, get_args(Subsampling))
    if image.ndim == 2 or image.shape[2:] == (1,):
        plane = image.reshape(1, *image.shape[:2]).astype(np.float64)
        return _quantise(plane, _steps(LUMA_TABLE, quality)).astype(np.uint8).reshape(image.shape)
    if image.shape[2:] != (3,):
        raise ScalewiseError(
            f"image must be (H, W), (H, W, 1) or (H, W, 3), not {image.shape}", arguments=["image"]
        )
    qualities = np.array([quality])
    return _code(image[None], qualities, subsampling == "4:2:0", np.dtype(np.float64))[0]


def jpeg_batch(patches: Patches, quality: NDArray[np.int64], halved: NDArray[np.bool_]) -> Patches:
    """Return patches after coding each as a JPEG of its own and decoding it again.

    Args:
        patches: (n, H, W, 3), uint8; n may be 0.
        quality: (n,), 1 to 100.
        halved: (n,), whose chroma is halved each way (4:2:0).

    Returns:
        uint8, the same shape.
    """
    coded = np.empty_like(patches)
    for halve in (False, True):
        group = halved == halve
        if group.any():
            coded[group] = _code(patches[group], quality[group], halve, np.dtype(np.float32))
    return coded


def quantisation_table(base: NDArray[np.int64], quality: int) -> NDArray[np.int64]:
    """Return a quantisation table (8, 8) for a quality of 1 to 100, as libjpeg scales it."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return ((base * percent + 50) // 100).clip(1, 255)


def round_to_levels(values: NDArray[Any]) -> NDArray[Any]:
    """Round floating values half up to whole numbers from 0 to 255, in place."""
    values += 0.5
    return np.clip(np.floor(values, out=values), 0, 255, out=values)


def _code(
    patches: Patches, quality: NDArray[np.int64], halve: bool, dtype: np.dtype[Any]
) -> Patches:
    """Code RGB patches (n, H, W, 3) whose chroma is halved for all or for none."""
    _, height, width, _ = shape = patches.shape
    luma_steps, chroma_steps = (
        np.concatenate([_steps(table, each) for each in quality.tolist()])
        for table in (LUMA_TABLE, CHROMA_TABLE)
    )
    colours = RGB_TO_YCBCR @ patches.reshape(-1, 3).T  # float64: ties are common here
    colours[1:] += 128
    planes = round_to_levels(colours).astype(dtype).reshape(3, *shape[:3])
    planes[0] = _quantise(planes[0], luma_steps)
    for plane in planes[1:]:
        if halve:
            half = _quantise(_average_2x2(plane), chroma_steps)
            # Columns beyond the right edge come from averaging too: they are cut off last.
            whole = _interpolate_2x2(half[..., : (width + 1) // 2])
            plane[:] = whole[:, :height, :width]
        else:
            plane[:] = _quantise(plane, chroma_steps)
    planes[1:] -= 128
    decoded = round_to_levels(YCBCR_TO_RGB.astype(dtype) @ planes.reshape(3, -1))
    return np.ascontiguousarray(decoded.astype(np.uint8).T).reshape(shape)


def _steps(table: NDArray[np.int64], quality: int) -> NDArray[np.int64]:
    return quantisation_table(table, quality).reshape(1, 1, 64)


def _dct_matrix() -> NDArray[np.floating[Any]]:
    """Return the 8x8 DCT as an orthonormal (64, 64) matrix on flattened blocks."""
    index = np.arange(8)
    one_axis = 0.5 * np.cos(np.outer(index, 2 * index + 1) * np.pi / 16)
    one_axis[0] /= np.sqrt(2.0)
    return np.kron(one_axis, one_axis)


DCT = _dct_matrix()


def _quantise(planes: Planes, steps: NDArray[np.int64]) -> Planes:
    """Quantise planes in the DCT domain by tables (n, 1, 64), edges repeated up to whole blocks."""
    count, height, width = planes.shape
    if height % 8 or width % 8:
        planes = np.pad(planes, ((0, 0), (0, -height % 8), (0, -width % 8)), mode="edge")
    rows, columns = planes.shape[1] // 8, planes.shape[2] // 8
    blocks = planes.reshape(count, rows, 8, columns, 8).swapaxes(2, 3).reshape(-1, 64)
    dct, steps_8 = DCT.astype(planes.dtype), 8 * steps.astype(planes.dtype)
    # libjpeg's DCT yields whole eighths; halves then go away from zero.
    eighths = np.floor((blocks - 128) @ (8 * dct.T) + planes.dtype.type(0.5))
    eighths = eighths.reshape(count, -1, 64)
    levels = np.copysign(np.floor((np.abs(eighths) + steps_8 / 2) / steps_8), eighths)
    decoded = round_to_levels((levels * steps_8).reshape(-1, 64) @ (dct / 8) + 128)
    decoded = decoded.reshape(count, rows, columns, 8, 8).swapaxes(2, 3).reshape(planes.shape)
    return decoded[:, :height, :width]


def _average_2x2(planes: Planes) -> Planes:
    """Return half of planes each way: (n, ceil(H / 2), W / 2 up to whole blocks).

    Like libjpeg, rounds halves down and up in turn along a row, and repeats the right edge
    before averaging (the bottom edge after it, when blocks are quantised).
    """
    _, height, width = planes.shape
    if height % 2 or width % 16:
        planes = np.pad(planes, ((0, 0), (0, height % 2), (0, -width % 16)), mode="edge")
    rows = planes[:, 0::2] + planes[:, 1::2]
    total = rows[:, :, 0::2] + rows[:, :, 1::2]
    total[:, :, 0::2] += 1
    total[:, :, 1::2] += 2
    return np.floor(total / 4)


def _interpolate_2x2(planes: Planes) -> Planes:
    """Return twice planes each way: 3/4 of the nearer sample and 1/4 of the farther."""
    count, height, width = planes.shape
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)), mode="edge")
    tall = np.empty((count, 2 * height, width + 2), planes.dtype)
    tall[:, 0::2] = 3 * padded[:, 1:-1] + padded[:, :-2]
    tall[:, 1::2] = 3 * padded[:, 1:-1] + padded[:, 2:]
    wide = np.empty((count, 2 * height, 2 * width), planes.dtype)
    wide[:, :, 0::2] = 3 * tall[:, :, 1:-1] + tall[:, :, :-2] + 8
    wide[:, :, 1::2] = 3 * tall[:, :, 1:-1] + tall[:, :, 2:] + 7
    return np.floor(wide / 16)
