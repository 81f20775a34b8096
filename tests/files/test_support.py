"""Formats that this installation reads and writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scalewise.errors import ScalewiseError
from scalewise.files import READ_SUFFIXES, Picture, open_picture, support, write
from scalewise.files.support import FormatSupport, check_support, supported_formats


def test_every_extension_belongs_to_one_format() -> None:
    suffixes = [suffix for each in supported_formats() for suffix in each.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert set(suffixes) == READ_SUFFIXES


def test_what_is_said_to_be_written_is(tmp_path: Path) -> None:
    for each in supported_formats():
        if each.writes:
            path = tmp_path / f"a{each.suffixes[0]}"
            write(path, Picture(np.zeros((16, 16, 3), np.uint8)))
            assert each.reads
            check_support(path)


def test_samples_are_of_their_formats(tmp_path: Path) -> None:
    """A sample that is damaged would make every installation refuse its format."""
    for content, size in ((support._GIF, (1, 1)), (support._HEIC, (16, 16))):  # pyright: ignore
        (tmp_path / "x").write_bytes(content)
        with open_picture(tmp_path / "x") as reader:  # whose header needs no decoder
            assert (reader.width, reader.height) == size


@pytest.mark.parametrize("reads", [True, False])
def test_what_cannot_be_decoded_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: bool
) -> None:
    (tmp_path / "a.heic").write_bytes(support._HEIC)  # pyright: ignore
    found = (FormatSupport("HEIC", (".heic",), reads, writes=False),)
    monkeypatch.setattr(support, "supported_formats", lambda: found)
    if reads:
        check_support(tmp_path / "a.heic")
        return
    with pytest.raises(ScalewiseError, match=r"a\.heic: this installation cannot decode HEIC; con"):
        check_support(tmp_path / "a.heic")
