"""Zip archives of results: names that every system takes."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import pytest

from scalewise.web.names import portable_folder, portable_name
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
    files = [("", name, tmp_path / str(index)) for index, name in enumerate(names)]
    for _, name, path in files:
        path.write_text(name)
    files.append(("", "gone.png", tmp_path / "gone"))
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


@pytest.mark.parametrize(
    ("given", "folder"),
    [
        ("trip/day 2", "trip/day 2"),
        ("/etc/../../x/./y/", "etc/x/y"),
        ("C:\\a/con/b. /...", "C__a/_con/b"),
        ("", ""),
    ],
)
def test_folders_stay_within_the_archive_on_every_system(given: str, folder: str) -> None:
    assert portable_folder(given) == portable_folder(folder) == folder


def test_an_archive_has_the_tree_that_was_given(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("a")
    files = [
        *(("odd/sub dir", "it's.png"), ("odd/../..", "a.png"), ("Odd/Sub Dir", "IT'S.png")),
        *(("", "both"), ("both", "a.png"), ("c", "a.png"), ("", "C"), ("", "a.png")),
    ]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(stream_zip([(*each, path) for each in files]))))
    names = archive.namelist()
    assert names == [
        *("odd/sub dir/it's.png", "odd/a.png", "Odd/Sub Dir/IT'S (2).png"),
        *("both", "both (2)/a.png", "c/a.png", "C (2)", "a.png"),
    ]
    archive.extractall(tmp_path / "out")
    assert all((tmp_path / "out" / name).is_file() for name in names)
