"""Images from standard input and to standard output."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scalewise.files import read

Piped = Callable[..., tuple[int, bytes, str]]


@pytest.fixture
def picture(photo: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(photo[100:140, 100:150])


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Piped:
    """Run a command line in this process: exit code, standard output, lines beside it."""
    from scalewise.cli.app import main

    def piped(stdin: bytes, *arguments: object) -> tuple[int, bytes, str]:
        monkeypatch.setattr(sys, "argv", ["scalewise", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main()
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return int(ended.value.code or 0), out, err.decode()

    return piped


def encoded(picture: Image.Image, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("PNG", [], "PNG"),
        ("JPEG", ["-o", "-"], "JPEG"),
        ("GIF", [], "PNG"),
        ("PNG", ["-o", "-", "--format", "webp"], "WEBP"),
        ("TIFF", ["--format", "avif"], "AVIF"),
    ],
)
def test_from_input_to_output(
    piped: Piped, picture, small_release: Path, kind: str, options: list[str], expected: str
) -> None:
    data = encoded(picture, kind)
    code, out, err = piped(data, "upscale", "-", "-m", small_release, *options)
    assert code == 0
    assert err.startswith("standard output: 100x80, small")
    with Image.open(io.BytesIO(out)) as result:
        assert (result.format, result.size) == (expected, (100, 80))


def test_one_end_may_be_a_file(
    piped: Piped, picture, small_release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = ["-m", small_release]
    data = encoded(picture, "PNG")
    assert piped(data, "upscale", "-", "-o", "a.tif", *model)[0] == 0
    assert read(tmp_path / "a.tif").pixels.shape == (80, 100, 3)
    code, out, _ = piped(b"", "upscale", "a.tif", "-o", "-", "--format", "png", *model)
    assert (code, Image.open(io.BytesIO(out)).size) == (0, (200, 160))
    assert piped(data, "upscale", "-", "-o", "folder.1/", *model)[0] == 0
    assert [path.name for path in (tmp_path / "folder.1").iterdir()] == ["stdin.png"]
    (tmp_path / "-").write_bytes(data)
    assert piped(b"", "upscale", "./-", "-o", "b.png", *model)[0] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["-", "a.tif", "b.png", "folder.1"]


@pytest.mark.parametrize(
    ("data", "arguments", "message"),
    [
        (b"", ["-"], "standard input: not an image"),
        (b"\x89PNG\r\n\x1a\n", ["-"], "standard input: truncated"),
        (b"", ["-", "-"], "one image at a time"),
        (b"", [".", "-o", "-"], "one image at a time"),
        (b"", ["-", "--cluster", "local"], "files that all of its machines can read"),
        (b"\x89PNG\r\n\x1a\n", ["-", "--device", "mps"], "--device mps: there is no mps"),
    ],
)
@pytest.mark.parametrize("command", ["upscale", "restore"])
def test_mistakes_are_a_line_beside_the_output(
    piped: Piped, command: str, data: bytes, arguments: list[str], message: str
) -> None:
    code, out, err = piped(data, command, *arguments)
    assert (code, out) == (1, b"")
    (line,) = err.splitlines()
    assert message in line


@pytest.mark.parametrize("option", [("--include", "*.jpg"), ("--shard", "2/2")])
def test_nothing_is_selected_from_a_pipe(piped: Piped, option: tuple[str, str]) -> None:
    code, out, err = piped(b"", "upscale", "-", *option)
    assert (code, out) == (2, b"")
    assert f"{option[0]} selects images of folders, not standard input" in err


def test_what_needs_nothing_goes_through(piped: Piped, photo: NDArray[np.uint8]) -> None:
    clean = Image.fromarray(photo[100:164, 100:164]).resize((128, 128))
    data = encoded(clean, "PNG")
    code, out, err = piped(data, "restore", "-")
    assert (code, out) == (0, data)
    assert err.startswith("standard output: 128x128, is clean: copied (noise about ")
    code, out, _ = piped(data, "restore", "-", "--format", "webp", "--lossless")
    with Image.open(io.BytesIO(out)) as result:
        assert result.format == "WEBP"
        np.testing.assert_array_equal(np.asarray(result), np.asarray(clean))
    bad = encoded(clean, "JPEG", quality=20)
    code, out, err = piped(bad, "restore", "-", "-o", "-")
    assert (code, Image.open(io.BytesIO(out)).format) == (0, "JPEG")
    assert "dejpeg" in err


@pytest.mark.skipif(os.name == "nt", reason="pipes")
def test_a_reader_that_goes_away(picture: Image.Image, small_release: Path) -> None:
    large = picture.resize((300, 300))
    command = [sys.executable, "-c", "from scalewise.cli.app import main; main()", "upscale", "-"]
    command += ["--format", "png", "-m", str(small_release), "--overwrite"]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            command, input=encoded(large, "PNG"), stdout=writing, stderr=subprocess.PIPE
        )
    finally:
        os.close(writing)
    assert ended.returncode == 1
    *_, line = ended.stderr.decode().splitlines()
    assert "standard output: was closed" in line


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk")
def test_a_full_disk_at_the_other_end(photo: NDArray[np.uint8]) -> None:
    clean = Image.fromarray(photo[100:164, 100:164]).resize((128, 128))
    command = [sys.executable, "-m", "scalewise", "restore", "-"]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            command, input=encoded(clean, "PNG"), stdout=full, stderr=subprocess.PIPE
        )
    assert ended.returncode == 1
    assert ended.stderr.decode() == "error: standard output: No space left on device\n"


@pytest.mark.skipif(os.name == "nt", reason="a shell of Unix")
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("upscale - -o b.png <&-", "standard input: is closed; send an image to it"),
        (
            "upscale - >&-",
            "standard output: is closed; redirect it to a file, or give -o FILE",
        ),
        ("models >/dev/full", "standard output: No space left on device"),
        ("--help >/dev/full", "standard output: No space left on device"),
    ],
)
def test_a_stream_that_is_closed_or_full(line: str, message: str) -> None:
    command = f'exec "{sys.executable}" -m scalewise {line}'
    ended = subprocess.run(command, shell=True, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert ended.returncode == 1
    assert ended.stderr.decode() == f"error: {message}\n"


@pytest.mark.skipif(os.name == "nt", reason="a shell of Unix")
def test_no_file_gets_the_descriptor_of_a_stream_that_is_closed() -> None:
    check = "import os, scalewise.__main__ as m; m._occupy_descriptors(); print(os.dup(0) > 2)"
    command = f'"{sys.executable}" -c "{check}" <&- 2>&-'
    assert subprocess.check_output(command, shell=True, text=True) == "True\n"
