"""Messages of libvips, and that pyvips is the caller's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from threading import Barrier, Thread

import pytest
import pyvips
import pyvips.error

from scalewise.files.vips_errors import lenient_messages, one_line

SCRIPT = """
import locale, logging, os, signal, sys, warnings
import numpy, PIL.Image, PIL.ImageFile, pyvips, pyvips.error

def state():
    umask = os.umask(0o022)
    os.umask(umask)
    return {
        "pyvips": {
            name: value
            for module in (pyvips, pyvips.error, pyvips.Image, pyvips.Error)
            for name, value in vars(module).items()
            if name not in ("files", "__doc__")
        },
        "cache": (
            pyvips.cache_get_max(), pyvips.cache_get_max_mem(), pyvips.cache_get_max_files()
        ),
        "logging": [(logger.level, list(logger.handlers), logger.disabled, logger.propagate)
                    for logger in (logging.getLogger(), logging.getLogger("pyvips"))],
        "warnings": list(warnings.filters),
        "numpy": (numpy.geterr(), numpy.get_printoptions()),
        "locale": locale.setlocale(locale.LC_ALL),
        "umask": umask,
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "PIL": (PIL.Image.MAX_IMAGE_PIXELS, PIL.ImageFile.LOAD_TRUNCATED_IMAGES),
        "hooks": (sys.excepthook, sys.unraisablehook, sys.stdout, sys.stderr),
        "environment": dict(os.environ),
    }

before = state()
import scalewise
import scalewise.data
import scalewise.errors
import scalewise.files
import scalewise.imaging
pixels = numpy.full((8, 8, 3), 90, numpy.uint8)
for suffix in ("webp", "jpg", "tif", "png"):
    path = sys.argv[1] + "/a." + suffix
    scalewise.files.write(path, scalewise.files.Picture(pixels))
    scalewise.files.read(path)
with open(path, "r+b") as file:
    file.truncate(60)
try:
    scalewise.files.read(path)
except scalewise.errors.ScalewiseError:
    pass
else:
    raise AssertionError("a file that is cut short was read")
after = state()
for name in before:
    assert before[name] == after[name], name
"""


def test_the_process_of_the_caller_stays_as_it_was(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert child.returncode == 0, child.stderr


@pytest.mark.parametrize("module", [pyvips, pyvips.error], ids=lambda module: module.__name__)
def test_messages_of_any_bytes_are_decoded(module: object) -> None:
    """A decoder quotes the file; whatever stands there, it must not fail in pyvips."""
    decode = vars(module)["_to_string"]
    message = pyvips.ffi.new("char[]", b"tag \xff")
    with lenient_messages():
        assert vars(module)["_to_string"](message) == "tag \ufffd"
        assert vars(module)["_to_string"](pyvips.ffi.NULL) == "NULL"
    assert vars(module)["_to_string"] is decode
    with pytest.raises(UnicodeDecodeError):
        decode(message)


def test_pyvips_is_restored_after_the_last_thread() -> None:
    strict, seen = vars(pyvips)["_to_string"], list[bool]()
    both_inside, one_left = Barrier(2), Barrier(2)

    def first() -> None:
        with lenient_messages():
            both_inside.wait(10)
        one_left.wait(10)

    def second() -> None:
        with lenient_messages():
            both_inside.wait(10)
            one_left.wait(10)
            seen.append(vars(pyvips)["_to_string"] is strict)

    threads = [Thread(target=each) for each in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert seen == [False]
    assert vars(pyvips)["_to_string"] is strict


@pytest.mark.parametrize(
    ("noted", "format", "expected"),
    [
        ("VipsJpeg: no end\nvipspng: libpng read error\n", "PNG", "vipspng: libpng read error"),
        ("heif: no box\n (2.100)\n", "PNG", ""),
        ("VipsJpeg: Corrupt JPEG data: 3 bytes\nVipsJpeg: bogus size\n", "JPEG", "bogus size"),
        ("VipsJpeg: bogus size\ntiff2vips: out of range", "tiff", "tiff2vips: out of range"),
        ("pngload: no\nwrite error\nsystem error: No space left", "tiff", "No space left"),
        ("VipsRegion: no pixels", "WebP", "VipsRegion: no pixels"),
        ("", "GIF", ""),
    ],
)
def test_whose_words_are_taken(noted: str, format: str, expected: str) -> None:
    reason = one_line(pyvips.Error("", noted), format)
    assert reason.removeprefix("VipsJpeg: ") == expected
