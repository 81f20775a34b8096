"""Which output belongs to which input."""

from __future__ import annotations

from pathlib import Path

import pytest

from scalewise.errors import ScalewiseError
from scalewise.restoring.batch import plan_jobs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "sub/a.jpg", "sub/b.JPG", "notes.txt"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "in"


def targets(*inputs: Path, output: Path | None) -> list[str]:
    root = inputs[0].parent
    return [job.target.relative_to(root).as_posix() for job in plan_jobs(inputs, output, "_x2")]


def test_beside_the_picture(folder: Path) -> None:
    assert targets(folder / "a.png", output=None) == ["a_x2.png"]
    assert targets(folder, output=None) == ["in/a_x2.png", "in/sub/a_x2.jpg", "in/sub/b_x2.JPG"]


def test_one_picture_to_a_file_or_a_folder(folder: Path) -> None:
    assert targets(folder / "a.png", output=folder / "large.webp") == ["large.webp"]
    assert targets(folder / "a.png", output=folder / "large") == ["large/a.png"]


def test_a_folder_keeps_its_tree(folder: Path) -> None:
    found = targets(folder, output=folder.parent / "out")
    assert found == ["out/a.png", "out/sub/a.jpg", "out/sub/b.JPG"]


def test_a_format_that_cannot_be_written_becomes_png(tmp_path: Path) -> None:
    (tmp_path / "a.gif").touch()
    assert targets(tmp_path / "a.gif", output=None) == ["a_x2.png"]


def test_mistakes(folder: Path) -> None:
    with pytest.raises(ScalewiseError, match="several pictures need a folder"):
        plan_jobs([folder], folder / "one.png", "_x2")
    with pytest.raises(ScalewiseError, match="would replace an input"):
        plan_jobs([folder], folder, "_x2")
    with pytest.raises(ScalewiseError, match="would both be written there"):
        plan_jobs([folder / "a.png", folder / "sub" / ".." / "a.png"], folder / "out", "_x2")
    with pytest.raises(ScalewiseError, match="no such file"):
        plan_jobs([folder / "missing.png"], None, "_x2")
    (folder / "empty").mkdir()
    with pytest.raises(ScalewiseError, match="no picture in it"):
        plan_jobs([folder / "empty"], None, "_x2")
