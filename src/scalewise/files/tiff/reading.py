"""TIFF decoding by libvips, checked and corrected by the tags.

libvips goes by a page's place and its number of samples.  The tags say more: which page is the
image and not its thumbnail, what of the samples is alpha, and what colours they stand for.

=============================== ======================================================
in the tags                     becomes
=============================== ======================================================
thumbnail first                 the first page that is a full image
extra samples that are not      every band stands for itself
alpha (``ExtraSamples`` 0)
planes (``PlanarConfiguration`` interleaved
2)
CIELAB, ICCLab                  sRGB of the same depth
primaries and curve             a profile, where the tags are all that tells of colours
camera raw (DNG, NEF, CR2 ...)  an error
old JPEG (compression 6)        an error
YCbCr that is not JPEG, other   an error
inks than CMYK, ITULab
=============================== ======================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

import numpy as np
import pyvips
from numpy.typing import NDArray

from scalewise.arguments import counted
from scalewise.errors import ScalewiseError
from scalewise.files.metadata.colour import StatedColour, are_colours
from scalewise.files.picture import Bands
from scalewise.files.tiff import layout
from scalewise.files.tiff.ifd import Header
from scalewise.files.tiff.layout import Page, VirtualTiff, read_pages

MOST_BANDS = 64
"""The most bands of an image whose bands stand for themselves."""

_WHITE_IS_0, _BLACK_IS_0, _RGB, _PALETTE, _MASK, _CMYK, _YCBCR = 0, 1, 2, 3, 4, 5, 6
_CIELAB, _ICCLAB, _ITULAB = 8, 9, 10
_RAW = {32803: "camera raw (a mosaic of colours)", 34892: "camera raw (linear)"}
_COLOURS = {_RGB: 3, _CMYK: 4, _YCBCR: 3, _CIELAB: 3, _ICCLAB: 3, _ITULAB: 3}
_OLD_JPEG = 6
_WHOLE, _FLOATS, _FLOATING = (1, 2, 4, 8, 16, 32), (16, 32), 3  # bits, and SampleFormat
_WITHOUT_TRANSFORM = {1, 2, 5, 8, 32773, 32946, 34925, 50000}  # compressions that keep samples
_ALPHA = (1, 2)  # associated, unassociated
_CONVERT = "convert it to JPEG, PNG or another TIFF"
_SPARSE = "leaves out tiles (a sparse file), which are black; damage to the others is not noticed"
_DEVELOP = "develop it with a raw converter first"
_DNG_VERSION, _PROFILE = 50706, 34675
_SHORTEST_TABLE = 16
_CLOSE = 0.02  # the curve of sRGB and a gamma of 2.2 differ by less
_CR2 = b"CR\2"
# What counts samples: as of all, so of one plane.
_PER_SAMPLE = (280, 281, layout.EXTRA_SAMPLES, 340, 341)


@dataclass
class TiffPicture:
    """A page of a TIFF file, not yet decoded.

    Attributes:
        image: of libvips; its samples are what the tags say, but for grey, RGB and CMYK.
        frames: the pages that can be asked for.
        directory: of the page.
        thumbnail: the directory of the same photograph's thumbnail, if the page follows one.
        orientation: as in Exif, where the page itself does not tell.
        bands: what they are, if each stands for itself.
        stated: the colours, where tags other than a profile state them.
        warnings: what a user should know, without the file's name.
        opened: what must be kept, and closed at the end.
    """

    image: Any
    frames: int = 1
    directory: Header | None = None
    thumbnail: Header | None = None
    orientation: int | None = None
    bands: Bands | None = None
    stated: StatedColour | None = None
    warnings: list[str] = field(default_factory=list[str])
    opened: list[VirtualTiff] = field(default_factory=list[VirtualTiff])
    sources: list[Any] = field(default_factory=list[Any])

    def close(self) -> None:
        """Read no further."""
        for each in self.opened:
            each.close()


def open_tiff(file: BinaryIO, page: int | None) -> TiffPicture | None:
    """Open the image of a TIFF file; None of a file whose directories are damaged.

    Args:
        file: the file; it need not stay open.
        page: which page, from 0; None for the first that is a full image.

    Raises:
        ScalewiseError: no such page, or what is never read, without the file's name.
        pyvips.Error, OSError: the file is damaged.
    """
    pages = read_pages(file)
    if not pages:
        return None
    if page is not None and not 0 <= page < len(pages):
        raise ScalewiseError(f"no page {page}; it has {len(pages)}, from 0")
    chosen = _picture_of(file, pages) if page is None else pages[page]
    _refuse(chosen)
    found = TiffPicture(None, len(pages), chosen.header, _thumbnail_of(chosen, pages))
    if page is None:
        found.warnings += _unread(pages, chosen)
    if not chosen.number(274):
        found.orientation = pages[chosen.index].number(274) or None
    _state_colours(chosen, found)
    try:
        found.image = _image(chosen, found)
    except BaseException:
        found.close()
        raise
    return found


def _picture_of(file: BinaryIO, pages: list[Page]) -> Page:
    """Return the page that is the image."""
    file.seek(8)
    is_cr2 = file.read(len(_CR2)) == _CR2
    everything = [*pages, *(inner for page in pages for inner in page.within)]
    raw = [name for each in everything if (name := _RAW.get(each.number(layout.PHOTOMETRIC)))]
    is_dng = any(_DNG_VERSION in page.entries for page in pages)
    if is_dng and (raw or not any(map(_is_full, pages))):
        raise ScalewiseError(f"is camera raw (DNG), of which only previews can be read; {_DEVELOP}")
    if raw or is_cr2:
        kind = raw[0] if raw else "camera raw (CR2)"
        raise ScalewiseError(f"is {kind}, of which only previews can be read; {_DEVELOP}")
    full = next(filter(_is_full, everything), None)
    return full or max(everything, key=lambda each: each.number(layout.WIDTH))


def _thumbnail_of(page: Page, pages: list[Page]) -> Header | None:
    """Return the directory that a page is within, or else of a thumbnail that begins the file."""
    outer = pages[page.index]
    if page is not outer:
        return outer.header
    return pages[0].header if page.index and pages[0].is_reduced else None


def _is_full(page: Page) -> bool:
    return not (page.is_reduced or page.is_mask)


def _unread(pages: list[Page], chosen: Page) -> list[str]:
    """Return warnings about the pages that are not read."""
    full = sum(map(_is_full, pages))
    lines: list[str] = []
    if full > 1:
        which = "the first" if chosen.index == 0 else f"page {chosen.index}, the first in full,"
        lines.append(f"has {len(pages)} frames; {which} is read")
    if any(page.is_mask for page in pages):
        lines.append("its transparency mask, a page of its own, is left out")
    return lines


def _refuse(page: Page) -> None:
    """Say of what libvips reads wrongly that it is not read."""
    photometric = page.number(layout.PHOTOMETRIC, _BLACK_IS_0)
    compression = page.number(layout.COMPRESSION, 1)
    bits = page.number(layout.BITS, 1)
    floating = page.number(layout.SAMPLE_FORMAT, 1) == _FLOATING
    reason = ""
    if photometric in _RAW:
        raise ScalewiseError(f"is {_RAW[photometric]}; {_DEVELOP}")
    if bits not in (_FLOATS if floating else _WHOLE):
        reason = f"has {'floating-point ' if floating else ''}samples of {counted(bits, 'bit')}"
    elif compression == _OLD_JPEG:
        reason = "is an old-style JPEG in TIFF (compression 6)"
    elif photometric == _YCBCR and (
        compression in _WITHOUT_TRANSFORM or page.number(layout.PLANAR) == 2
    ):
        reason = "has YCbCr samples without JPEG compression"
    elif photometric == _CMYK and page.number(layout.INK_SET, 1) != 1:
        reason = "has inks that are not CMYK (InkSet 2)"
    elif photometric == _ITULAB:
        reason = "has ITULab samples"
    elif photometric not in (*range(7), _CIELAB, _ICCLAB, 32844, 32845):
        reason = f"has samples of an unknown kind (PhotometricInterpretation {photometric})"
    if reason:
        raise ScalewiseError(f"{reason}, which are not read; {_CONVERT}")


def _state_colours(page: Page, found: TiffPicture) -> None:
    """Note primaries and a curve as a table, as TIFF 6.0, section 20, states them."""
    if _PROFILE in page.entries or page.number(layout.PHOTOMETRIC) not in (_BLACK_IS_0, _RGB):
        return
    white, others = page.fractions(layout.WHITE_POINT), page.fractions(layout.PRIMARIES)
    stated = StatedColour()
    if len(white) == 2 and len(others) == 6 and are_colours(np.array(white + others)):
        stated = replace(stated, chromaticities=white + others)
    table = np.array(page.numbers(layout.TRANSFER_FUNCTION)) / 65535
    if len(table):
        gamma = _gamma_of(table[: 2 ** page.number(layout.BITS, 1)])
        if gamma is None:
            found.warnings.append("its curve of brightness (TransferFunction) is left out")
        stated = replace(stated, gamma=gamma)
    found.stated = None if stated == StatedColour() else stated


def _gamma_of(table: NDArray[np.float64]) -> float | None:
    """Return the gamma that a table is encoded by; None if it is of another kind."""
    if len(table) < _SHORTEST_TABLE:
        return None
    levels = np.linspace(0, 1, len(table))
    middle = float(table[len(table) // 2])
    if not 0 < middle < 1:
        return None
    power = np.log(middle) / np.log(levels[len(table) // 2])
    fits = np.abs(levels**power - table).max() < _CLOSE
    return float(1 / power) if fits else None


def _image(page: Page, found: TiffPicture) -> Any:
    photometric = page.number(layout.PHOTOMETRIC, _BLACK_IS_0)
    samples = page.number(layout.SAMPLES, 1)
    colours = _COLOURS.get(photometric, 1)
    extra = page.numbers(layout.EXTRA_SAMPLES)[: max(samples - colours, 0)]
    extra += (0,) * (samples - colours - len(extra))
    apart = bool(extra) and not (len(extra) == 1 and extra[0] in _ALPHA)
    planar = page.number(layout.PLANAR, 1) == 2 and samples > 1
    if samples > MOST_BANDS:
        raise ScalewiseError(f"has {samples} bands; up to {MOST_BANDS} can be read")
    lab = photometric in (_CIELAB, _ICCLAB)
    if planar and (lab or photometric != _RGB or layout.TILE_OFFSETS in page.entries):
        image = _joined(page, photometric, samples, found)
        if not apart and extra == (1,):
            image = _divided_by_alpha(image)
    elif lab:
        image = _opened(page, {layout.PHOTOMETRIC: (_RGB,)}, found)
    elif apart and 1 in extra:  # by which libvips would divide the colours
        image = _opened(page, {layout.EXTRA_SAMPLES: (0,) * len(extra)}, found)
    else:
        image = _opened(page, {}, found)
    if apart and photometric in (_WHITE_IS_0, _BLACK_IS_0, _RGB):
        found.bands = Bands(photometric == _RGB, extra)
        return image
    if apart:
        found.warnings.append(
            f"{counted(len(extra), 'band')} beyond its colours, not alpha, left out"
        )
        image = image.extract_band(0, n=min(image.bands, 3 if photometric == _PALETTE else colours))
    return _srgb_of_lab(image, photometric == _CIELAB) if lab else image


def _opened(page: Page, changes: dict[int, tuple[int, ...] | None], found: TiffPicture) -> Any:
    virtual = VirtualTiff(page, changes)
    found.opened.append(virtual)
    source = virtual.source()
    found.sources.append(source)
    fail_on = "error"
    if layout.TILE_OFFSETS in page.entries:
        sizes = changes.get(layout.TILE_SIZES) or page.numbers(layout.TILE_SIZES)
        if 0 not in sizes:  # a damaged or missing tile, unlike a strip, is but a warning to libvips
            fail_on = "warning"
        elif _SPARSE not in found.warnings:
            found.warnings.append(_SPARSE)
    return pyvips.Image.tiffload_source(source, access="sequential", fail_on=fail_on)


def _joined(page: Page, photometric: int, samples: int, found: TiffPicture) -> Any:
    """Join the planes, each of which is an image of one sample to libvips."""
    tags = (layout.STRIP_OFFSETS, layout.STRIP_SIZES)
    if layout.TILE_OFFSETS in page.entries:
        tags = (layout.TILE_OFFSETS, layout.TILE_SIZES)
    places = {tag: page.numbers(tag) for tag in tags}
    bits = page.numbers(layout.BITS) or (1,)
    if len(set(bits)) > 1 or any(not each or len(each) % samples for each in places.values()):
        raise ScalewiseError("its planes are not of one kind, or some are missing")
    planes: list[Any] = []
    for index in range(samples):
        grey = _WHITE_IS_0 if photometric == _WHITE_IS_0 and index == 0 else _BLACK_IS_0
        changes: dict[int, tuple[int, ...] | None] = dict.fromkeys(_PER_SAMPLE)
        changes |= {layout.PHOTOMETRIC: (grey,), layout.SAMPLES: (1,), layout.PLANAR: (1,)}
        changes |= {
            layout.BITS: bits[:1],
            layout.SAMPLE_FORMAT: (page.number(layout.SAMPLE_FORMAT, 1),),
        }
        for tag, numbers in places.items():
            count = len(numbers) // samples
            changes[tag] = numbers[index * count : (index + 1) * count]
        planes.append(_opened(page, changes, found))
    deep = planes[0].format != "uchar"
    space = {_RGB: ("srgb", "rgb16"), _CMYK: ("cmyk", "cmyk")}.get(photometric, ("b-w", "grey16"))
    return planes[0].bandjoin(planes[1:]).copy(interpretation=space[deep])


def _divided_by_alpha(image: Any) -> Any:
    white = 65535 if image.format == "ushort" else 255
    return image.unpremultiply(max_alpha=white).rint().cast(image.format)


def _srgb_of_lab(image: Any, signed: bool) -> Any:
    """Convert L, a and b of TIFF 6.0 (section 23) or ICCLab (Technical Note, 2002) to sRGB.

    As with libvips and scikit-image, a white of the file's is the white of sRGB.
    """
    if image.format not in ("uchar", "ushort"):
        raise ScalewiseError(f"has CIELAB of {image.format} samples; {_CONVERT}")
    deep = image.format == "ushort"
    light, green, blue, *others = image.bandsplit()
    if signed:
        unit, zero, white = (256, 0, 65535) if deep else (1, 0, 255)
        green, blue = (band.copy(format="short" if deep else "char") for band in (green, blue))
    else:  # whose 16 bits are its 8 bits and as many behind the point
        unit, zero, white = (256, 32768, 65280) if deep else (1, 128, 255)
    colours = [light * (100 / white), (green - zero) / unit, (blue - zero) / unit]
    lab = colours[0].bandjoin(colours[1:]).copy(interpretation="lab")
    rgb = lab.colourspace("rgb16" if deep else "srgb").copy()
    if rgb.get_typeof("icc-profile-data"):
        rgb.remove("icc-profile-data")
    return rgb.bandjoin(others) if others else rgb
