"""Metadata of image files: Exif, XMP, IPTC, texts, GeoTIFF, ICC profiles and stated colours."""
