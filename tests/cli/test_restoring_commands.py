"""upscale, compare, evaluate, export and models, as a user calls them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import pyvips
import torch
from numpy.typing import NDArray

import scalewise
from scalewise.files import Metadata, Picture, read, write
from scalewise.models import create_model
from scalewise.restoring.loading import load
from scalewise.weights.card import read_card
from tests.cli.conftest import only_line


def test_upscale(call, picture: Path, small_release: Path) -> None:
    code, out, _ = call("upscale", picture, "-m", small_release)
    assert code == 0
    target = picture.with_name("photo_x2.png")
    assert f"{target}: 140x120, small" in out
    expected = load(small_release).restore(read(picture).pixels)
    np.testing.assert_array_equal(read(target).pixels, expected)

    code, _, err = call("upscale", picture, "-m", small_release)
    assert code == 1
    assert "--overwrite" in only_line(err)
    assert call("upscale", picture, "-m", small_release, "--overwrite")[0] == 0


def test_upscale_a_folder_with_a_bad_file(call, picture: Path, small_release: Path) -> None:
    (picture.parent / "broken.png").write_bytes(picture.read_bytes()[:500])
    output = picture.parent.parent / "out"
    code, out, err = call("upscale", picture.parent, "-o", output, "-m", small_release)
    assert code == 1
    line, summary = out.splitlines()
    assert line.startswith(f"{output / 'photo.png'}: 140x120")
    assert summary.startswith("1 restored, 1 failed, in 0:00:")
    assert [path.name for path in output.iterdir()] == ["photo.png"]
    assert "broken.png" in only_line(err)
    code, out, _ = call("upscale", picture.parent, "-o", output, "-m", small_release)
    assert code == 1
    assert "0 restored, 1 existed already (--overwrite replaces them), 1 failed" in only_line(out)


@pytest.mark.parametrize(
    ("options", "name", "size"),
    [
        (["--scale", "3"], "photo_x3.png", (210, 180)),
        (["--scale", "1.5"], "photo_x1.5.png", (105, 90)),
        (["--width", "100"], "photo_w100.png", (100, 86)),
        (["--height", "100"], "photo_h100.png", (117, 100)),
        (["--fit", "300x90"], "photo_300x90.png", (105, 90)),
        (["--max-megapixels", "0.0042"], "photo_x2.png", (70, 60)),
        (["--scale", "3", "--suffix", " large"], "photo large.png", (210, 180)),
        (["--format", "webp", "--lossless"], "photo_x2.webp", (140, 120)),
        (["--format", "jpg", "--quality", "50"], "photo_x2.jpg", (140, 120)),
        (["--device", "cpu", "--precision", "f32", "--tile", "32"], "photo_x2.png", (140, 120)),
    ],
)
def test_upscale_to_any_size_and_format(
    call, picture: Path, small_release: Path, options: list[str], name: str, size: tuple[int, int]
) -> None:
    code, out, err = call("upscale", picture, "-m", small_release, *options)
    assert (code, err) == (0, "")
    target = picture.with_name(name)
    network = "has this size already: copied" if "--max-megapixels" in options else "small"
    assert only_line(out).startswith(f"{target}: {size[0]}x{size[1]}, {network}")
    assert read(target).pixels.shape == (size[1], size[0], 3)


def test_upscale_strips_and_warns(call, tmp_path: Path, small_release: Path, photo) -> None:
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    write(tmp_path / "a.png", Picture(photo[:40, :40], Metadata(xmp=xmp)))
    code, _, err = call("upscale", tmp_path / "a.png", "-m", small_release)
    assert (code, err) == (0, "")
    assert read(tmp_path / "a_x2.png").metadata.xmp == xmp
    call("upscale", tmp_path / "a.png", "-m", small_release, "--strip", "--overwrite")
    assert read(tmp_path / "a_x2.png").metadata.xmp is None
    frames = pyvips.Image.xyz(40, 80)[1].cast("uchar")
    frames.set_type(pyvips.GValue.gint_type, "page-height", 40)
    frames.gifsave(str(tmp_path / "moving.gif"))
    code, _, err = call("upscale", tmp_path / "moving.gif", "-m", small_release)
    assert code == 0
    assert "warning:" in only_line(err)
    assert "2 frames" in err
    assert read(tmp_path / "moving_x2.png").pixels.shape[:2] == (80, 80)


def test_networks_that_see_pictures_whole(call, tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    write(tmp_path / "photo.png", Picture(photo[100:148, 100:200]))
    target = tmp_path / "photo_x2.png"
    arguments = ["upscale", tmp_path / "photo.png", "-m", "adaptive_x2", "--overwrite"]
    assert call(*arguments)[2] == ""
    whole = read(target).pixels
    _, _, err = call(*arguments, "--tile", "32")
    assert "--tile is ignored" in only_line(err)
    np.testing.assert_array_equal(read(target).pixels, whole)
    _, _, err = call(*arguments, "--tile", "32", "--force-tiling")
    assert "cut into tiles, results differ" in only_line(err)
    assert (read(target).pixels != whole).any()


@pytest.mark.parametrize("method", ["nlm", "wavelet"])
def test_restore_without_a_network(
    call, tmp_path: Path, photo: NDArray[np.uint8], method: str
) -> None:
    noise = np.random.default_rng(0).normal(0, 15, (60, 60, 3))
    noisy = (photo[40:100, 170:230] + noise).clip(0, 255).astype(np.uint8)
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.png", Picture(noisy))
    code, out, _ = call("restore", tmp_path / "in", "-o", tmp_path / "out", "--method", method)
    assert code == 0
    assert f"a.png: 60x60, {method}, " in out.splitlines()[0]
    made = read(tmp_path / "out" / "a.png").pixels
    np.testing.assert_array_equal(made, scalewise.restore(noisy, method=method))
    arguments = ("restore", tmp_path / "in" / "a.png", "-o", tmp_path / "b.png")
    half = ("--method", method, "--strength", "0.5", "-o", tmp_path / "half.png")
    code, out, err = call("restore", tmp_path / "in" / "a.png", *half)
    assert (code, "(strength 0.5)" in out, err) == (0, True, "")
    assert call(*arguments, "--method", method, "--sigma", "0")[0] == 0
    np.testing.assert_array_equal(read(tmp_path / "b.png").pixels, noisy)
    code, _, err = call(*arguments, "--overwrite", "--method", method, "--tile", "64")
    assert (code, f"method {method} runs no network: --tile is ignored" in only_line(err)) == (
        0,
        True,
    )
    for wrong, message in (
        (["--method", method, "--task", "dejpeg"], "only removes noise; leave out --task dejpeg"),
        (["--method", method, "-m", "denoise"], "needs no model; leave out --model"),
        (["--sigma", "20"], "--sigma is for --method nlm or wavelet"),
    ):
        code, _, err = call(*arguments, *wrong)
        assert code != 0
        assert message in only_line(err)


def test_upscale_patterns_and_shards(call, picture: Path, small_release: Path) -> None:
    for index in range(6):
        picture.with_name(f"{index}.jpg").write_bytes(picture.read_bytes())
    arguments = ["upscale", picture.parent, "-m", small_release, "--exclude", "photo*"]
    arguments += ["--include", "[0-3].jpg"]
    made: list[str] = []
    for index in (1, 2):
        _, out, _ = call(*arguments, "--shard", f"{index}/2", "-o", picture.parent / f"{index}")
        made += [Path(line.split(": ")[0]).name for line in out.splitlines()[:-1]]
    assert sorted(made) == [f"{index}.jpg" for index in range(4)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["upscale", "{folder}/missing.png"], "missing.png: no such file"),
        (["upscale", "{folder}/text.png"], "text.png: not an image"),
        (["upscale", "{folder}/broken.png"], "broken.png: truncated"),
        (["upscale", "{picture}", "-o", "{folder}/out.xyz"], "unknown extension '.xyz'"),
        (["upscale", "{picture}", "-m", "nothing"], "unknown model 'nothing'"),
        (["upscale", "{picture}", "--format", "jpeg", "--lossless"], "never lossless"),
        (["upscale", "{picture}", "--max-pixels", "100"], "--max-pixels 4200"),
        (["upscale", "{picture}", "--device", "mps"], "--device mps: there is no mps device"),
        (
            ["upscale", "{picture}", "-m", "adaptive_x2", "--precision", "int8"],
            "--precision int8: ",
        ),
        (["upscale", "{picture}", "-m", "scn_x2", "--strength", "0"], "leave out --strength 0"),
        (
            ["upscale", "{picture}", "--scale", "100"],
            "photo.png: 70x60 to 7000x6000 is more than 64 times the size, the limit; lower ",
        ),
        (["upscale", "{picture}", "-m", "hf-hub:x"], "hf-hub:x: write hf-hub:owner/name"),
        (["upscale", "{picture}", "-o", "/proc/nowhere"], "/proc/nowhere"),
        (["upscale", ""], "a name is empty"),
        (["restore", "{picture}", "-o", ""], "a name is empty"),
        (["upscale", "{picture}", "{folder}", "-o", "{folder}/x.png"], "end its name in /"),
        (["restore", "{picture}", "{folder}", "-o", "{folder}/text"], "text: is a file, not"),
        (["evaluate", "scn_x2", "{folder}/empty"], "empty"),
        (["evaluate", "scn_x2", "{folder}/missing"], "missing"),
        (["convert", "nothing", "-o", "{folder}/x.onnx"], "unknown model 'nothing'"),
        (["convert", "{folder}/text.png", "-o", "{folder}/x.onnx"], "text.png: not a model; give"),
        (["compare", "{picture}", "-m", "nothing"], "unknown model 'nothing'"),
    ],
)
def test_mistakes_get_one_line(call, picture: Path, arguments: list[str], message: str) -> None:
    folder = picture.parent
    (folder / "text.png").write_text("no image")
    (folder / "text").write_text("no image")
    (folder / "broken.png").write_bytes(picture.read_bytes()[:500])
    (folder / "empty").mkdir()
    before = sorted(path.name for path in folder.iterdir())
    filled = [text.format(folder=folder, picture=picture) for text in arguments]
    code, _, err = call(*filled)
    assert code == 1
    assert message in only_line(err)
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["upscale", "{picture}", "--scale", "2", "--width", "9"], "--scale and --width give"),
        (["upscale", "{picture}", "--width", "9", "--height", "9"], "choose one; --fit takes both"),
        (["upscale", "{picture}", "--scale", "0"], "--scale must be above 0"),
        (["upscale", "{picture}", "--fit", "3840"], "--fit '3840': write WxH"),
        (["upscale", "{picture}", "--shard", "3/2"], "--shard 3/2: give i/n"),
        (["restore", "{picture}", "--sigma", "20"], "--sigma is for --method nlm or wavelet"),
        (["restore", "{picture}", "--task", "photo", "-m", "scn_x2"], "--task or --model"),
        (["restore", "{picture}", "--method", "nlm", "-m", "x"], "leave out --model x"),
    ],
)
def test_wrong_usage_has_a_status_of_its_own(
    call, picture: Path, arguments: list[str], message: str
) -> None:
    code, _, err = call(*(text.format(picture=picture) for text in arguments))
    assert code == 2
    assert message in only_line(err)


@pytest.mark.parametrize("command", ["upscale", "restore"])
def test_the_same_command_again_makes_nothing_new(
    call, picture: Path, small_release: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    folder = picture.parent
    monkeypatch.chdir(folder.parent)
    inside = [command, folder.name, "-o", folder / "large", "-m", small_release]
    beside = [command, folder.name, "-m", small_release]
    for arguments in (inside, beside):
        assert call(*arguments)[0] == 0
        before = sorted(folder.rglob("*"))
        code, out, _ = call(*arguments)
        assert code == 0
        assert "existed already" in only_line(out)
        assert sorted(folder.rglob("*")) == before
        (folder / "large" / "photo.png").unlink(missing_ok=True)
    everything = sorted(folder.glob("*.png"))  # as a shell gives it, results among it
    code, out, err = call(command, *everything, "-m", small_release)
    assert (code, len(everything)) == (0, 2)
    assert "0 restored, 1 existed already" in only_line(out)
    assert "left out, because the name says" in err
    assert ("only enlarges: it removes neither" in err) == (command == "restore")
    other = "--suffix", "_other"
    _, out, err = call(command, folder, "-m", small_release, *other)
    assert out.splitlines()[-1].startswith("1 restored")
    assert everything[1].name in err


def test_evaluate_prints_its_protocol_and_fills_the_card(
    call, picture: Path, small_release: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model" / "small"
    model.mkdir(parents=True)
    for path in small_release.iterdir():
        (model / path.name).write_bytes(path.read_bytes())
    dataset = tmp_path / "sample"
    dataset.mkdir()
    (dataset / "photo.png").write_bytes(picture.read_bytes())
    scores = tmp_path / "scores.csv"
    code, out, _ = call("evaluate", model, dataset, "--card", "--csv", scores)
    assert code == 0
    assert "protocol field: output rounded to 8 bits" in out
    card = read_card(model)
    found = card.score("sample")
    assert found is not None
    assert f"{found.psnr_y:.2f}" in out
    assert [score.model for score in card.scores] == ["bicubic", "small"]
    assert len(scores.read_text(encoding="utf-8").splitlines()) == 3


def test_evaluate_bicubic_reaches_the_published_score(call, shared_data: Path) -> None:
    code, out, _ = call("evaluate", "bicubic", shared_data / "eval" / "Set5")
    assert code == 0
    assert "33.67" in out


def test_convert(call, small_release: Path, tmp_path: Path) -> None:
    code, out, _ = call("convert", small_release, "-o", tmp_path / "small.onnx")
    assert code == 0
    assert "H and W any size" in out
    onnx.checker.check_model(onnx.load(str(tmp_path / "small.onnx")))
    weights = small_release / "weights.safetensors"
    asked = ("convert", weights, "-o", tmp_path / "small.onnx", "--no-pad")
    code, _, err = call(*asked)
    assert (code, "--overwrite" in err) == (1, True)
    code, out, _ = call(*asked, "--overwrite")
    assert code == 0
    assert "H and W multiples of 4" in out


def test_levels_that_official_scn_does_not_tell(call, tmp_path: Path) -> None:
    network = create_model("scn", width=4, blocks=1)
    torch.save({"params_ema": network.state_dict()}, tmp_path / "scn.pth")
    asked = ("convert", tmp_path / "scn.pth", "-o", tmp_path / "scn.onnx", "--no-pad")
    code, out, err = call(*asked)
    assert (code, "multiples of 16" in out) == (0, True)
    assert err.startswith("warning: ")
    assert "the usual 4 are assumed" in err
    assert "--set levels=2" in err
    code, out, err = call(*asked, "--set", "levels=3", "--overwrite")
    assert (code, err, "multiples of 8" in out) == (0, "", True)
    code, _, err = call(*asked, "--set", "levels")
    assert (code, "write NAME=VALUE" in err) == (2, True)
    code, _, err = call("convert", "scn_x2", "-o", tmp_path / "a.onnx", "--set", "levels=2")
    assert (code, "its card states its settings" in err) == (2, True)


def test_models_lists_what_there_is(call) -> None:
    code, out, _ = call("models")
    assert code == 0
    assert "scn_x2" in out
    assert "316,796" in out


def test_restoring_needs_no_torch(picture: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import scalewise\n"
        f"print(scalewise.upscale({str(picture)!r}).shape)\n"
        "from scalewise.evaluating import evaluate, compare\n"
    )
    out = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert out.strip() == "(120, 140, 3)"


def test_restore_looks_what_a_picture_has(call, tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    write(tmp_path / "clean.png", Picture(photo[:128, :128]))
    write(tmp_path / "coarse.jpg", Picture(photo[:128, :128]), quality=30)
    noise = np.random.default_rng(0).normal(0, 25, (128, 128, 3))
    grain = np.rint(photo[:128, :128] + noise).clip(0, 255).astype(np.uint8)
    write(tmp_path / "grain.png", Picture(grain))
    code, out, err = call("restore", tmp_path, "-o", tmp_path / "out")
    assert (code, err) == (0, "")
    clean, coarse, grainy, summary = out.splitlines()
    assert "out/clean.png: 128x128, is clean: copied (noise about" in clean
    assert "coarse.jpg: 128x128, dejpeg (JPEG quality 30, noise about" in coarse
    assert "grain.png: 128x128, denoise (noise about 2" in grainy
    assert summary.startswith("2 restored, 1 unchanged, in ")
    made = tmp_path / "out" / "clean.png"
    assert made.read_bytes() == (tmp_path / "clean.png").read_bytes()
    code, out, _ = call("restore", tmp_path, "-o", tmp_path / "out")
    assert (code, only_line(out)[:31]) == (0, "0 restored, 3 existed already (")
    code, out, _ = call("restore", tmp_path / "clean.png", "-o", tmp_path / "a.webp")
    assert (code, "a.webp: 128x128, is clean: converted to webp, quality 95 (" in out) == (0, True)
    code, out, _ = call("restore", tmp_path / "clean.png", "--format", "webp")  # next to itself
    assert (code, "clean.png: nothing to restore (noise about" in only_line(out)) == (0, True)
    assert not list(tmp_path.glob("clean_*"))


def test_restore_with_a_task_and_a_strength(call, picture: Path) -> None:
    whole = picture.with_name("photo_restored.png")
    assert call("restore", picture, "--task", "denoise")[0] == 0
    strong = read(whole).pixels.astype(int)
    weak_file = picture.with_name("weak.png")
    code, out, _ = call(
        "restore", picture, "--task", "denoise", "--strength", "0.5", "-o", weak_file
    )
    assert code == 0
    why = r"\(strength 0\.5(; f32|; bf16, which costs 0\.\d{4} dB)?\)"  # by the processor
    assert re.match(rf"{re.escape(str(weak_file))}: 70x60, denoise {why}, ", out)
    middle = (read(picture).pixels.astype(int) + strong) / 2
    assert np.abs(read(weak_file).pixels - middle).max() <= 1.5
    code, out, _ = call("restore", picture, "--task", "photo", "-o", picture.with_name("large.png"))
    assert "large.png: 140x120, photo_x2" in out
    code, out, _ = call("restore", picture)
    assert code == 1  # what the first call made is there


def test_restore_refuses_what_does_not_fit(call, picture: Path) -> None:
    code, _, err = call("restore", picture, "-m", "scn_x2", "--strength", "0.5")
    assert code == 1
    assert "scn_x2 only enlarges" in only_line(err)
