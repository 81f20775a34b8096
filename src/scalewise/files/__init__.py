"""Images in and out of files (pyvips)."""

from scalewise.files.find import find_images
from scalewise.files.io import IMAGE_SUFFIXES, read, write
from scalewise.files.picture import Picture

__all__ = ["IMAGE_SUFFIXES", "Picture", "find_images", "read", "write"]
