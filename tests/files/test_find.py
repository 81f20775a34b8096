"""Images found in folders, by name and pattern."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from scalewise.errors import ScalewiseError
from scalewise.files import Picture, find_images, write
from scalewise.files.find import describe_left_out


def test_images_of_a_tree_sorted(tmp_path: Path) -> None:
    names = ["b.png", "a.JPG", "sub/ü 1.webp", "sub/deeper/c.tiff", "sub/d.AVIF"]
    others = [".hidden.png", ".thumbnails/e.png", "sub/notes.txt", "sub/f.png.part", "png"]
    for name in names + others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert find_images(tmp_path) == sorted(tmp_path / name for name in names)
    assert find_images(str(tmp_path)) == find_images(tmp_path)


def test_what_systems_keep_for_themselves_is_passed_over(tmp_path: Path) -> None:
    others = ["@eaDir/a.jpg/thumb.jpg", "._a.jpg", "Thumbs.db", "__MACOSX/._a.jpg", "desktop.ini"]
    others += ["#recycle/b.png", "$RECYCLE.BIN/c.png", "sub/@eaDir/d.png", "__MACOSX/e.jpg"]
    for name in [*others, "a.jpg"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert find_images(tmp_path) == [tmp_path / "a.jpg"]
    assert find_images(tmp_path / "@eaDir") == [tmp_path / "@eaDir" / "a.jpg" / "thumb.jpg"]


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    for name in ("root/sub/a.png", "outside/deep/b.bmp", "outside/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (root / "another").symlink_to(root / "sub")  # sorts before what it leads to
    (root / "linked").symlink_to(outside)
    (outside / "back").symlink_to(root)
    (outside / "again").symlink_to(outside / "deep")
    (root / "nowhere").symlink_to(tmp_path / "missing")
    expected = [root / "linked/c.png", root / "linked/deep/b.bmp", root / "sub/a.png"]
    assert find_images(root) == expected


def test_a_hidden_root_is_meant(tmp_path: Path) -> None:
    folder = tmp_path / ".cache"
    folder.mkdir()
    (folder / "a.png").touch()
    assert find_images(folder) == [folder / "a.png"]


def test_a_file_stands_for_itself(tmp_path: Path) -> None:
    file = tmp_path / "picture"
    file.touch()
    assert find_images(file) == [file]


def test_nothing_there(tmp_path: Path) -> None:
    assert find_images(tmp_path) == []
    with pytest.raises(ScalewiseError, match="no such file or folder"):
        find_images(tmp_path / "nowhere")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_named_as_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ScalewiseError, match=r"pipe\.png: neither a file nor a folder"):
        find_images(tmp_path / "pipe.png")


def test_images_under_other_extensions_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "a.png", Picture(np.zeros((8, 8, 3), np.uint8)))
    content = (tmp_path / "a.png").read_bytes()
    for name in ("b.bak", "sub/c.bak", "d", "e.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"no image" if name == "e.txt" else content)
    others: list[Path] = []
    assert find_images(tmp_path, others=others) == [tmp_path / "a.png"]
    assert len(others) == 4
    assert describe_left_out(others) == (
        "3 images left out, because of the extension (.bak, none): rename, or give them by name"
    )
    assert describe_left_out([tmp_path / "e.txt", tmp_path / "missing.bak"]) == ""
    many = [tmp_path / f"f.{letter}" for letter in "ghijkl"]
    for path in many:
        path.write_bytes(content)
    assert "6 images left out, because of the extension (.g, .h, .i, .j, .k, ...)" in (
        describe_left_out(many)
    )


def test_images_of_formats_that_are_not_read_are_counted(tmp_path: Path) -> None:
    camera_raw = b"II*\0\x08\0\0\0\0\0\0\0\0\0\0\0"  # begins as a TIFF does
    contents = {"a.ppm": b"P6", "b.TGA": b"", "c.nef": camera_raw, "d.txt": b"P6", "e.tga": b""}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    others: list[Path] = []
    assert find_images(tmp_path, others=others) == []
    unread = "4 images left out, because the format is not read (.TGA, .nef, .ppm, .tga): convert"
    assert describe_left_out(others) == f"{unread} to PNG first"
    write(tmp_path / "a.png", Picture(np.zeros((8, 8, 3), np.uint8)))
    renamed = (tmp_path / "a.png").rename(tmp_path / "f.ico")
    assert describe_left_out([*others, renamed]) == (
        "1 image left out, because of the extension (.ico): rename, or give them by name; "
        f"{unread} to PNG first"
    )
