"""Images in and out of files (pyvips)."""

from scalewise.files.copying import copy_picture
from scalewise.files.find import find_images
from scalewise.files.formats import IMAGE_SUFFIXES, READ_SUFFIXES, check_target, format_of
from scalewise.files.metadata import Metadata
from scalewise.files.picture import Picture
from scalewise.files.reading import MAX_PIXELS, PictureReader, open_picture, read
from scalewise.files.writing import PictureWriter, write

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "READ_SUFFIXES",
    "Metadata",
    "Picture",
    "PictureReader",
    "PictureWriter",
    "check_target",
    "copy_picture",
    "find_images",
    "format_of",
    "open_picture",
    "read",
    "write",
]
