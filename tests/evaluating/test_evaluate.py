"""Evaluation: what is compared with what, the means, the files."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.data.layouts import find_dataset
from scalewise.errors import ScalewiseError
from scalewise.evaluating.evaluate import Evaluation, bicubic, evaluate, to_score, write_csv
from scalewise.files import Picture, write
from scalewise.imaging.metrics import psnr
from scalewise.imaging.protocols import FIELD
from scalewise.imaging.resize import imresize


@pytest.fixture
def folder(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    for name, top in (("a", 0), ("b", 200)):
        write(tmp_path / f"{name}.png", Picture(photo[top : top + 61, 100:180]))
    return tmp_path


def test_bicubic_on_pictures_that_are_reduced_first(folder: Path, photo: NDArray[np.uint8]) -> None:
    images = list(evaluate(bicubic(2), find_dataset(folder), 2, FIELD))
    assert [(image.name, image.width, image.height) for image in images] == [
        ("a", 80, 60),
        ("b", 80, 60),
    ]
    truth = photo[0:60, 100:180]
    again = imresize(imresize(truth, 0.5), 2)
    expected = psnr(again[2:-2, 2:-2], truth[2:-2, 2:-2])
    assert images[0].psnr == pytest.approx(expected, abs=1e-9)
    evaluation = Evaluation("bicubic", "folder", FIELD, "f64", images)
    assert evaluation.psnr_y == pytest.approx((images[0].psnr_y + images[1].psnr_y) / 2)
    score = to_score(evaluation)
    assert (score.model, score.dataset, score.images, score.protocol) == (
        "bicubic",
        "folder",
        2,
        "field",
    )
    assert score.psnr_y == pytest.approx(evaluation.psnr_y, abs=1e-4)


def test_csv_has_a_row_for_every_picture(folder: Path) -> None:
    images = list(evaluate(bicubic(2), find_dataset(folder), 2, FIELD))
    path = folder / "scores.csv"
    write_csv([Evaluation("bicubic", "set", FIELD, "f64", images)], path)
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["model"], row["protocol"], row["name"]) for row in rows] == [
        ("bicubic", "field", "a"),
        ("bicubic", "field", "b"),
    ]
    assert float(rows[1]["psnr_y"]) == images[1].psnr_y


def test_a_wrong_low_resolution_picture_is_named(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    for part, picture in (("HR", photo[:64, :64]), ("LR_bicubic/X2", photo[:20, :32])):
        (tmp_path / part).mkdir(parents=True)
        name = "a.png" if part == "HR" else "ax2.png"
        write(tmp_path / part / name, Picture(picture))
    with pytest.raises(ScalewiseError, match=r"a\.png: .*32x20"):
        list(evaluate(bicubic(2), find_dataset(tmp_path), 2, FIELD))
