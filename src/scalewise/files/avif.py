"""AVIF files: boxes that state colours, samples over the full range, quality.

libvips neither tells nor writes these properties.

Sources: ISO/IEC 14496-12 (boxes; places of items in 8.11.3, ``colr`` in 12.1.5, ``mdcv`` and
``clli`` in 12.1.6 and 12.1.7), ISO/IEC 23008-12 (items and their properties, 9.3), AV1 in ISOBMFF
2.3 (``av1C``).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from scalewise.files.av1 import base_quantiser
from scalewise.files.metadata.colour import StatedColour

_FTYP_END = 8
_LARGEST = 2**24  # bytes of a box that is read whole
_LIGHT_UNIT = 10_000  # PNG counts in 0.0001 cd/m2, AVIF in whole ones
_MOST_TOP_BOXES = 100
_IDENTITY, _BT601 = 0, 6  # how libvips has colours made into luma and chroma
_CODE_POINTS = b"colrnclx"
_FIRST_BYTES = 512  # of an image, in which its header ends
_QUALITIES = {
    **{0: 100, 16: 95, 32: 90, 60: 80, 76: 75, 120: 60},
    **{148: 50, 176: 40, 196: 30, 216: 20, 236: 10, 255: 1},
}
"""Quality that libheif has libaom make a quantiser of, by that quantiser."""


@dataclass(frozen=True)
class AvifProperties:
    """Properties of the image that a file states.

    Attributes:
        colour: as it states its colours; None if it does not.
        full_range: whether black is 0.
        monochrome: whether there is luma alone.
    """

    colour: StatedColour | None = None
    full_range: bool = True
    monochrome: bool = False


def properties_of_avif(file: BinaryIO) -> AvifProperties:
    """Return the properties of the main image; the defaults for a file that makes no sense."""
    try:
        meta = _meta(file)
        return _properties(meta) if meta else AvifProperties()
    except (struct.error, IndexError):
        return AvifProperties()


def avif_quality(file: BinaryIO) -> int | None:
    """Return the quality that an AVIF file's main image, or its first tile, was written with.

    Returns:
        1 to 100, as libheif counts, which is 100 for lossless ones; None for a damaged or other
        file.
    """
    file.seek(0)
    if file.read(_FTYP_END)[4:] != b"ftyp":
        return None
    try:
        meta = _meta(file)
        place = _place_of_image(meta) if meta else None
        if place is None:
            return None
        file.seek(place)
        quantiser = base_quantiser(file.read(_FIRST_BYTES))
    except (struct.error, IndexError, OverflowError):
        return None
    if quantiser is None:
        return None
    return round(float(np.interp(quantiser, list(_QUALITIES), list(_QUALITIES.values()))))


def _place_of_image(meta: bytes) -> int | None:
    """Return where the main image's data, or those of its first tile, begin in the file."""
    boxes = dict(_boxes(meta[4:]))
    if b"pitm" not in boxes or b"iloc" not in boxes:
        return None
    item = _primary(boxes[b"pitm"])
    tile = _first_tile(boxes[b"iref"], item) if b"iref" in boxes else 0
    return _place(boxes[b"iloc"], tile or item)


def _place(iloc: bytes, wanted: int) -> int | None:
    """Return where an item begins; None if it is not in the file itself."""
    for each in _places(iloc):
        if each.item == wanted and each.is_in_file and each.offsets:
            parts = each.base, each.offsets[0]
            return sum(int.from_bytes(iloc[part]) for part in parts)
    return None


def boxes_of_colour(stated: StatedColour, lossless: bool = False) -> list[bytes]:
    """Return the AVIF properties that state a colour space.

    Args:
        stated: the colours.
        lossless: whether the file will be.
    """
    matrix = _IDENTITY if lossless else _BT601
    code = struct.pack(">4sHHHB", b"nclx", stated.primaries, stated.transfer, matrix, 0x80)
    boxes = [_box(b"colr", code)]
    if stated.mastering:
        boxes.append(_box(b"mdcv", _reordered(stated.mastering, (1, 2, 0))))
    if stated.light:
        most, mean = (value // _LIGHT_UNIT for value in struct.unpack(">II", stated.light))
        boxes.append(_box(b"clli", struct.pack(">HH", min(most, 65535), min(mean, 65535))))
    return boxes


def with_properties(avif: bytes, added: list[bytes]) -> bytes | None:
    """Add properties to the main image of an AVIF file; return None if that cannot be done.

    Args:
        avif: the file, whose pixels come behind all that describes them.
        added: the properties' boxes, that with the code points first: it takes the place of one
            that is there.
    """
    try:
        return _rewritten(avif, added)
    except (struct.error, IndexError, StopIteration):
        return None


def _properties(meta: bytes) -> AvifProperties:
    boxes = dict(_boxes(meta[4:]))
    item = _primary(boxes[b"pitm"]) if b"pitm" in boxes else 0
    found = _of_item(boxes, item)
    colour, full = None, True
    for kind, data in found:
        if kind == b"colr" and data[:4] == b"nclx":
            primaries, transfer, _, flags = struct.unpack(">HHHB", data[4:11])
            full = flags >= 0x80
            # RGB of the full range is what libvips makes of it.
            colour = StatedColour(primaries, transfer)
    parts = {kind: data for kind, data in found if kind in (b"mdcv", b"clli")}
    if colour is not None and colour.is_hdr:
        mastering, light = parts.get(b"mdcv", b""), parts.get(b"clli", b"")
        colour = StatedColour(
            colour.primaries,
            colour.transfer,
            mastering=_reordered(mastering, (2, 0, 1)) if len(mastering) == 24 else None,
            light=_light(light) if len(light) == 4 else None,
        )
    if colour is not None and not colour.has_code:
        colour = None
    config = next((data for kind, data in found if kind == b"av1C"), None)
    if config is None and b"iref" in boxes:  # of a grid, its first tile's
        tiles = _first_tile(boxes[b"iref"], item)
        config = next((data for kind, data in _of_item(boxes, tiles) if kind == b"av1C"), None)
    monochrome = config is not None and len(config) > 2 and config[2] & 0x10 > 0
    return AvifProperties(colour, full, monochrome)


def _meta(file: BinaryIO) -> bytes | None:
    file.seek(0)
    for _ in range(_MOST_TOP_BOXES):
        head = file.read(8)
        if len(head) < 8:
            break
        size, kind = struct.unpack(">I4s", head)
        if size == 1:
            size = struct.unpack(">Q", file.read(8))[0] - 8
        if kind == b"meta":
            return file.read(min(size - 8, _LARGEST)) if size >= 12 else None
        if size < 8:
            break
        file.seek(size - 8, 1)
    return None


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8:
            return
        yield kind, data[at + 8 : at + size]
        at += size


def _primary(pitm: bytes) -> int:
    return int.from_bytes(pitm[4 : 8 if pitm[0] else 6])


def _of_item(boxes: dict[bytes, bytes], item: int) -> list[tuple[bytes, bytes]]:
    """Return the properties of an item."""
    within = list(_boxes(boxes.get(b"iprp", b"")))
    known = [box for kind, data in within if kind == b"ipco" for box in _boxes(data)]
    found: list[tuple[bytes, bytes]] = []
    for kind, data in within:
        if kind == b"ipma":
            for number, _, indices in _associations(data):
                if number == item:
                    found += [known[index - 1] for index in indices if 0 < index <= len(known)]
    return found


def _associations(ipma: bytes) -> Iterator[tuple[int, int, list[int]]]:
    """Yield the items, where each ends, and which properties they have."""
    wide, id_size = ipma[3] & 1, 4 if ipma[0] else 2
    (count,) = struct.unpack_from(">I", ipma, 4)
    at = 8
    for _ in range(count):
        item = int.from_bytes(ipma[at : at + id_size])
        rows, at = ipma[at + id_size], at + id_size + 1
        size = 2 if wide else 1
        mask = 0x7FFF if wide else 0x7F
        indices = [int.from_bytes(ipma[at + size * i :][:size]) & mask for i in range(rows)]
        at += size * rows
        yield item, at, indices


def _first_tile(iref: bytes, item: int) -> int:
    size = 4 if iref[0] else 2
    for kind, data in _boxes(iref[4:]):
        if kind == b"dimg" and int.from_bytes(data[:size]) == item:
            return int.from_bytes(data[size + 2 : 2 * size + 2])
    return 0


def _reordered(mastering: bytes, order: tuple[int, int, int]) -> bytes:
    """Reorder primaries: PNG has red, green, blue; AVIF green, blue, red."""
    colours = [mastering[4 * i : 4 * i + 4] for i in range(3)]
    return b"".join(colours[i] for i in order) + mastering[12:]


def _light(clli: bytes) -> bytes:
    return struct.pack(">II", *(value * _LIGHT_UNIT for value in struct.unpack(">HH", clli)))


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(data), kind) + data


def _rewritten(avif: bytes, added: list[bytes]) -> bytes:
    if (at := avif.find(_CODE_POINTS, 0, avif.find(b"mdat"))) > 0:
        avif = avif[: at - 4] + added[0] + avif[at - 4 + len(added[0]) :]
        added = added[1:]
    top = list(_boxes(avif))
    meta = next(data for kind, data in top if kind == b"meta")
    shift = sum(map(len, added)) + len(added)  # each is named in a byte
    parts = list(_boxes(meta[4:]))
    item = _primary(dict(parts)[b"pitm"])
    new = meta[:4]
    for kind, data in parts:
        if kind == b"iprp":
            data = _with_associations(data, item, added)
        elif kind == b"iloc":
            data = _shifted(data, shift)
        new += _box(kind, data)
    if len(new) != len(meta) + shift:
        raise IndexError("something else was there")
    return b"".join(_box(kind, new if kind == b"meta" else data) for kind, data in top)


def _with_associations(iprp: bytes, item: int, added: list[bytes]) -> bytes:
    within = dict(_boxes(iprp))
    ipco, ipma = within[b"ipco"], bytearray(within[b"ipma"])
    first = len(list(_boxes(ipco))) + 1
    end, rows = next(
        (end, len(indices)) for number, end, indices in _associations(bytes(ipma)) if number == item
    )
    if ipma[3] & 1 or first + len(added) > 0x7F:
        raise IndexError("too many properties")
    ipma[end - rows - 1] += len(added)
    ipma[end:end] = bytes(range(first, first + len(added)))
    return _box(b"ipco", ipco + b"".join(added)) + _box(b"ipma", bytes(ipma))


@dataclass(frozen=True)
class _Place:
    """Place of an item: slices of the ``iloc`` box that hold its numbers (14496-12, 8.11.3).

    Attributes:
        item: its number.
        is_in_file: whether they count from the start of the file.
        base: the number that is added to all others; it may have no bytes.
        offsets: the numbers of the item's parts.
    """

    item: int
    is_in_file: bool
    base: slice
    offsets: list[slice]


def _places(iloc: bytes) -> Iterator[_Place]:
    version, sizes = iloc[0], (iloc[4] >> 4, iloc[4] & 15, iloc[5] >> 4, iloc[5] & 15)
    offset_size, length_size, base_size, index_size = sizes
    wide = 4 if version == 2 else 2
    items, at = int.from_bytes(iloc[6 : 6 + wide]), 6 + wide
    for _ in range(items):
        item, at = int.from_bytes(iloc[at : at + wide]), at + wide
        is_in_file = not version or not iloc[at + 1] & 15
        at += (2 if version else 0) + 2
        base, at = slice(at, at + base_size), at + base_size
        extents, at = int.from_bytes(iloc[at : at + 2]), at + 2
        offsets: list[slice] = []
        for _ in range(extents):
            at += index_size if version else 0
            offsets.append(slice(at, at + offset_size))
            at += offset_size + length_size
        yield _Place(item, is_in_file, base, offsets)


def _shifted(iloc: bytes, shift: int) -> bytes:
    """Move the places of items so many bytes further on."""
    data = bytearray(iloc)
    for place in _places(iloc):
        moved = [place.base] if any(iloc[place.base]) else place.offsets
        for part in moved:
            size = part.stop - part.start
            data[part] = (int.from_bytes(iloc[part]) + shift).to_bytes(size)
    return bytes(data)


def over_full_range(image: Any, bits: int, properties: AvifProperties) -> Any:
    """Return an image over the full range, whose white is the greatest value.

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
