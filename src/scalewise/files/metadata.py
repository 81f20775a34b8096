"""What a file says about its picture and that must survive."""

from __future__ import annotations

from dataclasses import dataclass, replace

from scalewise.files.colour import StatedColour
from scalewise.files.exif import sized_exif
from scalewise.files.geotiff import scaled_geotiff
from scalewise.files.texts import Text
from scalewise.files.tiff_ifd import Directory
from scalewise.files.xmp import sized_xmp


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
    """What travels with a picture's pixels.

    Attributes:
        icc: the ICC profile that says what the colours mean; None stands for sRGB.
        exif: the raw Exif block; its orientation is 1, for the pixels are upright.
        xmp: the raw XMP packet; likewise.
        dpi: horizontal and vertical pixels per inch, where the file tells.
        bands: what the bands are, if each stands for itself; None for grey or RGB, with or
            without alpha.
        stated: the colour space of a file that states it otherwise than by a profile.
        iptc: IPTC records, without what a file puts around them.
        texts: of PNG, and the comments of JPEG.
        geo: the tags of a GeoTIFF.
        size: width and height of the picture that all this speaks of; None for the pixels' own.
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

    def sized(self, width: int, height: int) -> Metadata:
        """The same metadata, true of the picture in another size.

        What they count in pixels is scaled: sizes, the place of the subject, a panorama's frame,
        and where on the earth the picture lies.
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
