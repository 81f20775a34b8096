"""Outputs that cannot be written: refused before any work, by the name that the user gave."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.files import Picture, write


@pytest.fixture
def folder(tmp_path: Path, photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with an image of the name a.png in it."""
    write(tmp_path / "a.png", Picture(photo[100:160, 100:170]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


EXISTS = "exists already; choose another name, or replace it by --overwrite"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("restore a.png -o a.png/x.png", "--output a.png/x.png: a.png is a file, not a folder"),
        ("upscale a.png -o /dev/null", "--output /dev/null: is a device; give a file or a folder"),
        ("upscale a.png -m .", ".: a folder without card.json, so not a released model; "),
        ("convert . -o x.onnx", ".: a folder without card.json and best.pt, so neither a"),
        ("compare a.png -o a.png", "--output a.png: is a file, not a folder"),
        ("serve --folder a.png", "--folder a.png: is a file, not a folder"),
        ("train {tiny} --run a.png", "--run a.png: is a file, not a folder"),
        ("evaluate bicubic . --csv .", "--csv .: is a folder; give the name of a file in it"),
        ("evaluate bicubic . --csv a.png/b", "--csv a.png/b: a.png is a file, not a folder"),
        ("evaluate bicubic . --csv a.png", f"a.png: {EXISTS}"),
        ("evaluate bicubic . --format csv -o a.png", f"a.png: {EXISTS}"),
        ("plot run -o a.png", f"a.png: {EXISTS}"),
        ("convert scn_x2 -o a.png/x.onnx", "--output a.png/x.onnx: a.png is a file, not a folder"),
        ("data pack . -o a.png/x.pack", "--output a.png/x.pack: a.png is a file, not a folder"),
    ],
)
def test_what_is_in_the_way_is_named(call, folder: Path, arguments: str, line: str) -> None:
    tiny = Path(__file__).parents[2] / "recipes/tiny.yaml"
    code, out, err = call(*arguments.format(tiny=tiny).split())
    assert (code, out) == (1, "")
    (only,) = err.splitlines()
    assert only.startswith(f"error: {line}")
    assert [path.name for path in folder.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    "arguments",
    [
        "upscale a.png -m scn_fast_x2 -o {new}/b.png",
        "upscale a.png -m scn_fast_x2 -o {new}/",
        "restore a.png --method wavelet -o {new}/b.png",
        "compare a.png -m scn_fast_x2 -o {new}",
        "convert scn_fast_x2 -o {new}/x.pth",
        "evaluate bicubic . --csv {new}/x.csv",
        "evaluate bicubic . -o {new}/x.md",
        "data pack . -o {new}/x.pack --scale 2",
    ],
)
def test_a_folder_that_is_missing_is_made(call, folder: Path, arguments: str) -> None:
    code, _, err = call(*arguments.format(new="new/deep").split())
    assert code == 0, err
    assert [path.name for path in Path("new/deep").iterdir()] != []


def test_a_folder_that_is_missing_is_made_by_commands_on_runs(
    call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])  # to which the paths of the recipe are relative
    new = folder / "new" / "deep"
    train = ["train", "recipes/tiny.yaml", "steps=1", "batch=1", "validate_every=1 steps"]
    for arguments, made in (
        ([*train, "--run", new / "run"], "run/best.pt"),
        (["release", new / "run", "-o", new / "on/model", "--summary", "A."], "on/model/card.json"),
        (["plot", new / "run", "-o", new / "plots/a.png"], "plots/a.png"),
    ):
        code, _, err = call(*arguments)
        assert code == 0, err
        assert (new / made).is_file()


@pytest.mark.parametrize(
    "arguments",
    ["evaluate bicubic . --csv x.csv", "data pack . -o x.pack", "convert scn_x2 -o x.onnx"],
)
def test_a_folder_that_cannot_be_written_to(
    call, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    # The superuser may write anywhere.
    monkeypatch.setattr("os.access", lambda _, mode: not mode & os.W_OK)
    code, out, err = call(*arguments.split())
    flag = "--csv" if "--csv" in arguments else "--output"
    name = arguments.split()[-1]
    assert (code, out) == (1, "")
    assert err == f"error: {flag} {name}: the folder . cannot be written to\n"


def test_a_copy_says_that_its_quality_is_not_used(call, folder: Path) -> None:
    image = np.full((64, 64, 3), 128, np.uint8)
    write(folder / "clean.jpg", Picture(image), quality=100)
    code, out, err = call("restore", "clean.jpg", "-o", "b.jpg", "--quality", "50")
    assert code == 0
    assert "is clean: copied (" in out
    assert err.startswith("warning: --quality 50: ignored for an image that stays as it is")
    assert call("restore", "clean.jpg", "-o", "c.webp", "--quality", "50")[2] == ""


def test_patterns_without_a_folder_are_ignored_with_a_warning(call, folder: Path) -> None:
    code, _, err = call("restore", "a.png", "-o", "b.png", "--include", "*.jpg")
    assert code == 0
    assert err.startswith("warning: --include: ignored, because it selects images of folders")
