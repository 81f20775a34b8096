"""Remarks of ``upscale`` on a result: its network and why, and what was ignored."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scalewise.files import Picture, read, write
from scalewise.restoring.batch import LOOKED_AT
from tests.cli.conftest import only_line


def test_upscale_says_which_network_and_why(call, tmp_path: Path, photo) -> None:
    write(tmp_path / "a.jpg", Picture(photo[:64, :64]), quality=70)
    write(tmp_path / "b.png", Picture(photo[:64, :64]))
    code, out, _ = call("upscale", tmp_path)
    assert code == 0
    jpeg, png, _ = out.splitlines()
    assert "a_x2.jpg: 128x128, photo_x2 (JPEG quality 70, noise about " in jpeg
    assert "b_x2.png: 128x128, scn_x2 (noise about " in png
    _, out, _ = call("upscale", tmp_path / "a.jpg", "-m", "scn_x2", "--overwrite")
    assert "a_x2.jpg: 128x128, scn_x2" in out
    assert "noise about" not in out


def test_upscale_says_what_a_named_model_does_not_do(call, picture: Path) -> None:
    code, out, err = call("upscale", picture, "-m", "denoise")
    assert code == 0
    assert "photo_x1.png: 70x60, denoise" in out
    assert "denoise keeps the size; to enlarge its results too, add --scale" in only_line(err)
    code, out, err = call("upscale", picture, "-m", "denoise", "--scale", "2")
    assert (code, err) == (0, "")
    assert "140x120, denoise, scn_x2" in out
    _, out, _ = call("upscale", picture, "-m", "scn_x3", "--scale", "3.7")
    assert "scn_x4 (for this size in place of scn_x3, which enlarges 3 times" in out
    _, out, _ = call("upscale", picture, "--scale", "3.8")
    assert ("scn_x4 (noise about" in out, "in place of" in out) == (True, False)


def test_a_strength_that_no_image_takes_is_said(call, tmp_path: Path, photo) -> None:
    write(tmp_path / "a.jpg", Picture(photo[:64, :64]), quality=70)
    write(tmp_path / "b.png", Picture(photo[:64, :64]))
    some = ["--strength", "0.5", "--overwrite"]
    code, _, err = call("upscale", tmp_path / "b.png", *some)
    assert code == 0
    assert "--strength 0.5: not used, because nothing was found that" in only_line(err)
    for name in ("a.jpg", "b.png"):
        (tmp_path / "both").mkdir(exist_ok=True)
        (tmp_path / "both" / name).write_bytes((tmp_path / name).read_bytes())
    assert call("upscale", tmp_path / "both", *some)[2] == ""


def test_strength_0_leaves_an_image_as_it_is(call, picture: Path) -> None:
    jpeg, same = picture.with_name("a.jpg"), picture.with_name("same.jpg")
    write(jpeg, Picture(read(picture).pixels), quality=40)
    code, out, err = call("restore", jpeg, "-m", "dejpeg", "--strength", "0", "-o", same)
    assert (code, err) == (0, "")
    assert "same.jpg: 70x60, strength 0 changes nothing: copied" in only_line(out)
    assert same.read_bytes() == jpeg.read_bytes()
    large = picture.with_name("large.png")
    code, out, err = call("upscale", jpeg, "-m", "dejpeg", "--strength=0", "--scale=2", "-o", large)
    assert (code, err) == (0, "")
    assert "140x120, scn_x2 (strength 0 leaves dejpeg out" in only_line(out)
    plain = picture.with_name("plain.png")
    assert call("upscale", jpeg, "-m", "scn_x2", "-o", plain)[0] == 0
    np.testing.assert_array_equal(read(large).pixels, read(plain).pixels)


def test_a_quality_that_a_result_cannot_have_is_said_once(call, picture: Path) -> None:
    folder = picture.with_name("two")
    folder.mkdir()
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(picture.read_bytes())
    large = picture.with_name("large")
    code, _, err = call("upscale", folder, "-o", large, "--quality", "80")
    assert code == 0
    assert "--quality 80: ignored for png, which is always lossless" in only_line(err)
    lossless = ["--format", "webp", "--lossless", "--quality", "80"]
    _, _, err = call("upscale", picture, *lossless)
    assert "--quality 80: ignored beside --lossless" in only_line(err)


def test_results_that_are_kept_though_another_size_is_made_are_said(call, tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    for number in range(LOOKED_AT + 1):
        write(tmp_path / "given" / f"{number:02}.png", Picture(np.zeros((8, 12, 3), np.uint8)))
    command = ("upscale", tmp_path / "given", "-m", "scn_fast_x2", "-o", f"{tmp_path}/made/")
    code, _, err = call(*command)
    assert (code, err) == (0, "")
    assert call(*command)[2] == ""
    for each in (tmp_path / "made").iterdir():
        write(each, Picture(np.zeros((8, 12, 3), np.uint8)), overwrite=True)
    code, out, err = call(*command)
    assert code == 0
    assert f"{LOOKED_AT + 1} existed already" in only_line(out)
    assert only_line(err) == (
        f"warning: {tmp_path}/made/00.png and {LOOKED_AT - 1} more: kept, but not what this "
        "command makes (12x8, not 24x16); add --overwrite to replace them, or choose another output"
    )
    (tmp_path / "made" / "00.png").write_text("no image")
    assert "(no image that can be read)" in call(*command)[2]
