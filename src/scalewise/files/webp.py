"""WebP files: whether one is lossless.

Source: RFC 9649 (WebP), 2.5 to 2.7: chunks of a simple, an extended and an animated file.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

_FIRST_CHUNK = 12
_FRAME = b"ANMF"
_FRAME_HEADER = 16
_LOSSY, _LOSSLESS = b"VP8 ", b"VP8L"


def is_lossless(file: BinaryIO) -> bool:
    """Return whether a WebP file's image, or its first frame, keeps every sample exactly."""
    file.seek(_FIRST_CHUNK)
    while len(header := file.read(8)) == 8:
        kind, size = struct.unpack("<4sI", header)
        if kind in (_LOSSY, _LOSSLESS):
            return kind == _LOSSLESS
        # A frame's own chunks follow its header; others are skipped, to an even place.
        file.seek(_FRAME_HEADER if kind == _FRAME else size + size % 2, 1)
    return False
