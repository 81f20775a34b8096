"""An image in memory: pixels, and the metadata that travels with them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import check_array
from scalewise.errors import ScalewiseError
from scalewise.files.metadata.colour import StatedColour
from scalewise.files.metadata.exif import sized_exif
from scalewise.files.metadata.geotiff import scaled_geotiff
from scalewise.files.metadata.texts import Text
from scalewise.files.metadata.xmp import sized_xmp
from scalewise.files.tiff.ifd import Directory

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class Bands:
    """Bands of a TIFF each of which stands for itself: none of them is alpha.

    Attributes:
        rgb: whether the first three are red, green and blue; else the first is grey.
        extra: what the tag ``ExtraSamples`` says of the others.
    """

    rgb: bool
    extra: tuple[int, ...]


@dataclass(frozen=True)
class Metadata:
    """Metadata of an image that must survive its restoration.

    Attributes:
        icc: the ICC profile that says what the colours mean; None stands for sRGB.
        exif: the raw Exif block; its orientation is 1, since the pixels are upright.
        xmp: the raw XMP packet; likewise.
        dpi: horizontal and vertical pixels per inch, where the file tells.
        bands: what the bands are, if each stands for itself; None for grey or RGB, with or
            without alpha.
        stated: the colour space of a file that states it otherwise than by a profile.
        iptc: IPTC records, without what a file puts around them.
        texts: of PNG, and the comments of JPEG.
        geo: the tags of a GeoTIFF.
        size: width and height of the image that all this is about; None for the pixels' own.
        lossless: whether it is of a lossless WebP file, which one made of it should be, too.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    bands: Bands | None = None
    stated: StatedColour | None = None
    iptc: bytes | None = None
    texts: tuple[Text, ...] = ()
    geo: Directory | None = None
    size: tuple[int, int] | None = None
    lossless: bool = False

    def sized(self, width: int, height: int) -> Metadata:
        """Return the same metadata, true of the image in another size.

        What it counts in pixels is scaled: sizes, the place of the subject, a panorama's frame,
        and where on the earth the image lies.
        """
        size, before = (width, height), self.size or (width, height)
        factors = width / before[0], height / before[1]
        return replace(
            self,
            exif=self.exif and sized_exif(self.exif, size, before, self.dpi),
            xmp=self.xmp and sized_xmp(self.xmp, size, before),
            geo=self.geo and scaled_geotiff(self.geo, *factors),
            size=size,
        )


@dataclass(frozen=True, eq=False)
class Picture:
    """An upright image and its metadata.

    Attributes:
        pixels: (H, W, C), uint8 or uint16, using the dtype's full range; an array of another
            byte order is converted to this machine's. C is 1 (grey), 2 (grey, alpha), 3 (RGB) or
            4 (RGB, alpha), or more where ``metadata.bands`` says what they are; alpha is not
            premultiplied.
        metadata: colour profile, Exif, resolution and so on.

    Raises:
        ScalewiseError: pixels of another shape or dtype.

    >>> picture = Picture(np.zeros((4, 6, 4), dtype=np.uint8))
    >>> picture.colour.shape, picture.alpha.shape, picture.is_grey
    ((4, 6, 3), (4, 6, 1), False)
    """

    pixels: Pixels
    metadata: Metadata = field(default_factory=Metadata)

    def __post_init__(self) -> None:
        check_array("pixels", self.pixels)
        shape, dtype = self.pixels.shape, self.pixels.dtype
        if len(shape) != 3 or (shape[2] > 4 and self.metadata.bands is None):
            hint = "; add an axis: pixels[..., None]" if len(shape) == 2 else ""
            raise ScalewiseError(
                f"pixels must be (H, W, C) with 1 to 4 channels, not {shape}{hint}",
                arguments=["pixels"],
            )
        if dtype.name not in ("uint8", "uint16"):
            raise ScalewiseError(
                f"pixels must be uint8 or uint16, not {dtype}; convert values in [0, 1] by "
                "(255 * pixels).round().clip(0, 255).astype(np.uint8)",
                arguments=["pixels"],
            )
        if not dtype.isnative:  # libvips reads memory as it lies
            native = self.pixels.astype(dtype.newbyteorder("="))
            object.__setattr__(self, "pixels", native)  # the dataclass is frozen

    @property
    def is_grey(self) -> bool:
        """True if there is one colour channel."""
        bands = self.metadata.bands
        return not bands.rgb if bands else self.pixels.shape[2] <= 2

    @property
    def colour(self) -> Pixels:
        """The pixels without alpha, (H, W, 1) or (H, W, 3)."""
        return self.pixels[..., : 1 if self.is_grey else 3]

    @property
    def alpha(self) -> Pixels | None:
        """The opacity, (H, W, 1), or None; 0 is transparent."""
        has_alpha = self.metadata.bands is None and self.pixels.shape[2] in (2, 4)
        return self.pixels[..., -1:] if has_alpha else None

    def with_pixels(self, pixels: Pixels) -> Picture:
        """Return the same metadata with other pixels, of any size, depth and number of channels.

        A profile made for grey says nothing about RGB, nor the other way round: it is left
        out where the new pixels are of the other kind.
        """
        other = replace(self, pixels=pixels)
        if other.is_grey == self.is_grey:
            return other
        return replace(other, metadata=replace(self.metadata, icc=None))


def to_8_bit(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Round 16-bit pixels to 8 bits, 65535 to 255; 8-bit ones are returned as they are.

    >>> to_8_bit(np.array([0, 128, 129, 65535], dtype=np.uint16)).tolist()
    [0, 0, 1, 255]
    """
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
