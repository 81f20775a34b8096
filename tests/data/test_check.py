"""Each kind of problem is found in a small dataset that has it, and nothing in one without."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image

from scalewise.data.check import Report, check_dataset, find_shuffled
from scalewise.data.layouts import find_dataset
from scalewise.files import Picture, read, write
from scalewise.imaging.resize import imresize


def save(path: Path, width: int = 32, height: int = 24, channels: int = 3) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)
    write(path, Picture(noise))


def save_lr(path: Path, hr: Path, size: tuple[int, int]) -> None:
    """LR of a file, of HR mirrored beyond its border where the size is rounded up."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = read(hr).pixels
    wide = np.pad(
        pixels,
        ((0, 2 * size[1] - pixels.shape[0]), (0, 2 * size[0] - pixels.shape[1]), (0, 0)),
        mode="symmetric",
    )
    write(path, Picture(imresize(wide, 1 / 2)))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def report_on(root: Path, *, min_side: int = 16, fast: bool = False) -> Report:
    return check_dataset(find_dataset(root), min_side=min_side, fast=fast, workers=1)


def kinds(report: Report) -> list[tuple[str, str]]:
    root = report.dataset.root
    return [(p.kind, p.path.relative_to(root).as_posix()) for p in report.problems]


@pytest.mark.parametrize("fast", [False, True])
def test_a_sound_dataset(tmp_path: Path, fast: bool) -> None:
    save(tmp_path / "HR/a.png", 33, 25)
    save(tmp_path / "HR/b.png", 32, 24)
    # Rounded up, as published LR often is.
    save_lr(tmp_path / "LR_bicubic/X2/ax2.png", tmp_path / "HR/a.png", (17, 13))
    save_lr(tmp_path / "LR_bicubic/X2/bx2.png", tmp_path / "HR/b.png", (16, 12))
    report = report_on(tmp_path, fast=fast)
    assert report.problems == ()
    assert report.notes == ()
    assert report.scales == {2: 2}
    assert report.megapixels == pytest.approx((33 * 25 + 32 * 24) / 1e6)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_a_truncated_file_is_found_by_decoding(tmp_path: Path, suffix: str) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / f"b{suffix}", 64, 64)
    truncate(tmp_path / f"b{suffix}")
    report = report_on(tmp_path)
    assert kinds(report) == [("unreadable", f"b{suffix}")]
    assert report.megapixels == pytest.approx(32 * 24 / 1e6)


def test_headers_do_not_tell_of_a_truncated_file(tmp_path: Path) -> None:
    save(tmp_path / "a.png", 64, 64)
    truncate(tmp_path / "a.png")
    assert kinds(report_on(tmp_path, fast=True)) == []


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("content", [b"", b"this is not an image"])
def test_a_file_that_is_no_picture(tmp_path: Path, content: bytes, fast: bool) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(content)
    report = report_on(tmp_path, fast=fast)
    assert kinds(report) == [("unreadable", "b.png")]
    assert "b.png" not in report.problems[0].message


def test_a_picture_too_small_to_train_on(tmp_path: Path) -> None:
    save(tmp_path / "a.png", 96, 96)
    save(tmp_path / "b.png", 200, 95)
    assert kinds(report_on(tmp_path, min_side=96)) == [("too small", "b.png")]
    assert kinds(report_on(tmp_path, min_side=95)) == []


def test_pictures_without_partner(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / f"HR/{name}.png")
    for name in ("a", "c"):
        save_lr(tmp_path / f"LR_bicubic/X2/{name}x2.png", tmp_path / "HR/a.png", (16, 12))
    assert kinds(report_on(tmp_path)) == [
        ("HR without LR", "HR/b.png"),
        ("LR without HR", "LR_bicubic/X2/cx2.png"),
    ]


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("size", [(15, 12), (16, 13), (12, 16), (32, 24)])
def test_lr_of_a_wrong_size(tmp_path: Path, size: tuple[int, int], fast: bool) -> None:
    save(tmp_path / "HR/a.png", 32, 24)
    save(tmp_path / "LR_bicubic/X2/ax2.png", *size)
    report = report_on(tmp_path, fast=fast)
    assert kinds(report) == [("wrong LR size", "LR_bicubic/X2/ax2.png")]
    assert "16x12" in report.problems[0].message


@pytest.mark.parametrize("fast", [False, True])
def test_sizes_are_those_of_the_upright_picture(tmp_path: Path, fast: bool) -> None:
    save(tmp_path / "LR_bicubic/X2/ax2.png", 12, 16)
    (tmp_path / "HR").mkdir()
    turned = pyvips.Image.black(32, 24, bands=3).copy(interpretation="srgb")
    turned.set_type(pyvips.GValue.gint_type, "orientation", 6)
    turned.write_to_file(str(tmp_path / "HR/a.jpg"))
    assert kinds(report_on(tmp_path, fast=fast)) == []


@pytest.mark.parametrize("fast", [False, True])
def test_what_is_read_at_all_is_read_here(tmp_path: Path, fast: bool) -> None:
    """BMP, a TIFF that begins with its thumbnail, and no format that strangers could choose."""
    pixels = np.zeros((96, 128, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.bmp")
    with tifffile.TiffWriter(tmp_path / "b.tif") as file:
        file.write(pixels[::4, ::4], photometric="rgb", subfiletype=1, metadata=None)
        file.write(pixels, photometric="rgb", metadata=None)
    (tmp_path / "c.png").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="5"/>'
    )
    report = report_on(tmp_path, min_side=96, fast=fast)
    assert kinds(report) == [("unreadable", "c.png")]
    assert report.megapixels == pytest.approx(2 * 96 * 128 / 1e6)


def test_two_files_of_one_name(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg")
    save(tmp_path / "a.png")
    assert kinds(report_on(tmp_path)) == [("duplicate name", "a.png")]


def test_a_manifest_that_does_not_fit_the_files(tmp_path: Path) -> None:
    for width, name in ((30, "a"), (31, "b"), (32, "c")):
        save(tmp_path / f"{name}.png", width)
    (tmp_path / "MANIFEST.csv").write_text(
        "file,licence\na.png,CC0\na.png,CC0\nb.png,CC BY\ngone.png,CC0\n"
    )
    report = report_on(tmp_path)
    assert [(p.path.name, p.message) for p in report.problems] == [
        ("a.png", "listed 2 times in MANIFEST.csv"),
        ("gone.png", "listed in MANIFEST.csv, but not there"),
    ]
    assert report.licences == {"CC0": 1, "CC BY": 1}
    assert report.notes == ("1 of 3 images have no licence in MANIFEST.csv",)


def test_images_of_the_same_pixels_are_noted(tmp_path: Path) -> None:
    for name in ("a.png", "b.tif", "c/d.webp"):
        save(tmp_path / name)
    write(tmp_path / "e.png", Picture(read(tmp_path / "a.png").pixels.reshape(32, 24, 3)))
    (note,) = report_on(tmp_path).notes
    assert note == "1 image with the pixels of another, such as b.tif with those of a.png"
    assert report_on(tmp_path, fast=True).notes == ()


@pytest.mark.parametrize("fast", [False, True])
def test_grey_pictures_are_noted(tmp_path: Path, fast: bool) -> None:
    save(tmp_path / "a.png", channels=1)
    assert report_on(tmp_path, fast=fast).notes == ("all images are grey",)
    save(tmp_path / "b.png", channels=4)
    assert report_on(tmp_path, fast=fast).notes == ("1 of 2 images are grey, the others colour",)


def test_pictures_outside_the_layout_are_noted(tmp_path: Path) -> None:
    save(tmp_path / "HR/a.png")
    save(tmp_path / "LR_unknown/X2/ax2.png")
    save(tmp_path / "preview.png")
    assert report_on(tmp_path).notes == (
        "LR in LR_unknown is not used: only bicubic LR is taken unasked; name HR's and LR's "
        "folders to take any",
        "not used: 1 in the folder itself",
        "not used: 1 in LR_unknown",
    )


def test_every_problem_says_how_to_mend_it_and_progress_is_told(tmp_path: Path) -> None:
    save(tmp_path / "HR/a.png", 8, 8)
    save(tmp_path / "LR_bicubic/X2/ax2.png", 8, 8)
    told: list[tuple[int, int]] = []
    report = check_dataset(
        find_dataset(tmp_path), workers=2, progress=lambda done, total: told.append((done, total))
    )
    assert [p.kind for p in report.problems] == ["too small", "wrong LR size"]
    assert all(p.hint for p in report.problems)
    assert told == [(1, 2), (2, 2)]


@pytest.mark.parametrize("name", ["Set5", "Set14"])
def test_published_benchmark_sets_are_sound(shared_data: Path, name: str) -> None:
    assert report_on(shared_data / "eval" / name, fast=True).problems == ()


def test_interrupting_stops_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        save(tmp_path / f"{number:02}.png", 16, 16)
    opened: list[Path] = []

    def slow_read(path: Path) -> Picture:
        opened.append(path)
        time.sleep(0.01)
        return read(path)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("scalewise.data.check.read", slow_read)
    with pytest.raises(KeyboardInterrupt):
        check_dataset(find_dataset(tmp_path), workers=1, progress=interrupt)
    assert len(opened) < 20


@pytest.mark.parametrize("shift", [0, 1])
def test_lr_in_another_order_than_hr_is_noticed(tmp_path: Path, shift: int) -> None:
    random = np.random.default_rng(0)
    for number in range(9):
        pixels = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        for folder, name, image in (
            ("HR", number, pixels),
            ("LR_bicubic/X2", (number + shift) % 9, imresize(pixels, 1 / 2)),
        ):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            write(tmp_path / folder / f"{name}.png", Picture(image))
    dataset = find_dataset(tmp_path)
    assert find_shuffled(dataset, [3]) == []
    warnings = find_shuffled(dataset, [2])
    assert len(warnings) == shift
    for warning in warnings:
        assert "6 of 6 LR files looked at for x2" in warning
