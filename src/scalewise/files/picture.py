"""A picture in memory: its pixels, and what a file says about them that must survive."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from scalewise.files.colour import StatedColour
from scalewise.files.metadata import Bands, Metadata
from scalewise.files.texts import Text
from scalewise.files.tiff_ifd import Directory

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Picture:
    """An upright picture and the metadata that travels with it.

    Attributes:
        pixels: (H, W, C), uint8 or uint16, using the dtype's full range; an array of another
            byte order is converted to this machine's. C is 1 (grey),
            2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha); alpha is not premultiplied.
        icc: the ICC profile that says what the colours mean; None stands for sRGB.
        exif: the raw Exif block; its orientation is 1, for the pixels are upright.
        xmp: the raw XMP packet.
        dpi: horizontal and vertical pixels per inch, where the file tells.
        bands: what the bands are, if each stands for itself; C may then be more than 4.
        stated: the colour space of a file that states it otherwise than by a profile.
        iptc, texts, geo, size: as of :class:`scalewise.files.Metadata`.

    Raises:
        ValueError: pixels of another shape or dtype.

    >>> picture = Picture(np.zeros((4, 6, 4), dtype=np.uint8))
    >>> picture.colour.shape, picture.alpha.shape, picture.bit_depth, picture.is_grey
    ((4, 6, 3), (4, 6, 1), 8, False)
    """

    pixels: Pixels
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

    def __post_init__(self) -> None:
        shape, dtype = self.pixels.shape, self.pixels.dtype
        if len(shape) != 3 or (shape[2] > 4 and self.bands is None) or 0 in shape:
            raise ValueError(f"pixels must be (H, W, C) with 1 to 4 channels, not {shape}")
        if dtype.name not in ("uint8", "uint16"):
            raise ValueError(f"pixels must be uint8 or uint16, not {dtype}")
        if not dtype.isnative:  # libvips reads memory as it lies
            native = self.pixels.astype(dtype.newbyteorder("="))
            object.__setattr__(self, "pixels", native)  # the dataclass is frozen

    @property
    def is_grey(self) -> bool:
        """Whether there is one colour channel."""
        return not self.bands.rgb if self.bands else self.pixels.shape[2] <= 2

    @property
    def colour(self) -> Pixels:
        """The pixels without alpha, (H, W, 1) or (H, W, 3)."""
        return self.pixels[..., : 1 if self.is_grey else 3]

    @property
    def alpha(self) -> Pixels | None:
        """The opacity, (H, W, 1), or None; 0 is transparent."""
        has_alpha = self.bands is None and self.pixels.shape[2] in (2, 4)
        return self.pixels[..., -1:] if has_alpha else None

    @property
    def bit_depth(self) -> int:
        """8 or 16 bits per sample."""
        return 8 * self.pixels.itemsize

    @property
    def metadata(self) -> Metadata:
        """All but the pixels."""
        return Metadata(**{each.name: getattr(self, each.name) for each in fields(Metadata)})

    @classmethod
    def of(cls, pixels: Pixels, metadata: Metadata) -> Picture:
        """Pixels, and the metadata that travels with them."""
        return cls(pixels, **{each.name: getattr(metadata, each.name) for each in fields(Metadata)})

    def with_pixels(self, pixels: Pixels) -> Picture:
        """The same picture with other pixels, of any size, depth and number of channels.

        A profile made for grey says nothing about RGB, nor the other way round: it is left
        out where the new pixels are of the other kind.
        """
        other = replace(self, pixels=pixels)
        return other if other.is_grey == self.is_grey else replace(other, icc=None)
