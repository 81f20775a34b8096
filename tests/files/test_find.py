from __future__ import annotations

from pathlib import Path

import pytest

from scalewise.errors import ScalewiseError
from scalewise.files import find_images


def test_images_of_a_tree_sorted(tmp_path: Path) -> None:
    names = ["b.png", "a.JPG", "sub/ü 1.webp", "sub/deeper/c.tiff", "sub/d.AVIF"]
    others = [".hidden.png", ".thumbnails/e.png", "sub/notes.txt", "sub/f.png.part", "png"]
    for name in names + others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert find_images(tmp_path) == sorted(tmp_path / name for name in names)
    assert find_images(str(tmp_path)) == find_images(tmp_path)


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
