"""Zip archives of results: names that every system takes."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import pytest

from scalewise.web.names import portable_name
from scalewise.web.zip_stream import stream_zip


@pytest.mark.parametrize(
    ("name", "portable"),
    [
        ("photo_x2.jpg", "photo_x2.jpg"),
        ("für élise 日本.png", "für élise 日本.png"),
        ("u\u0308.png", "ü.png"),
        ('scan 12:30 <a> "b" |c|?*.tif', "scan 12_30 _a_ _b_ _c___.tif"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("C:\\a.png", "C__a.png"),
        ("a\nb\x7f.png", "a_b_.png"),
        ("AUX.png", "_AUX.png"),
        ("com1 .tar.gz", "_com1 .tar.gz"),
        ("console.png", "console.png"),
        ("trailing. . .", "trailing"),
        ("...", "image"),
        ("", "image"),
    ],
    ids=str,
)
def test_names_are_those_that_windows_takes(name: str, portable: str) -> None:
    assert portable_name(name) == portable
    assert portable_name(portable) == portable


def test_names_that_meet_are_numbered(tmp_path: Path) -> None:
    names = ["a.png", "A.png", "a (2).png", "a?.png", "a:.png", "a_.png", "b", "b"]
    files = [(name, tmp_path / str(index)) for index, name in enumerate(names)]
    for name, path in files:
        path.write_text(name)
    files.append(("gone.png", tmp_path / "gone"))
    begin = time.time()
    with zipfile.ZipFile(io.BytesIO(b"".join(stream_zip(files)))) as archive:
        assert archive.testzip() is None
        unpacked = archive.namelist()
        assert [archive.read(name).decode() for name in unpacked] == names
        dated = time.mktime((*archive.infolist()[0].date_time, 0, 0, -1))
    assert unpacked == [
        *("a.png", "A (2).png", "a (2) (2).png", "a_.png", "a_ (2).png", "a_ (3).png"),
        *("b", "b (2)"),
    ]
    assert abs(dated - begin) < 60
