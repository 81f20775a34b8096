"""Evaluation: what is compared with what, the means, the files."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.data.layouts import find_dataset
from scalewise.errors import ScalewiseError
from scalewise.evaluating.evaluate import (
    Evaluation,
    bicubic,
    classical_restoration,
    evaluate,
    restoration,
    to_score,
    unchanged,
    write_csv,
)
from scalewise.evaluating.task_protocols import evaluation_protocol
from scalewise.files import Picture, write
from scalewise.imaging.metrics import psnr
from scalewise.imaging.protocols import FIELD, denoising
from scalewise.imaging.resize import imresize
from scalewise.restoring.classical import denoise
from scalewise.restoring.loading import load
from scalewise.restoring.restorer import Restorer


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


def test_time_is_measured_by_the_clock_given(folder: Path) -> None:
    ticks = iter([10.0, 10.5, 20.0, 22.0])
    images = evaluate(bicubic(2), find_dataset(folder), 2, FIELD, clock=lambda: next(ticks))
    assert [image.seconds for image in images] == [0.5, 2.0]


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_classical_denoising_is_told_the_level(photo: NDArray[np.uint8], dtype: type) -> None:
    image = photo[:64, :64].astype(dtype)
    found = classical_restoration("nlm", 25.0)(image)
    np.testing.assert_allclose(found, denoise(image / 255, "nlm", 25.0) * 255)
    assert np.abs(found - classical_restoration("nlm", 10.0)(image)).max() > 1


def test_csv_has_a_row_for_every_picture(folder: Path) -> None:
    images = list(evaluate(bicubic(2), find_dataset(folder), 2, FIELD))
    path = folder / "scores.csv"
    write_csv([Evaluation("bicubic", "set", FIELD, "f64", images)], path)
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["method"], row["protocol"], row["name"]) for row in rows] == [
        ("bicubic", "field", "a"),
        ("bicubic", "field", "b"),
    ]
    assert float(rows[1]["psnr_y"]) == images[1].psnr_y


def test_a_file_name_need_not_be_valid_text(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    """Its noise goes by its bytes, and the CSV names it as the command line does."""
    write(tmp_path / "caf\udce9.png", Picture(photo[:40, :40]))
    images = list(evaluate(unchanged, find_dataset(tmp_path), 1, denoising(25)))
    write_csv([Evaluation("none", "set", FIELD, "f64", images)], tmp_path / "scores.csv")
    assert r",caf\udce9," in (tmp_path / "scores.csv").read_text(encoding="utf-8")


def test_jpegs_are_scored_with_psnr_b_and_their_hash(
    folder: Path, photo: NDArray[np.uint8]
) -> None:
    protocol = evaluation_protocol("dejpeg", quality=20)
    images = list(evaluate(unchanged, find_dataset(folder), 1, protocol))
    digests = []
    for image, top in zip(images, (0, 200), strict=True):
        truth = photo[top : top + 61, 100:180]
        case = protocol.case(truth, None, 1)
        assert case.encoded is not None
        digests.append(hashlib.sha256(case.encoded).hexdigest())
        scores = protocol.score(case.lr, truth, 1)
        assert (image.psnr, image.psnr_y, image.ssim, image.psnr_b) == scores
        assert image.psnr_b is not None
        assert image.psnr_b < image.psnr_y
    assert [image.encoded for image in images] == digests
    evaluation = Evaluation("jpeg", "set", protocol, "f64", images)
    score = to_score(evaluation)
    assert score.encoded == hashlib.sha256("".join(digests).encode()).hexdigest()
    assert score.psnr_b == pytest.approx(np.mean([image.psnr_b for image in images]), abs=1e-4)
    write_csv([evaluation], folder / "scores.csv")
    with (folder / "scores.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["encoded"] for row in rows] == digests
    assert float(rows[0]["psnr_b"]) == images[0].psnr_b


def test_without_jpeg_there_is_neither(folder: Path) -> None:
    images = list(evaluate(unchanged, find_dataset(folder), 1, denoising(25)))
    score = to_score(Evaluation("noisy", "set", denoising(25), "f64", images))
    assert (score.psnr_b, score.encoded) == (None, None)
    assert images[0].psnr == pytest.approx(20.4, abs=0.4)


@pytest.mark.parametrize("grey", [False, True])
def test_noise_reaches_the_network_unclipped(photo: NDArray[np.uint8], grey: bool) -> None:
    seen: list[NDArray[np.float32]] = []

    class Spy:
        """A network of scale 1 that changes nothing."""

        scale, channels, multiple, tiling = 1, 3, 1, "exact"
        architecture, settings = "original", {}

        def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
            seen.append(image.copy())
            return image

        def free_memory(self) -> int:
            return 2**32

    spy: Any = Spy()
    picture = photo[:40, :48].copy()
    picture[:, :24], picture[:, 24:] = (5, 5, 6), (255, 254, 255)
    protocol = denoising(25, grey=grey)
    noisy, truth = protocol.prepare(picture, None, 1, "name")
    restored = restoration(Restorer("spy", spy, spy, tile=None))(noisy)
    (given,) = seen
    assert given.min() < -0.1
    assert given.max() > 1.1
    np.testing.assert_allclose(given[0].transpose(1, 2, 0) * 255, noisy, atol=1e-4)
    np.testing.assert_allclose(restored, noisy.clip(0, 255), atol=1e-4)
    restored_scores, noisy_scores = (protocol.score(each, truth, 1) for each in (restored, noisy))
    assert restored_scores[:3] == pytest.approx(noisy_scores[:3])


def test_pictures_of_8_bits_are_restored_as_such(
    small_release: Path, photo: NDArray[np.uint8]
) -> None:
    restorer = load(small_release)
    found = restoration(restorer)(photo[:20, :20])
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, restorer.restore(photo[:20, :20]))


def test_a_wrong_low_resolution_picture_is_named(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    for part, picture in (("HR", photo[:64, :64]), ("LR_bicubic/X2", photo[:20, :32])):
        (tmp_path / part).mkdir(parents=True)
        name = "a.png" if part == "HR" else "ax2.png"
        write(tmp_path / part / name, Picture(picture))
    with pytest.raises(ScalewiseError, match=r"ax2\.png: 32x20; x2 of its HR \(64x64\) is 32x32"):
        list(evaluate(bicubic(2), find_dataset(tmp_path), 2, FIELD))
