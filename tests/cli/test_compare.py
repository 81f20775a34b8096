"""``scalewise compare``, as a user calls it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scalewise.files import Picture, read, write
from tests.cli.conftest import only_line


def test_compare(call, picture: Path, small_release: Path) -> None:
    output = picture.parent / "comparison"
    code, out, _ = call("compare", picture, "-m", small_release, "-o", output)
    assert code == 0
    names = ["photo_bicubic.png", "photo_low.png", "photo_sheet.png", "photo_small.png"]
    assert sorted(path.name for path in output.iterdir()) == names
    assert "protocol field" in out
    assert out.count("PSNR-Y") == 2
    assert read(output / "photo_low.png").pixels.shape == (30, 35, 3)
    dot = picture.parent / "dot.png"
    write(dot, Picture(np.zeros((1, 1, 3), np.uint8)))
    code, _, err = call("compare", dot, "-o", picture.parent / "none")
    assert (code, only_line(err).startswith(f"error: {dot}: a 1x1 image is too small")) == (1, True)


def test_compare_says_what_is_not_compared(call, picture: Path, small_release: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (40, 50, 4)).astype(np.uint16)
    write(picture.with_name("deep.png"), Picture(pixels))
    to = picture.with_name("compared")
    code, _, err = call("compare", picture.with_name("deep.png"), "-m", small_release, "-o", to)
    assert code == 0
    alpha, deep = err.splitlines()
    assert alpha.endswith("deep.png: its alpha is left out")
    assert deep.endswith("deep.png: is compared in 8 bits")
    pixels[..., 3] = 65535  # opaque
    write(picture.with_name("deep.png"), Picture(pixels), overwrite=True)
    to = picture.with_name("opaque")
    code, _, err = call("compare", picture.with_name("deep.png"), "-m", small_release, "-o", to)
    assert (code, only_line(err)) == (0, deep)


def test_compare_replaces_nothing_unless_told_to(
    call, picture: Path, small_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(picture.parent)
    command = "compare", picture, "-m", small_release
    for folder in ("comparison", "comparison_2"):
        code, out, _ = call(*command)
        assert (code, Path(folder, "photo_sheet.png").is_file()) == (0, True)
        assert out.count(f"{folder}/") == 3
    old = Path("other/photo_small.png")
    old.parent.mkdir()
    old.write_bytes(b"precious")
    code, out, err = call(*command, "-o", old.parent)
    assert (code, out) == (1, "")
    assert only_line(err) == (
        f"error: {old}: exists already; choose another name, or replace it by --overwrite"
    )
    assert [*old.parent.iterdir()] == [old]
    assert old.read_bytes() == b"precious"
    assert call(*command, "-o", old.parent, "--overwrite")[0] == 0
    assert read(old).pixels.shape == (60, 70, 3)
    assert call(*command, "--overwrite")[0] == 0
    assert not Path("comparison_3").exists()
