"""The look at an image before it is restored: its file is decoded once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.files import Picture, open_picture, read, write
from scalewise.imaging.blind_estimation import estimate_content, estimate_degradation
from scalewise.restoring import file_pipeline, look, precision, restorer
from scalewise.restoring.batch import restore_files
from scalewise.restoring.jobs import FileJob
from scalewise.restoring.loading import load
from scalewise.restoring.look import (
    content_of_opened,
    estimate_file,
    estimate_opened,
    stated_compression,
)
from scalewise.restoring.rows import rows_of, to_array
from scalewise.restoring.selection import load_cascade, select_for_upscaling
from tests.imaging.test_content import page

MODEL = "scn_fast_x2"


@pytest.fixture(params=["png", "jpg", "webp", "tif"])
def path(photo: NDArray[np.uint8], tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / f"a.{request.param}"
    write(path, Picture(np.ascontiguousarray(photo[:340, :200])))
    return path


@pytest.mark.parametrize("quality", [50, 80])
def test_a_jpeg_of_text_has_one_content_in_every_look(tmp_path: Path, quality: int) -> None:
    path = tmp_path / "text.jpg"
    write(path, Picture(page(300)), quality=quality)
    with open_picture(path) as reader:
        found = content_of_opened(reader)
    assert found == estimate_file(path).content == "text or graphics"
    pixels, stated = read(path).pixels, stated_compression(path)
    assert estimate_content(pixels, stated) == estimate_degradation(pixels, stated).content == found


@pytest.mark.parametrize("kept", [2**26, 0])
def test_all_rows_can_be_read_after_a_look(
    path: Path, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "_KEPT_BYTES", kept)
    pixels = read(path).pixels
    with open_picture(path) as reader:
        assert content_of_opened(reader) == estimate_content(pixels) == "photograph"
        assert (to_array(rows_of(reader)) == pixels).all()


def test_rows_above_the_middle_do_not_count(photo: NDArray[np.uint8], tmp_path: Path) -> None:
    high = np.concatenate([np.zeros((200, 272, 3), np.uint8), photo[:300, :272], photo[:200, :272]])
    write(tmp_path / "a.png", Picture(high))
    with open_picture(tmp_path / "a.png") as reader:
        found = estimate_opened(reader)
    assert found == estimate_degradation(high) == estimate_file(tmp_path / "a.png")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are opened to be restored, or looked at."""
    monkeypatch.setattr(precision, "_gains_by_int8", lambda: True)
    found: list[Path] = []

    def count(path: Path, **options: Any) -> Any:
        found.append(path)
        return open_picture(path, **options)

    for module in (file_pipeline, look, restorer):
        monkeypatch.setattr(module, "open_picture", count)
    return found


def test_a_file_is_opened_once(path: Path, opened: list[Path]) -> None:
    load(MODEL).restore_file(path, path.with_name("b.png"))
    assert opened == [path]


@pytest.mark.parametrize("automatic", [True, False])
def test_a_run_opens_each_file_once(path: Path, opened: list[Path], automatic: bool) -> None:
    networks = select_for_upscaling() if automatic else load_cascade(MODEL)
    monitored = file_pipeline.open_job(
        FileJob(path, path.with_name("b.png")), networks, file_pipeline.OutputOptions()
    )
    monitored.close()
    assert opened == [path]
    assert monitored.selected.content == "photograph"


def test_a_damaged_file_is_one_line(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    (result,) = restore_files([FileJob(path, path.with_name("b.png"))], load_cascade(MODEL))
    assert str(path) in result.problem
    assert not path.with_name("b.png").exists()


@pytest.mark.parametrize("name", ["missing.jpg", "a.webp", "a.avif"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ScalewiseError, match=rf"{re.escape(name)}: cannot be read"):
        stated_compression(tmp_path / name)
