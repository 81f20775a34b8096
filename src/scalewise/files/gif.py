"""GIF frames: where they lie on their canvas, and what of it they leave unpainted.

Source: GIF89a (CompuServe, 1990): logical screen descriptor in 18, image descriptor in 20.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import pyvips

_HEADER = 13
_IMAGE, _EXTENSION = b"\x2c", b"\x21"
_HAS_TABLE = 0x80


class Frame(NamedTuple):
    """The place of a frame on the canvas, in pixels."""

    left: int
    top: int
    width: int
    height: int


def read_frames(file: BinaryIO) -> Iterator[Frame]:
    """Yield the frames of a GIF file, up to the first that is damaged."""
    file.seek(0)
    header = file.read(_HEADER)
    if len(header) < _HEADER:
        return
    file.seek(_table_size(header[10]), 1)
    while (kind := file.read(1)) in (_IMAGE, _EXTENSION):
        if kind == _EXTENSION:
            file.seek(1, 1)
        else:
            descriptor = file.read(9)
            if len(descriptor) < 9:
                return
            left, top, width, height, flags = struct.unpack("<4HB", descriptor)
            yield Frame(left, top, width, height)
            file.seek(_table_size(flags) + 1, 1)
        while size := file.read(1)[:1]:  # blocks of data, the last of which is empty
            if size == b"\0":
                break
            file.seek(size[0], 1)


def with_clear_canvas(image: Any, file: BinaryIO, page: int) -> Any:
    """Make what no frame has painted transparent, where libvips leaves it black.

    Args:
        image: of libvips, one page as it is composed; one with alpha is returned as it is.
        file: the file, which is moved about in.
        page: which frame it is, from 0.
    """
    if image.bands not in (1, 3):
        return image
    painted: Any = None
    for number, frame in zip(range(page + 1), read_frames(file), strict=False):
        black: Any = pyvips.Image.black(frame.width or 1, frame.height or 1)
        area = black.invert().embed(frame.left, frame.top, image.width, image.height)
        if frame == (0, 0, image.width, image.height):
            return image
        painted = area if number == 0 else painted | area
    return image if painted is None else image.bandjoin(painted)


def _table_size(flags: int) -> int:
    """Return the bytes of a colour table by the flags of its descriptor."""
    return 3 << (flags & 7) + 1 if flags & _HAS_TABLE else 0
