"""Names of formats that are not read, by the first bytes of a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from scalewise.errors import ScalewiseError
from scalewise.files import READ_SUFFIXES, open_picture
from scalewise.files.unsupported import UNREAD_SUFFIXES


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"P6\n32 32\n255\n", r"Netpbm \(PPM"),
        (b"P1\n# drawn\n", "Netpbm"),
        (b"P7\nWIDTH 4\n", "Netpbm"),
        (b"P1 is the first of them", "cut short"),
        (b"\0\0\1\0\3\0\x10\x10\0\0\0\0\x20\0\x52\0\0\0", "an icon"),
        (b"DDS |\0\0\0", "DDS"),
        (b"\n\5\1\x08\0\0\0\0", "PCX"),
        (b"\0\0\2" + bytes(9) + b"\x20\0\x20\0\x18\0", "TGA"),
        (b"\0\1\1\0\0\0\1\x18" + bytes(4) + b"\x20\0\x20\0\x08\0", "TGA"),
        (bytes(32), "cut short"),
    ],
)
def test_a_format_that_is_not_read_is_named(tmp_path: Path, start: bytes, name: str) -> None:
    (tmp_path / "a.png").write_bytes(start)
    with pytest.raises(ScalewiseError, match=f"a.png: not an image in a format .*{name}"):
        open_picture(tmp_path / "a.png")


def test_no_format_is_both_read_and_not_read() -> None:
    assert not UNREAD_SUFFIXES & READ_SUFFIXES
