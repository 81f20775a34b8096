"""Writing of images: formats, names, folders and disks of every kind."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image

import scalewise.atomic
import scalewise.files.copying
import scalewise.files.temp_files
from scalewise.errors import ScalewiseError
from scalewise.files import Metadata, Picture, PictureWriter, check_target, read, write
from scalewise.files.copying import copy_picture
from scalewise.files.formats import detect_format

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 30, 3)).astype(np.uint8)
SUFFIXES = [".png", ".tif", ".jpg", ".webp", ".avif"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("png", "PNG"), (".PNG", "PNG"), ("jpg", "JPEG"), ("jpeg", "JPEG"), ("webp", "WEBP"),
     ("avif", "AVIF"), ("tif", "TIFF"), ("tiff", "TIFF")],
)  # fmt: skip
def test_the_format_need_not_be_the_extension(tmp_path: Path, name: str, kind: str) -> None:
    for file in ("a.bin", "a", "a.png"):
        write(tmp_path / file, Picture(PIXELS), format=name)
        with Image.open(tmp_path / file) as image:
            assert image.format == kind
    with pytest.raises(ScalewiseError, match="unknown format 'bmp'; use one of png, tiff, jpeg"):
        write(tmp_path / "a.png", Picture(PIXELS), format="bmp")


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".avif"])
@pytest.mark.parametrize("channels", [3, 4])
def test_lossless_keeps_every_sample(tmp_path: Path, suffix: str, channels: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (33, 47, channels)).astype(np.uint8)
    write(tmp_path / f"a{suffix}", Picture(pixels), quality=10, lossless=True)
    np.testing.assert_array_equal(read(tmp_path / f"a{suffix}").pixels, pixels)


@pytest.mark.parametrize("kind", ["simple", "extended", "animated"])
@pytest.mark.parametrize("lossless", [True, False])
def test_of_a_lossless_webp_comes_a_lossless_one(tmp_path: Path, kind: str, lossless: bool) -> None:
    source, image = tmp_path / "a.webp", Image.fromarray(PIXELS)
    if kind == "animated":
        more = {"save_all": True, "append_images": [Image.fromarray(255 - PIXELS)]}
    else:
        more = {"exif": b"Exif\0\0MM\0*\0\0\0\b\0\0\0\0\0\0"} if kind == "extended" else {}
    image.save(source, lossless=lossless, **more)
    picture = read(source, page=0)
    assert picture.metadata.lossless == lossless

    def written(name: str, quality: int | None = None) -> bool:
        write(tmp_path / name, picture, quality)
        return np.array_equal(read(tmp_path / name).pixels, picture.pixels)

    assert written("b.webp") == lossless
    assert not written("c.webp", quality=95)
    assert not written("d.avif")  # which holds samples of another kind


def test_jpeg_is_never_lossless(tmp_path: Path) -> None:
    with pytest.raises(ScalewiseError, match="jpeg is never lossless"):
        write(tmp_path / "a.jpg", Picture(PIXELS), lossless=True)


@pytest.mark.parametrize(
    ("suffix", "most"), [(".jpg", 65500), (".webp", 16383), (".avif", 16384), (".png", 10_000_000)]
)
def test_sides_that_are_too_long_are_found_before_any_work(
    tmp_path: Path, suffix: str, most: int
) -> None:
    for size in ((most, 1), (1, most)):
        check_target(tmp_path / f"a{suffix}", *size)
    for size in ((most + 1, 1), (1, most + 1)):
        with pytest.raises(ScalewiseError, match=r"too large for .*; use png or tiff"):
            check_target(tmp_path / f"a{suffix}", *size)


@pytest.mark.parametrize(("suffix", "side"), [(".jpg", 65500), (".webp", 16383), (".avif", 16384)])
def test_sides_up_to_there_can_be_written(tmp_path: Path, suffix: str, side: int) -> None:
    write(tmp_path / f"a{suffix}", Picture(np.zeros((2, side, 3), np.uint8)))
    assert read(tmp_path / f"a{suffix}").pixels.shape == (2, side, 3)


def test_large_tiffs_have_large_offsets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalewise.files.writing._CLASSIC_TIFF", 100)
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x0f\x01\x02\0\x03\0\0\0ab\0\0" + bytes(4)
    assert write(tmp_path / "a.tif", Picture(PIXELS, Metadata(exif=exif))) == []
    assert (tmp_path / "a.tif").read_bytes()[:4] == b"II+\0"
    assert tifffile.TiffFile(tmp_path / "a.tif").pages[0].tags["Make"].value == "ab"
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, PIXELS)


NAMES = [
    "größe 图 🖼",
    "a[1]",
    "b[Q=1]",
    "%d %s {x}",
    "-dash",
    "new\nline",
    " space ",
    "x" * 251,
    "ü" * 125,
    os.fsdecode(b"latin-\xfc"),
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_that_the_system_takes(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    path = folder / (name + ".png")
    write(path, Picture(PIXELS))
    with PictureWriter(path, 30, 40, 3, np.uint8) as writer:
        writer.write_rows(PIXELS)
    np.testing.assert_array_equal(read(path).pixels, PIXELS)
    assert list(folder.iterdir()) == [path]


def test_names_that_are_too_long(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 300 + ".png")
    for attempt in (
        lambda: check_target(path, 1, 1),
        lambda: write(path, Picture(PIXELS)),
        lambda: read(path),
    ):
        with pytest.raises(ScalewiseError, match=r"(?i)name too long") as caught:
            attempt()
        assert "\n" not in str(caught.value)


def test_a_folder_that_does_not_exist_yet_may_be_checked(tmp_path: Path) -> None:
    check_target(tmp_path / "new" / "newer" / "a.png", 1, 1)
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "a.png", tmp_path / "file" / "b" / "a.png"):
        with pytest.raises(ScalewiseError, match="is a file, not a folder"):
            check_target(path, 1, 1)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no folder that nobody can write to")
def test_a_folder_that_takes_no_files() -> None:
    with pytest.raises(ScalewiseError, match="cannot be written"):
        write("/proc/a.png", Picture(PIXELS))
    with (
        pytest.raises(ScalewiseError, match="cannot be written"),
        PictureWriter("/proc/a.png", 30, 40, 3, np.uint8) as writer,
    ):
        writer.write_rows(PIXELS)


READ_ONLY = """
import os, sys
import numpy as np
from scalewise.errors import ScalewiseError
from scalewise.files import Picture, check_target, write
if os.geteuid() == 0:
    os.setuid(65534)
for attempt in (
    lambda: check_target(sys.argv[1], 1, 1),
    lambda: write(sys.argv[1], Picture(np.zeros((4, 4, 3), np.uint8))),
):
    try:
        attempt()
    except ScalewiseError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="permissions")
def test_a_read_only_folder(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write(path, Picture(PIXELS))
    tmp_path.chmod(0o555)
    child = subprocess.run(
        [sys.executable, "-c", READ_ONLY, path], capture_output=True, text=True, check=True
    )
    tmp_path.chmod(0o755)
    assert child.stdout.count("cannot be written to") == 2 or child.stdout.count("denied") == 2
    assert child.stdout.count("\n") == 2
    np.testing.assert_array_equal(read(path).pixels, PIXELS)


FULL = """
import resource, signal, sys
import numpy as np
from scalewise.errors import ScalewiseError
from scalewise.files import Picture, PictureWriter, write
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
pixels = np.random.default_rng(0).integers(0, 256, (200, 250, 3)).astype(np.uint8)
for path in sys.argv[1:]:
    for part in (10, 200):
        try:
            if part == 200:
                write(path, Picture(pixels), quality=100)
            else:
                with PictureWriter(path, 250, 200, 3, np.uint8) as writer:
                    for start in range(0, 200, 10):
                        writer.write_rows(pixels[start : start + 10])
        except ScalewiseError as error:
            print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits")
def test_a_full_disk(tmp_path: Path) -> None:
    paths = [tmp_path / f"a{suffix}" for suffix in SUFFIXES]
    for path in paths:
        write(path, Picture(PIXELS))
    before = [path.read_bytes() for path in paths]
    child = subprocess.run(
        [sys.executable, "-c", FULL, *paths], capture_output=True, text=True, check=True
    )
    assert child.stderr == ""
    lines = child.stdout.splitlines()
    expected = [f"{path}: cannot be written (File too large)" for path in paths for _ in range(2)]
    assert [line[: len(start)] for line, start in zip(lines, expected, strict=True)] == expected
    assert [path.read_bytes() for path in paths] == before
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def full(*arguments: Any, **options: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_where_files_without_names_get_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", full)
    write(tmp_path / "a.png", Picture(PIXELS))
    np.testing.assert_array_equal(read(tmp_path / "a.png").pixels, PIXELS)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_the_last_steps_can_fail_too(
    tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(b"what was there")
    monkeypatch.setattr(os if call == "fsync" else Path, call, full)
    with pytest.raises(ScalewiseError, match="No space left on device"):
        write(tmp_path / "a.png", Picture(PIXELS))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == b"what was there"


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="files without names")
def test_a_new_file_never_has_a_hidden_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is killed between naming and replacing would leave it behind."""
    monkeypatch.setattr(Path, "replace", full)
    write(tmp_path / "a.png", Picture(PIXELS))
    np.testing.assert_array_equal(read(tmp_path / "a.png").pixels, PIXELS)


def test_without_files_without_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On other systems and some file systems: hidden files, which an error takes away."""
    monkeypatch.setattr(scalewise.atomic, "_open_unnamed", lambda folder, mode: None)
    monkeypatch.setattr(scalewise.files.temp_files, "DESCRIPTORS_HAVE_NAMES", False)
    with PictureWriter(tmp_path / "a.png", 30, 40, 3, np.uint8) as writer:
        writer.write_rows(PIXELS)
    np.testing.assert_array_equal(read(tmp_path / "a.png").pixels, PIXELS)

    def fails(*arguments: Any, **options: Any) -> None:
        raise pyvips.Error("failed", "pngsave: no reason")

    monkeypatch.setattr(PictureWriter, "_encode", fails)
    with pytest.raises(ScalewiseError, match="no reason"):
        write(tmp_path / "b.png", Picture(PIXELS))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions")
def test_the_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write(tmp_path / "a.png", Picture(PIXELS))
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.skipif(sys.platform == "win32", reason="permissions")
@pytest.mark.parametrize("fails", [None, "link", "unnamed"])
@pytest.mark.parametrize("mode", [0o600, 0o664, 0o444])
def test_a_file_that_is_replaced_keeps_its_permissions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, fails: str | None
) -> None:
    if fails == "link":
        monkeypatch.setattr(os, "link", full)
    if fails == "unnamed":
        monkeypatch.setattr(scalewise.atomic, "_open_unnamed", lambda folder, mode: None)
    path = tmp_path / "a.png"
    path.touch()
    path.chmod(mode)
    group = 12345 if os.geteuid() == 0 else path.stat().st_gid
    os.chown(path, -1, group)
    write(path, Picture(PIXELS))
    assert (path.stat().st_mode & 0o777, read(path).pixels.shape) == (mode, PIXELS.shape)
    if fails != "link":  # where the file is copied, its owner is whoever copies it
        assert path.stat().st_gid == group


def test_a_format_that_the_name_denies_is_said(tmp_path: Path) -> None:
    picture = Picture(np.zeros((4, 4, 3), np.uint8))
    assert write(tmp_path / "a.jpg", picture, format="png") == [
        f"{tmp_path / 'a.jpg'}: is written as png, though its name ends in .jpg"
    ]
    assert write(tmp_path / "a.jpeg", picture, format="jpg") == []
    assert write(tmp_path / "a", picture, format="png") == []


@pytest.mark.parametrize("copies", [False, True])
def test_a_file_that_appears_meanwhile_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copies: bool
) -> None:
    path, source = tmp_path / "a.png", tmp_path / "b.png"
    write(source, Picture(PIXELS))

    def appears(file: Any) -> Any:
        path.write_bytes(b"mine")
        return detect_format(file)

    monkeypatch.setattr(scalewise.files.copying, "detect_format", appears)
    writer = PictureWriter(path, 30, 40, 3, np.uint8, overwrite=False)
    writer.write_rows(PIXELS)

    def finish() -> None:
        if copies:
            copy_picture(source, path, overwrite=False)
        else:
            path.write_bytes(b"mine")
            writer.finish()

    with pytest.raises(ScalewiseError, match=r"a\.png: exists already; .* overwrite=True"):
        finish()
    assert path.read_bytes() == b"mine"
    assert sorted(tmp_path.iterdir()) == [path, source]
