"""BMP decoding, which libvips lacks: header, palette, masks and run lengths.

Source: Microsoft, "Bitmap Storage" and the structures BITMAPINFOHEADER, BITMAPV4HEADER and
BITMAPV5HEADER of the Windows GDI; OS/2's headers are shorter or longer ones of the same order.

=========================== ===========================================================
in the file                 becomes
=========================== ===========================================================
palette, run lengths        RGB; grey where all of the palette is
16 or 32 bits with masks    8 bits, or 16 where a mask has more than 8
alpha by a mask             alpha, unless it is 0 everywhere, as many programs leave it
a fourth byte without mask  left out: the format has no meaning for it
embedded profile            kept
=========================== ===========================================================
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import pyvips
from numpy.typing import NDArray

from scalewise.arguments import counted
from scalewise.errors import ScalewiseError

_FILE_HEADER = 14
_CORE, _INFO, _V4, _V5 = 12, 40, 108, 124
HEADERS = frozenset({_CORE, *range(16, 65, 4), _V4, _V5})
"""The sizes, in bytes, of all headers that there are; the first number after the file's."""

_RGB, _RLE8, _RLE4, _MASKS, _ALPHA_MASKS = 0, 1, 2, 3, 6
_DEPTHS = {
    _RGB: (1, 2, 4, 8, 16, 24, 32),
    _RLE8: (8,),
    _RLE4: (4,),
    _MASKS: (16, 32),
    _ALPHA_MASKS: (16, 32),
}
_DEFAULT_MASKS = {16: (0x7C00, 0x3E0, 0x1F, 0), 32: (0xFF0000, 0xFF00, 0xFF, 0)}
_CALIBRATED, _EMBEDDED, _LINKED = 0, 0x4D424544, 0x4C494E4B
_ROWS_AT_ONCE = 64
_MOST_DOTS = 10_000_000  # per metre; more is damage


class BmpError(ScalewiseError):
    """The reason why a BMP file is not read, without its name."""


@dataclass
class Bmp:
    """A BMP file whose header was read.

    Attributes:
        width, height: of the image.
        warnings: what a user should know, without the file's name.
    """

    file: BinaryIO
    width: int
    height: int
    is_upright: bool
    bits: int
    compression: int
    offset: int
    masks: tuple[int, ...]
    palette: NDArray[np.uint8]
    dots: tuple[float, float]
    icc: bytes | None
    warnings: list[str] = field(default_factory=list[str])

    def image(self, *, decode: bool = True) -> Any:
        """Return all pixels, as an image of libvips.

        Args:
            decode: False for a black image of the same size and samples, without the file's pixels.

        Raises:
            BmpError: the file is cut short or damaged.
        """
        image: Any = self._decoded() if decode else self._blank()
        bands, deep = int(image.bands), bool(image.format == "ushort")
        space = {1: ("b-w", "grey16")}.get(bands, ("srgb", "rgb16"))[deep]
        image = image.copy(interpretation=space, xres=self.dots[0], yres=self.dots[1])
        if self.icc is not None:
            image.set_type(pyvips.GValue.blob_type, "icc-profile-data", self.icc)
        return image

    def _blank(self) -> Any:
        has_masks = self.bits in _DEFAULT_MASKS
        bands = 3 + (has_masks and self.masks[3] != 0)
        if self.bits <= 8 and self._is_grey():
            bands = 1
        blank: Any = pyvips.Image.black(self.width, self.height, bands=bands)
        return blank.cast("ushort") if has_masks and _are_deep(self.masks) else blank

    def _decoded(self) -> Any:
        if self.bits <= 8:
            pixels = self._coloured(self._indices())
        elif self.bits == 24:
            pixels = self._rows()[:, : self.width * 3].reshape(self.height, self.width, 3)
            pixels = pixels[..., ::-1]
        else:
            pixels = self._unmasked()
        if not self.is_upright:
            pixels = pixels[::-1]
        height, width, bands = pixels.shape
        kind = "ushort" if pixels.dtype == np.uint16 else "uchar"
        data = np.ascontiguousarray(pixels).data
        return pyvips.Image.new_from_memory(data, width, height, bands, kind)

    def _rows(self) -> NDArray[np.uint8]:
        """Return the rows in the file's order, each filled up to a multiple of four bytes."""
        used = (self.width * self.bits + 7) // 8
        stride = (self.width * self.bits + 31) // 32 * 4
        self.file.seek(self.offset)
        data = self.file.read(stride * self.height)
        if len(data) < stride * (self.height - 1) + used:
            there = len(data) // stride
            raise BmpError(f"cut short: {there} of {counted(self.height, 'row')} there")
        data += bytes(stride * self.height - len(data))
        return np.frombuffer(data, np.uint8).reshape(self.height, stride)

    def _indices(self) -> NDArray[np.uint8]:
        if self.compression in (_RLE8, _RLE4):
            self.file.seek(self.offset)
            return _run_lengths(self.file.read(), self.width, self.height, self.bits)
        rows = self._rows()
        if self.bits == 8:
            return rows[:, : self.width]
        each = 8 // self.bits
        shifts = np.arange(each - 1, -1, -1, dtype=np.uint8) * self.bits
        parts = (rows[..., None] >> shifts) & (2**self.bits - 1)
        return parts.reshape(self.height, -1)[:, : self.width]

    def _coloured(self, indices: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return self.palette[:, : 1 if self._is_grey() else 3][indices]

    def _is_grey(self) -> bool:
        return self.icc is None and bool((self.palette == self.palette[:, :1]).all())

    def _unmasked(self) -> NDArray[Any]:
        """Decode 16 or 32 bits a pixel by the masks of red, green, blue and alpha."""
        rows = self._rows().view("<u2" if self.bits == 16 else "<u4")[:, : self.width]
        masks = list(self.masks)
        if masks[3] and not any((block & masks[3]).any() for block in _blocks(rows)):
            masks[3] = 0
        if self.bits == 32 and not masks[3]:
            self._look_beyond(rows, 0xFFFFFFFF & ~(masks[0] | masks[1] | masks[2]))
        masks = masks if masks[3] else masks[:3]
        deep = _are_deep(masks)
        white = 65535 if deep else 255
        shape = (self.height, self.width, len(masks))
        pixels = np.zeros(shape, np.uint16 if deep else np.uint8)
        for start in range(0, self.height, _ROWS_AT_ONCE):
            block = rows[start : start + _ROWS_AT_ONCE].astype(np.uint64)
            for band, mask in enumerate(masks):
                if not mask:
                    continue
                shift = (mask & -mask).bit_length() - 1
                most = mask >> shift
                levels = ((block & mask) >> shift) * white
                pixels[start : start + _ROWS_AT_ONCE, :, band] = (levels + most // 2) // most
        return pixels

    def _look_beyond(self, rows: NDArray[Any], rest: int) -> None:
        """Warn that what lies next to the colours is left out, if it may be alpha."""
        if rest and not all(((block & rest) % rest == 0).all() for block in _blocks(rows)):
            self.warnings.append("its fourth byte is left out: the header does not call it alpha")


def open_bmp(file: BinaryIO) -> Bmp:
    """Read the header of a BMP file, which must stay open until the pixels are decoded.

    Raises:
        BmpError: a damaged header, or a kind that is not read.
    """
    file.seek(0)
    start = file.read(_FILE_HEADER + 4)
    if len(start) < _FILE_HEADER + 4:
        raise BmpError("cut short: its header is not whole")
    offset, size = struct.unpack("<II", start[10:18])
    file.seek(_FILE_HEADER)
    header = file.read(size) if size in HEADERS else b""
    if len(header) < size:
        raise BmpError("cut short or damaged: its header is not whole")
    if size == _CORE:
        width, height, _, bits = struct.unpack("<4H", header[4:12])
    else:
        width, height, _, bits = struct.unpack("<iiHH", header[4:16])
    header += bytes(max(_V5 - size, 0))  # what a short one does not tell is 0
    compression, _, across, down, used = struct.unpack("<IIiiI", header[16:36])
    if size == _CORE:
        compression = across = down = used = 0
    if width <= 0 or height == 0:
        raise BmpError("damaged: its header tells no size")
    foreign = size in (64, *range(16, _INFO, 4)) and compression > _RLE4  # as OS/2 counts
    if foreign or bits not in _DEPTHS.get(compression, ()):
        raise BmpError(
            f"is a BMP of {counted(bits, 'bit')} a pixel and compression {compression}, which is "
            "not read; convert it to PNG"
        )
    masks, beyond = _masks(file, header, size, compression, bits)
    palette_at = _FILE_HEADER + size + beyond
    palette = np.zeros((0, 3), np.uint8)
    if bits <= 8:
        palette = _palette(file, palette_at, offset, bits, used, 3 if size == _CORE else 4)
    icc, warning = _profile(file, header) if size >= _V4 else (None, "")
    return Bmp(
        file,
        width,
        abs(height),
        height < 0,
        bits,
        compression,
        offset if offset >= palette_at else palette_at,
        masks,
        palette,
        (across / 1000, down / 1000)
        if 0 < min(across, down) <= max(across, down) < _MOST_DOTS
        else (1.0, 1.0),
        icc,
        [warning] if warning else [],
    )


def _masks(
    file: BinaryIO, header: bytes, size: int, compression: int, bits: int
) -> tuple[tuple[int, ...], int]:
    """Read the masks of red, green, blue and alpha, and their bytes after the header."""
    if compression not in (_MASKS, _ALPHA_MASKS):
        return _DEFAULT_MASKS.get(bits, ()), 0
    beyond = 0
    if size == _INFO:
        beyond = 16 if compression == _ALPHA_MASKS else 12
        file.seek(_FILE_HEADER + size)
        found = file.read(beyond)
        header = header[:_INFO] + found + bytes(16 - len(found))
    masks = struct.unpack("<4I", header[40:56])
    limit = 1 << bits
    for mask in masks:
        low = mask & -mask
        if mask >= limit or mask & (mask + low) or mask.bit_count() > 16:
            raise BmpError(f"damaged: its mask {mask:#x} is none")
    if not any(masks[:3]):
        raise BmpError("damaged: it has masks for no colour")
    return masks, beyond


def _palette(
    file: BinaryIO, start: int, pixels: int, bits: int, used: int, size: int
) -> NDArray[np.uint8]:
    """Return RGB of every index, black where the file tells none."""
    count = min(used or 2**bits, 2**bits)
    if pixels > start:
        count = min(count, (pixels - start) // size)
    file.seek(start)
    data = file.read(count * size)
    told = np.frombuffer(data[: len(data) // size * size], np.uint8).reshape(-1, size)
    palette = np.zeros((2**bits, 3), np.uint8)
    palette[: len(told)] = told[:, 2::-1]
    return palette


def _profile(file: BinaryIO, header: bytes) -> tuple[bytes | None, str]:
    """Return the ICC profile, and a warning about colours that are stated otherwise."""
    (kind,) = struct.unpack("<I", header[56:60])
    if kind == _EMBEDDED:
        place, length = struct.unpack("<II", header[112:120])
        file.seek(_FILE_HEADER + place)
        icc = file.read(length)
        if length and len(icc) == length:
            return icc, ""
        return None, "its colour profile is damaged; left out"
    if kind == _LINKED:
        return None, "its colour profile is another file; left out"
    if kind == _CALIBRATED and any(header[60:_V4]):
        return None, "states its colours by end points and gamma; they are taken for sRGB"
    return None, ""


def _run_lengths(data: bytes, width: int, height: int, bits: int) -> NDArray[np.uint8]:
    """Decode pairs of a count and what is repeated; indices that are left out are 0."""
    indices = np.zeros((height, width), np.uint8)
    place = row = column = 0
    while row < height and place + 1 < len(data):
        count, value = data[place], data[place + 1]
        place += 2
        if count:
            run = np.array([value] if bits == 8 else [value >> 4, value & 15], np.uint8)
        elif value == 0:
            row, column = row + 1, 0
            continue
        elif value == 1:
            return indices
        elif value == 2:
            if place + 1 < len(data):
                column, row = column + data[place], row + data[place + 1]
            place += 2
            continue
        else:
            count = value
            taken = count if bits == 8 else (count + 1) // 2
            run = np.frombuffer(data[place : place + taken], np.uint8)
            if len(run) < taken:
                break
            if bits == 4:
                run = np.stack([run >> 4, run & 15], -1).reshape(-1)
            place += taken + taken % 2
        there = max(min(count, width - column), 0)
        indices[row, column : column + there] = np.resize(run, there)
        column += count
    # The end may go unsaid where the last row is full.
    if row < height and not (row == height - 1 and column >= width):
        raise BmpError(f"cut short: {row} of {counted(height, 'row')} there")
    return indices


def _are_deep(masks: Sequence[int]) -> bool:
    return any(mask.bit_count() > 8 for mask in masks)


def _blocks(rows: NDArray[Any]) -> list[NDArray[Any]]:
    return [rows[start : start + _ROWS_AT_ONCE] for start in range(0, len(rows), _ROWS_AT_ONCE)]
