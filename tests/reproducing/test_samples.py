"""Sample pictures, restored by every method."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scalewise.files import Picture, read, write
from scalewise.imaging.protocols import PROTOCOLS
from scalewise.reproducing.results import SAMPLES, SAMPLES_FILE, Sample, load_json
from scalewise.reproducing.samples import make_samples
from scalewise.restoring.loading import load


def test_every_picture_gets_a_sheet_and_scores(
    small_release: Path, photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    for folder, corner in (("a", 0), ("b", 100)):  # two pictures of one name
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "x.png", Picture(photo[corner : corner + 70, :80]))
    pictures = [tmp_path / "a" / "x.png", tmp_path / "b" / "x.png"]
    samples = make_samples(pictures, pictures[0], [load(small_release)], tmp_path)
    assert load_json(list[Sample], tmp_path / SAMPLES / SAMPLES_FILE) == samples
    assert [sample.single for sample in samples] == [False, False, True]
    assert len({sample.sheet for sample in samples}) == 3
    for sample in samples:
        assert read(tmp_path / SAMPLES / sample.sheet).pixels.shape[1] > 1000
        measured = [(score.model, score.protocol) for score in sample.scores]
        assert measured == [(m, p) for p in PROTOCOLS for m in ("bicubic", "small")]
    assert samples[0].scores == samples[2].scores != samples[1].scores
