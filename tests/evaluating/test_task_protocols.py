"""Evaluation protocols of degraded images, held by published figures and banked values."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scalewise.errors import ScalewiseError
from scalewise.evaluating.task_protocols import evaluation_protocol
from scalewise.files import read
from scalewise.files.jpeg import decode_jpeg, encode_jpeg, encoder_name
from scalewise.imaging.colour import to_rgb
from scalewise.imaging.degradations import Degradation, seed_of
from scalewise.imaging.metrics import psnr
from scalewise.imaging.protocols import FIELD, Protocol, Scores, denoising
from scalewise.imaging.resize import imresize
from scalewise.tasks import get_task

Pixels = NDArray[np.uint8]

BANKED_FOR = "libvips 8.18.7"
PHOTO = evaluation_protocol("photo")


def deblocking(quality: int, subsampling: str = "4:2:0", grey: bool = False) -> Protocol:
    return evaluation_protocol("dejpeg", quality=quality, subsampling=subsampling, grey=grey)


def means_of_inputs(protocol: Protocol, folder: Path) -> tuple[Scores, str]:
    """The mean scores of a set's degraded images, as they are, and one hash for their files."""
    scores: list[Scores] = []
    digests = ""
    for path in sorted((folder / "HR").iterdir()):
        case = protocol.case(to_rgb(read(path).pixels), None, 1, path.stem)
        scores.append(protocol.score(case.lr, case.truth, 1))
        digests += "" if case.encoded is None else hashlib.sha256(case.encoded).hexdigest()
    columns = zip(*((value or 0.0 for value in each) for each in scores), strict=True)
    return Scores(*(float(np.mean(column)) for column in columns)), digests


@pytest.mark.parametrize(
    ("quality", "level", "similarity", "level_b", "digest"),
    [
        (10, 27.82, 0.760, 25.21, "99cd639b1028540611a63139857ee2f5"),
        (20, 30.12, 0.834, 27.50, "3399f1a9cb1dc8e0e9c2332a255634f1"),
        (30, 31.48, 0.867, 28.94, "aaf9f923837c4e78707b5ba8423c2a99"),
        (40, 32.43, 0.885, 29.92, "db2def7903154ed1ee10e34457fa8b7e"),
    ],
)
def test_jpeg_on_classic5_scores_what_the_field_says(
    shared_data: Path, quality: int, level: float, similarity: float, level_b: float, digest: str
) -> None:
    scores, digests = means_of_inputs(deblocking(quality), shared_data / "eval" / "classic5")
    assert scores.psnr == pytest.approx(level, abs=0.005)
    assert scores.psnr_y == pytest.approx(level, abs=0.005)
    assert scores.ssim == pytest.approx(similarity, abs=0.001)
    assert scores.psnr_b == pytest.approx(level_b, abs=0.005)
    if not hashlib.sha256(digests.encode()).hexdigest().startswith(digest):
        assert encoder_name() != BANKED_FOR
        pytest.skip(f"{encoder_name()} yields other bytes than {BANKED_FOR}, and the same scores")


def test_bicubic_on_photos_of_set14(shared_data: Path) -> None:
    values: list[float] = []
    for path in sorted((shared_data / "eval" / "Set14" / "HR").iterdir()):
        lr, truth = PHOTO.prepare(to_rgb(read(path).pixels), None, 2, path.stem)
        values.append(PHOTO.score(imresize(lr, 2.0), truth, 2).psnr_y)
    assert np.mean(values) == pytest.approx(29.06, abs=0.02)  # 30.33 without noise and JPEG


@pytest.mark.parametrize("sigma", [15, 25, 50])
def test_noise_on_kodak24_has_its_strength(shared_data: Path, sigma: int) -> None:
    path = sorted((shared_data / "eval" / "Kodak24" / "HR").iterdir())[0]
    noisy, truth = denoising(sigma).prepare(read(path).pixels, None, 1, path.stem)
    assert psnr(noisy, truth, 255) == pytest.approx(20 * np.log10(255 / sigma), abs=0.02)


def test_noise_goes_by_the_stem_for_ever() -> None:
    flat = np.full((2, 3, 3), (128, 128, 127), np.uint8)
    noisy, _ = denoising(25).prepare(flat, None, 1, "baby")
    assert noisy.dtype == np.float64
    assert seed_of("baby") == 11802308372869764275
    assert seed_of("caf\udce9") == seed_of("HR/caf\udce9") != seed_of("caf\udce8")
    expected = [144.0964, 92.0409]
    np.testing.assert_allclose(noisy.reshape(-1)[:2], expected, atol=1e-4)
    np.testing.assert_array_equal(denoising(25).prepare(flat, None, 1, "HR/baby")[0], noisy)
    assert (denoising(25).prepare(flat, None, 1, "bird")[0] != noisy).all()
    stronger, _ = denoising(50).prepare(flat, None, 1, "baby")
    np.testing.assert_allclose(stronger - flat, 2 * (noisy - flat))


def test_grey_pictures_have_grey_noise(photo: Pixels) -> None:
    grey = to_rgb(photo[:32, :40, 1])
    noisy, truth = denoising(25).prepare(grey, None, 1, "a")
    assert (noisy == noisy[..., :1]).all()
    np.testing.assert_array_equal(truth, grey)
    scores = denoising(25).score(noisy, truth, 1)
    assert scores.psnr_y == pytest.approx(scores.psnr, abs=1e-6)
    coloured, _ = denoising(25).prepare(photo[:32, :40], None, 1, "a")
    assert (np.ptp(coloured - photo[:32, :40], axis=2) > 0).all()


def test_colour_may_be_made_grey(photo: Pixels) -> None:
    hr = photo[:32, :40]
    theirs = np.asarray(Image.fromarray(hr).convert("L"))  # full range
    truth = denoising(25, grey=True).prepare(hr, None, 1)[1]
    assert np.abs(truth - to_rgb(theirs).astype(int)).max() <= 1
    limited = deblocking(10, grey=True).prepare(hr, None, 1)[1]
    np.testing.assert_allclose(limited, 16 + 219 / 255 * truth, atol=1.1)


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_jpeg_is_what_a_file_would_be(photo: Pixels, subsampling) -> None:
    hr = photo[100:161, 100:180]
    case = deblocking(30, subsampling).case(hr, None, 1, "a")
    assert case.encoded is not None
    decoded = np.asarray(Image.open(io.BytesIO(case.encoded)))
    assert psnr(case.lr, decoded) > 60
    assert case.lr.dtype == np.uint8
    np.testing.assert_array_equal(case.truth, hr)
    again = deblocking(30, subsampling).case(hr, None, 1, "another")
    assert again.encoded == case.encoded


def test_photo_is_reduced_then_noisy_then_a_jpeg(photo: Pixels) -> None:
    hr = photo[:121, :140]
    small = imresize(hr[:120], 0.5)
    noisy = small + np.random.default_rng(seed_of("a")).normal(0, 5, small.shape)
    expected = encode_jpeg(np.rint(noisy).clip(0, 255).astype(np.uint8), 77, "4:2:0")
    case = PHOTO.case(hr, None, 2, "folder/a")
    assert case.encoded == expected
    np.testing.assert_array_equal(case.lr, decode_jpeg(expected))
    np.testing.assert_array_equal(case.truth, hr[:120])
    published = PHOTO.case(hr, small, 2, "a")
    assert published.encoded == expected


def test_a_degradation_of_no_strength_changes_nothing(photo: Pixels) -> None:
    pixels, encoded = Degradation()(photo, "a")
    assert encoded is None
    np.testing.assert_array_equal(pixels, photo)


@pytest.mark.parametrize(
    ("protocol", "name", "parts"),
    [
        (denoising(25), "denoise25", ["sigma 25", "not clipped"]),
        (denoising(7.5, grey=True), "denoise7.5-grey", ["sigma 7.5", "made grey"]),
        (deblocking(10), "jpeg10", ["quality 10", "chroma 4:2:0", "libvips", "PSNR-B"]),
        (deblocking(40, "4:4:4"), "jpeg40-444", ["chroma 4:4:4"]),
        (deblocking(10, grey=True), "jpeg10-grey", ["made grey"]),
        (PHOTO, "photo", ["sigma 5", "quality 77, chroma 4:2:0", "as field: "]),
    ],
)
def test_every_protocol_describes_itself(protocol: Protocol, name: str, parts: list[str]) -> None:
    assert protocol.name == name
    assert protocol.description.startswith(f"protocol {name}: ")
    assert "\n" not in protocol.description
    for part in parts:
        assert part in protocol.description
    assert ("chroma" in protocol.description) == ("jpeg" in name or name == "photo") or (
        protocol.to_grey is not None
    )


@pytest.mark.parametrize(
    ("protocol", "scale"), [(denoising(25), 2), (deblocking(10), 4), (PHOTO, 1)]
)
def test_each_is_for_one_scale(protocol: Protocol, scale: int) -> None:
    with pytest.raises(ScalewiseError, match=f"for x{protocol.only_scale} only, not x{scale}"):
        protocol.prepare(np.zeros((64, 64, 3), np.uint8), None, scale)


def test_strengths_of_noisy_jpegs_are_in_the_name_of_their_protocol() -> None:
    usual, other = evaluation_protocol("noisy-jpeg"), evaluation_protocol("noisy-jpeg", sigma=10)
    assert (usual.name, other.name) == ("noisy-jpeg-20-74", "noisy-jpeg-10-74")
    assert "Gaussian noise of sigma 10, then JPEG quality 74" in other.description
    assert usual.only_scale == 1
    options = get_task("noisy-jpeg").options
    chosen = {name: option.default for name, option in options.items()}
    assert evaluation_protocol("noisy-jpeg", **chosen).description == usual.description


def test_noise_of_a_sensor_is_another_protocol(photo: NDArray[np.uint8]) -> None:
    usual, sensor = (evaluation_protocol("noisy-jpeg", sensor=each) for each in (False, True))
    assert sensor.name == "noisy-jpeg-20-74-sensor"
    assert "input sensor noise of sigma 20, then JPEG quality 74" in sensor.description
    for image in (photo, photo[..., :1]):
        made, others = (each.degrade(image, "a").pixels for each in (sensor, usual) if each.degrade)
        assert made.shape == image.shape
        assert psnr(made, image) < 31  # more of it survives the JPEG's coarse chroma
        assert not np.array_equal(made, others)


def test_runs_are_validated_with_their_share_of_sensors() -> None:
    task = get_task("noisy-jpeg")
    assert task.training is not None
    mixed = task.make_validation_protocol(replace(task.training, sensor=0.5))
    assert "sensor (50%) or Gaussian noise of sigma 20" in mixed.description
    degrade = Degradation(20, sensor=0.5)
    flat = np.full((64, 64, 3), 128, np.uint8)
    noise = np.stack([degrade(flat, f"{number}").pixels - 128.0 for number in range(40)])
    shared = np.mean(noise[:, 1:] * noise[:, :-1], axis=(1, 2, 3)) / 400
    assert 10 <= np.sum(shared > 0.3) <= 30
    assert np.all((shared > 0.3) | (np.abs(shared) < 0.1))


def test_super_resolution_is_measured_by_what_is_asked_for() -> None:
    assert evaluation_protocol("super-resolution") is FIELD
    assert evaluation_protocol("upscale", protocol="squash256").name == "squash256"
    with pytest.raises(ScalewiseError, match="sigma is for denoise and noisy-jpeg, not for dejpeg"):
        evaluation_protocol("dejpeg", sigma=25)
