"""Image files: reading and writing whole or by strips, with all metadata (pyvips)."""

from scalewise.files.copying import copy_picture, has_format
from scalewise.files.find import find_images
from scalewise.files.formats import (
    IMAGE_SUFFIXES,
    READ_SUFFIXES,
    check_target,
    format_of,
    require_folder,
)
from scalewise.files.picture import Bands, Metadata, Picture, to_8_bit
from scalewise.files.reading import MAX_PIXELS, PictureReader, open_picture, read
from scalewise.files.writing import PictureWriter, write

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "READ_SUFFIXES",
    "Bands",
    "Metadata",
    "Picture",
    "PictureReader",
    "PictureWriter",
    "check_target",
    "copy_picture",
    "find_images",
    "format_of",
    "has_format",
    "open_picture",
    "read",
    "require_folder",
    "to_8_bit",
    "write",
]
