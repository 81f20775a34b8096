"""TIFF files: directories (IFDs), pages, Exif tags and decoding."""
