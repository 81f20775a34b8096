"""GeoTIFF tags: where the pixels lie on the earth, kept true when the image is resized.

Source: OGC GeoTIFF 1.1 (19-008r4), 7.1.2: raster space counts pixels from the upper left corner of
the first one, or from its centre where GTRasterTypeGeoKey says ``PixelIsPoint``.
"""

from __future__ import annotations

import struct

from scalewise.files.tiff.ifd import DOUBLE, Directory

_SCALE, _TIEPOINTS, _TRANSFORMATION = 33550, 33922, 34264
_KEYS = 34735
_RASTER_TYPE, _PIXEL_IS_POINT = 1025, 2
GEO_TAGS = frozenset({_SCALE, _TIEPOINTS, _TRANSFORMATION, _KEYS, 34736, 34737, 42112, 42113})
"""The tags that are kept; among them GDAL's description of the bands, and its no-data value."""
SENSOR_MODEL = 50844
"""Rational polynomials from the earth to pixels, which are not kept."""


def scaled_geotiff(tags: Directory, across: float, down: float) -> Directory:
    """Return the tags of an image that was resized by these factors.

    >>> scale = struct.pack("<3d", 0.5, 0.5, 0)
    >>> new = scaled_geotiff({33550: (12, 3, scale)}, 2, 2)
    >>> struct.unpack("<3d", new[33550][2])
    (0.25, 0.25, 0.0)
    """
    if (across, down) == (1, 1):
        return tags
    centre = 0.5 if _pixel_is_point(tags) else 0.0
    changed: Directory = {}
    if numbers := _doubles(tags, _SCALE):
        changed[_SCALE] = _value([numbers[0] / across, numbers[1] / down, *numbers[2:]])
    if numbers := _doubles(tags, _TIEPOINTS):
        for at in range(0, len(numbers) - 5, 6):
            numbers[at] = (numbers[at] + centre) * across - centre
            numbers[at + 1] = (numbers[at + 1] + centre) * down - centre
        changed[_TIEPOINTS] = _value(numbers)
    if len(numbers := _doubles(tags, _TRANSFORMATION)) == 16:
        for row in range(0, 16, 4):
            numbers[row + 3] += numbers[row] * (centre / across - centre)
            numbers[row + 3] += numbers[row + 1] * (centre / down - centre)
            numbers[row] /= across
            numbers[row + 1] /= down
        changed[_TRANSFORMATION] = _value(numbers)
    return tags | changed


def _pixel_is_point(tags: Directory) -> bool:
    value = tags.get(_KEYS)
    if not isinstance(value, tuple):
        return False
    numbers = struct.unpack(f"<{len(value[2]) // 2}H", value[2][: len(value[2]) // 2 * 2])
    keys = (numbers[at : at + 4] for at in range(4, len(numbers) - 3, 4))
    return any(key == (_RASTER_TYPE, 0, 1, _PIXEL_IS_POINT) for key in keys)


def _doubles(tags: Directory, tag: int) -> list[float]:
    value = tags.get(tag)
    if not isinstance(value, tuple) or value[0] != DOUBLE:
        return []
    return list(struct.unpack(f"<{len(value[2]) // 8}d", value[2]))


def _value(numbers: list[float]) -> tuple[int, int, bytes]:
    return DOUBLE, len(numbers), struct.pack(f"<{len(numbers)}d", *numbers)
