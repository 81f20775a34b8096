"""Images larger than memory: read and written row by row."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import ExifTags, Image

import scalewise.files.orientation
import scalewise.files.temp_files
from scalewise.errors import ScalewiseError
from scalewise.files import Metadata, Picture, PictureWriter, open_picture, read, write
from scalewise.files.temp_files import RowSpool
from tests.files.hostile import samples


def ramp(height: int, width: int, channels: int, dtype: type = np.uint8) -> NDArray:
    rng = np.random.default_rng(height)
    return rng.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True)


@pytest.mark.parametrize("index", range(len(samples()) - 1))
def test_overlapping_windows_are_those_of_the_whole(tmp_path: Path, index: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(samples()[index])
    whole = read(path)
    with open_picture(path) as reader:
        height, width, channels = whole.pixels.shape
        assert (reader.height, reader.width, reader.channels) == (height, width, channels)
        assert reader.dtype == whole.pixels.dtype
        assert reader.metadata == whole.metadata
        windows = [(0, 5), (0, 9), (3, 9), (4, 7), (5, 20), (18, 19), (25, 30), (29, height)]
        for start, stop in windows:
            np.testing.assert_array_equal(
                reader.read_rows(start, stop), whole.pixels[start:stop], err_msg=f"{start}:{stop}"
            )


def test_windows_that_cannot_be_read(tmp_path: Path) -> None:
    write(tmp_path / "a.png", Picture(ramp(30, 20, 3)))
    with open_picture(tmp_path / "a.png") as reader:
        reader.read_rows(10, 20)
        with pytest.raises(ValueError, match="rows from 5 were let go"):
            reader.read_rows(5, 25)
        for start, stop in ((20, 31), (-1, 3), (12, 12)):
            with pytest.raises(ValueError, match="of 30"):
                reader.read_rows(start, stop)
        with pytest.raises(ValueError, match="read-only"):
            reader.read_rows(10, 20)[0] = 0
    with pytest.raises(ValueError, match="closed"):
        reader.read_rows(20, 30)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux")
def test_what_was_written_takes_no_more_disk_space(tmp_path: Path) -> None:
    def unnamed() -> set[str]:
        names: set[str] = set()
        for entry in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):  # that of the listing itself
                names.add(str(entry.readlink()))
        return {name for name in names if name.startswith(str(tmp_path)) and "(deleted)" in name}

    for number in range(3):
        with PictureWriter(tmp_path / f"{number}.png", 30, 40, 3, np.uint8) as writer:
            writer.write_rows(ramp(40, 30, 3))
            assert unnamed()
        assert not unnamed()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_large_pictures_are_turned_on_the_disk(
    tmp_path: Path, orientation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(ramp(300, 40, 3)).save(tmp_path / "a.png", exif=exif.tobytes(), dpi=(300, 150))
    in_memory = read(tmp_path / "a.png")
    monkeypatch.setattr(scalewise.files.orientation, "_BLOCK", 8000)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for _ in range(2):
        with open_picture(tmp_path / "a.png") as reader:
            rows = [reader.read_rows(at, at + 20) for at in range(0, reader.height, 20)]
            assert reader.metadata == in_memory.metadata
        np.testing.assert_array_equal(np.concatenate(rows), in_memory.pixels)
    dots = (300, 150) if orientation < 5 else (150, 300)
    assert in_memory.metadata.dpi == pytest.approx(dots, rel=1e-3)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


TURNED = """
import resource, signal, sys
import scalewise.files.orientation
from scalewise.errors import ScalewiseError
from scalewise.files import read
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
scalewise.files.orientation._BLOCK = 8000
try:
    read(sys.argv[1])
except ScalewiseError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits")
def test_a_disk_too_full_to_turn_on(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(ramp(300, 40, 3)).save(tmp_path / "a.png", exif=exif.tobytes())
    child = subprocess.run(
        [sys.executable, "-c", TURNED, tmp_path / "a.png"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout == f"{tmp_path / 'a.png'}: cannot be read (File too large)\n"
    assert child.stderr == ""


def test_a_file_that_ends_midway_has_its_first_rows(tmp_path: Path) -> None:
    write(tmp_path / "a.png", Picture(ramp(400, 100, 3)))
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
    with open_picture(tmp_path / "a.png") as reader:
        np.testing.assert_array_equal(reader.read_rows(0, 50), ramp(400, 100, 3)[:50])
        with pytest.raises(ScalewiseError, match="truncated"):
            reader.read_rows(300, 400)


def test_many_parts_are_one_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scalewise.files.temp_files, "_PART", 1000)
    with PictureWriter(tmp_path / "a.png", 30, 70, 3, np.uint8) as writer:
        for start in range(0, 70, 7):
            writer.write_rows(ramp(70, 30, 3)[start : start + 7])
    np.testing.assert_array_equal(read(tmp_path / "a.png").pixels, ramp(70, 30, 3))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp", ".avif"])
@pytest.mark.parametrize(("channels", "dtype"), [(1, np.uint8), (2, np.uint16), (4, np.uint8)])
def test_strips_make_the_file_that_the_whole_makes(
    tmp_path: Path, suffix: str, channels: int, dtype: type
) -> None:
    pixels = ramp(70, 30, channels, dtype)
    metadata = Metadata(xmp=b"<x/>", dpi=(300.0, 300.0))
    warnings = write(tmp_path / f"whole{suffix}", Picture(pixels, metadata))
    with PictureWriter(tmp_path / f"strips{suffix}", 30, 70, channels, dtype, metadata) as writer:
        for start, stop in ((0, 1), (1, 30), (30, 30), (30, 70)):
            writer.write_rows(pixels[start:stop])
        assert [path.name for path in tmp_path.iterdir()] == [f"whole{suffix}"]
    said = [line.replace(f"strips{suffix}", f"whole{suffix}") for line in writer.warnings]
    assert said == warnings
    whole, strips = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("whole", "strips"))
    assert whole == strips


def test_an_exception_leaves_what_was_there(tmp_path: Path) -> None:
    write(tmp_path / "a.png", Picture(ramp(5, 5, 3)))
    before = (tmp_path / "a.png").read_bytes()
    with (
        pytest.raises(ZeroDivisionError),
        PictureWriter(tmp_path / "a.png", 30, 70, 3, np.uint8) as writer,
    ):
        writer.write_rows(ramp(10, 30, 3) // (1 // 0))
    with (
        pytest.raises(ValueError, match="10 rows were written; the image has 70"),
        PictureWriter(tmp_path / "a.png", 30, 70, 3, np.uint8) as writer,
    ):
        writer.write_rows(ramp(10, 30, 3))
    assert (tmp_path / "a.png").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_file_may_be_finished_within_the_block(tmp_path: Path) -> None:
    with PictureWriter(tmp_path / "a.png", 30, 70, 3, np.uint8) as writer:
        writer.write_rows(ramp(70, 30, 3))
        writer.finish()
        np.testing.assert_array_equal(read(tmp_path / "a.png").pixels, ramp(70, 30, 3))


def test_rows_that_do_not_belong(tmp_path: Path) -> None:
    with PictureWriter(tmp_path / "a.png", 30, 70, 3, np.uint8) as writer:
        for rows in (ramp(5, 31, 3), ramp(5, 30, 4), ramp(5, 30, 3, np.uint16), ramp(5, 30, 3)[0]):
            with pytest.raises(ValueError, match=r"rows are \(n, 30, 3\) uint8"):
                writer.write_rows(rows)
        with pytest.raises(ValueError, match="71 rows; the image has 70"):
            writer.write_rows(ramp(71, 30, 3))
        writer.write_rows(ramp(70, 30, 3))


KILLED = """
import os, signal, sys
import numpy as np
from scalewise.files import PictureWriter
with PictureWriter(sys.argv[1], 2000, 2000, 3, np.uint8) as writer:
    writer.write_rows(np.zeros((1000, 2000, 3), np.uint8))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="files without a name")
def test_nothing_is_left_of_a_process_that_is_killed(tmp_path: Path) -> None:
    child = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "a.png"], check=False)
    assert child.returncode == -9
    assert list(tmp_path.iterdir()) == []


LARGE = """
import sys
import numpy as np
from scalewise.files import PictureWriter, open_picture
path, width, height = sys.argv[1], 10_000, int(sys.argv[2])
row = np.stack([np.arange(width) // 80 + offset for offset in (0, 60, 120)], -1)
def rows(start, stop):
    return (row + np.arange(start, stop)[:, None, None] * 10 // height).astype(np.uint8)
with PictureWriter(path, width, height, 3, np.uint8) as writer:
    for start in range(0, height, 50):
        writer.write_rows(rows(start, start + 50))
with open_picture(path) as reader:
    for start in range(0, height, 50):
        first, last = max(start - 20, 0), min(start + 70, height)
        strip = reader.read_rows(first, last)
        if start % 1000 == 0:
            assert np.abs(strip - rows(first, last).astype(float)).mean() < 1
# Not ru_maxrss: a child inherits its parent's.
print(int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for memory")
@pytest.mark.parametrize(
    ("suffix", "megapixels", "limit"),
    [
        (".jpg", 50, 180),
        pytest.param(".tif", 100, 200, marks=pytest.mark.slow),
        pytest.param(".png", 100, 200, marks=pytest.mark.slow),
        pytest.param(".jpg", 400, 200, marks=pytest.mark.slow),
    ],
)
def test_memory_is_that_of_some_rows(
    tmp_path: Path, suffix: str, megapixels: int, limit: int
) -> None:
    arguments = [sys.executable, "-c", LARGE, tmp_path / f"a{suffix}", str(megapixels * 100)]
    child = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert int(child.stdout) < limit  # megabytes; the pixels alone are three per megapixel


def test_the_cache_of_libvips_keeps_its_size(tmp_path: Path) -> None:
    before, interval = pyvips.cache_get_max(), sys.getswitchinterval()

    def close() -> None:
        for _ in range(1000):
            RowSpool(tmp_path, 4, 1, "uchar").close()

    threads = [Thread(target=close) for _ in range(4)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert pyvips.cache_get_max() == before > 0
    finally:
        sys.setswitchinterval(interval)
        pyvips.cache_set_max(before)
