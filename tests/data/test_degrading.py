"""Degradation of training patches: JPEG as it is, noise as drawn, a grid that begins anywhere."""

from __future__ import annotations

import io
import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scalewise.data.degrading import PatchDegradation
from scalewise.errors import ScalewiseError
from scalewise.imaging.colour import BT601, rgb_to_y
from scalewise.imaging.degradations import jpeg
from scalewise.imaging.jpeg_codec import jpeg_batch
from scalewise.imaging.resize import imresize
from scalewise.tasks import get_task

Pixels = NDArray[np.uint8]


def generators(count: int, seed: int = 0) -> list[np.random.Generator]:
    return [np.random.default_rng([seed, number]) for number in range(count)]


def patches_of(photo: Pixels, count: int, side: int, multiple: int = 1) -> Pixels:
    places = np.random.default_rng(1).integers((512 - side) // multiple, size=(count, 2)) * multiple
    return np.stack([photo[top : top + side, left : left + side] for top, left in places.tolist()])


def test_a_batch_of_jpegs_is_each_ones_jpeg(photo: Pixels) -> None:
    patches = patches_of(photo, 120, 48)
    random = np.random.default_rng(2)
    quality, halved = random.integers(1, 101, 120), random.random(120) < 0.5
    coded = jpeg_batch(patches, quality, halved)
    assert coded.dtype == np.uint8
    beyond = 0
    for ours, patch, each, half in zip(coded, patches, quality.tolist(), halved, strict=True):
        theirs = jpeg(patch, each, "4:2:0" if half else "4:4:4")
        beyond += np.count_nonzero(np.abs(ours.astype(int) - theirs) > 1)
    assert beyond <= 20  # of 829,440: where a coefficient lies between two of its steps
    assert jpeg_batch(patches[:0], quality[:0], halved[:0]).shape == (0, 48, 48, 3)


def test_how_a_patch_is_degraded_does_not_depend_on_the_others(photo: Pixels) -> None:
    patches = patches_of(photo, 12, 64)
    for degradation in (
        PatchDegradation(),
        PatchDegradation(sigma=(0, 50), grey=0.15),
        PatchDegradation(sigma=(0, 10), quality=(60, 95), clean=0.15),
        PatchDegradation(sigma=(0, 40), quality=(60, 95), grey=0.3, sensor=0.5),
        PatchDegradation(sigma=(0, 10), quality=(60, 95), clean=0.15, webp=0.3, avif=0.1),
    ):
        together = degradation.degrade(patches, generators(12))
        alone = [degradation.degrade(patches[n : n + 1], [generators(12)[n]]) for n in range(12)]
        np.testing.assert_array_equal(together, np.concatenate(alone))
        assert degradation == PatchDegradation() or np.any(
            together != degradation.degrade(patches, generators(12, seed=1))
        )


def test_noise_is_of_every_strength_and_not_clipped() -> None:
    patches = np.full((600, 24, 24, 3), 250, np.uint8)
    noisy = PatchDegradation(sigma=(10, 50)).degrade(patches, generators(600))
    assert noisy.dtype == np.float32
    assert noisy.max() > 300
    assert np.any(noisy != np.rint(noisy))
    strengths = np.std(noisy - 250.0, axis=(1, 2, 3))
    assert 9 < strengths.min() < 12
    assert 48 < strengths.max() < 53
    assert np.mean(strengths) == pytest.approx(30, abs=1.5)
    assert np.std(strengths) == pytest.approx(40 / 12**0.5, abs=1)  # a uniform one's
    assert np.mean(noisy) == pytest.approx(250, abs=0.15)
    one = (noisy[0] - 250.0).reshape(-1, 3)
    assert abs(np.corrcoef(one.T)[0, 1]) < 0.15  # the channels' noise is their own


def test_a_share_of_the_patches_stays_clean(photo: Pixels) -> None:
    patches = patches_of(photo, 400, 16)
    for degradation in (
        PatchDegradation(sigma=(5, 10), clean=0.25),
        PatchDegradation(sigma=(5, 10), quality=(10, 20), clean=0.25),
    ):
        degraded = degradation.degrade(patches, generators(400))
        clean = np.all(degraded == patches, axis=(1, 2, 3))
        assert np.mean(clean) == pytest.approx(0.25, abs=0.07)


def test_a_share_of_the_patches_is_made_grey_with_grey_noise() -> None:
    large = np.random.default_rng(0).integers(50, 200, (300, 64, 64, 3), np.uint8)
    small = np.ascontiguousarray(large[:, ::2, ::2])
    for degradation in (
        PatchDegradation(sigma=(5, 10), grey=0.3),
        PatchDegradation(sigma=(5, 10), quality=(30, 90), grey=0.3),
    ):
        degraded, target = degradation.degrade_pairs(small, large, 16, generators(300))
        grey = np.all(target == target[..., :1], axis=(1, 2, 3))
        assert np.mean(grey) == pytest.approx(0.3, abs=0.08)
        np.testing.assert_array_equal(np.all(degraded == degraded[..., :1], axis=(1, 2, 3)), grey)
    _, target = PatchDegradation(sigma=(5, 10), grey=0.3).degrade_pairs(
        small, large, 16, generators(300)
    )
    luma = np.rint(large @ np.array([0.299, 0.587, 0.114]))
    chosen = np.any(target != large, axis=(1, 2, 3))
    np.testing.assert_allclose(target[chosen][..., 0], luma[chosen], atol=1)


def test_a_share_of_the_noise_is_that_of_a_sensor() -> None:
    patches = np.full((300, 24, 24, 3), 128, np.uint8)
    degradation = PatchDegradation(sigma=(20, 20), sensor=0.3)
    noise = degradation.degrade(patches, generators(300)).astype(float) - 128
    shared = np.mean(noise[:, 1:] * noise[:, :-1], axis=(1, 2, 3)) / 400
    assert np.mean(shared > 0.3) == pytest.approx(0.3, abs=0.06)
    assert np.all((shared > 0.3) | (np.abs(shared) < 0.15))  # the others' pixels have their own
    np.testing.assert_allclose(noise.std(axis=(1, 2, 3)), 20, rtol=0.12)


def test_noise_of_a_sensor_comes_before_the_jpeg() -> None:
    patches = np.full((40, 24, 24, 3), 128, np.uint8)
    degradation = PatchDegradation(sigma=(30, 30), quality=(10, 10), sensor=1)
    coded = degradation.degrade(patches, generators(40))
    again = [jpeg(patch, 10, "4:4:4").astype(int) for patch in coded]
    assert np.mean(np.abs(coded - np.stack(again)).max(axis=(1, 2, 3)) <= 2) > 0.4  # not 4:2:0


def test_shares_of_the_compressed_patches_are_webp_and_avif(photo: Pixels) -> None:
    patches = patches_of(photo, 150, 56)
    degradation = PatchDegradation(quality=(60, 95), clean=0.2, webp=0.3, avif=0.2)
    as_jpeg = PatchDegradation(quality=(60, 95), clean=0.2)
    coded = degradation.degrade(patches, generators(150))
    differs = np.any(coded != as_jpeg.degrade(patches, generators(150)), axis=(1, 2, 3))
    assert np.mean(differs) == pytest.approx(0.8 * 0.5, abs=0.08)  # the others stay JPEGs, or clean
    errors = np.sqrt(np.mean((coded - patches.astype(float)) ** 2, axis=(1, 2, 3)))
    assert 0.7 < np.median(errors[differs]) / np.median(errors[~differs & (errors > 0)]) < 1.5


@pytest.mark.parametrize(("codec", "quality"), [("WebP", 40), ("AVIF", 45)])
def test_webp_and_avif_are_as_visible_as_jpeg(photo: Pixels, codec: str, quality: int) -> None:
    patches = patches_of(photo, 1, 56)
    degradation = PatchDegradation(quality=(60, 60), **{codec.lower(): 1})
    coded = degradation.degrade(patches, generators(1))
    image = Image.fromarray(patches[0])
    file = io.BytesIO()
    image.save(file, codec, quality=quality)
    file.seek(0)
    theirs = np.asarray(Image.open(file).convert("RGB"))
    assert np.mean(np.abs(coded[0] - theirs.astype(float))) < 0.35 * np.mean(
        np.abs(patches[0] - theirs.astype(float))
    )


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"webp": 0.7, "avif": 0.4}, "more than 1 together: 0.7 and 0.4"),
        ({"webp": 0.7, "quality": None}, "take the place of JPEG"),
        ({"avif": -1}, "avif"),
    ],
)
def test_wrong_shares_are_refused(shares: dict[str, Any], message: str) -> None:
    with pytest.raises(ScalewiseError, match=message):
        PatchDegradation(**{"quality": (60, 95), **shares})


def test_noise_comes_before_the_jpeg_or_after_it() -> None:
    patches = np.full((200, 16, 16, 3), 128, np.uint8)
    photo = PatchDegradation(sigma=(10, 10), quality=(50, 50))
    degraded = photo.degrade(patches, generators(200))
    assert degraded.dtype == np.uint8
    strengths = np.std(degraded.astype(float), axis=(1, 2, 3))
    coded = strengths < 7.5  # a JPEG takes half of the noise away
    assert np.mean(coded) == pytest.approx(0.5, abs=0.12)
    assert strengths[coded].min() > 2
    assert np.all(np.abs(strengths[~coded] - 10) < 1.5)


def test_jpegs_are_of_every_quality_and_both_kinds() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    patches = np.stack([np.stack([ramp, ramp.T, 255 - ramp], axis=-1)] * 300)
    degraded = PatchDegradation(quality=(50, 53)).degrade(patches, generators(300))
    kinds = {each.tobytes(): each for each in degraded}
    expected = {
        jpeg_batch(patches[:1], np.array([quality]), np.array([halved])).tobytes()
        for quality in (50, 51, 52, 53)
        for halved in (False, True)
    }
    assert set(kinds) == expected


@pytest.mark.parametrize("patch", [8, 40, 48, 49, 64])
def test_there_is_room_for_every_place_on_the_grid(patch: int) -> None:
    assert PatchDegradation(sigma=(0, 50)).side(patch) == patch
    side = PatchDegradation(quality=(10, 95)).side(patch)
    assert side % 16 == 0
    assert patch + 15 <= side < patch + 31


def test_the_grid_may_begin_anywhere(photo: Pixels) -> None:
    degradation = PatchDegradation(quality=(5, 5))
    patches = patches_of(photo, 300, degradation.side(40))
    degraded, clean = degradation.degrade_pairs(patches, patches, 40, generators(300))
    assert degraded.shape == clean.shape == (300, 40, 40, 3)
    for axis in (1, 2):
        jumps = np.abs(np.diff(degraded.astype(float), axis=axis))
        profile = jumps.mean(axis=(3 - axis, 3))
        phases = np.stack([profile[:, phase:39:8].mean(axis=1) for phase in range(8)], axis=1)
        counts = np.bincount(phases.argmax(axis=1), minlength=8)
        assert counts.min() > 15  # 38 expected


@pytest.mark.parametrize("scale", [1, 2])
def test_both_patches_show_the_same_place(photo: Pixels, scale: int) -> None:
    degradation = PatchDegradation(quality=(100, 100))
    side = degradation.side(24)
    large = patches_of(photo, 40, side * scale)
    small = np.stack([imresize(each, 1 / scale) for each in large])
    lr, hr = degradation.degrade_pairs(small, large, 24, generators(40))
    assert hr.shape == (40, 24 * scale, 24 * scale, 3)
    inside = slice(3, -3)  # beyond the reach of the patch's own border
    for ours, truth in zip(lr, hr, strict=True):
        made = rgb_to_y(imresize(truth, 1 / scale), BT601)  # the chroma may be halved
        assert np.abs(made - rgb_to_y(ours, BT601))[inside, inside].mean() < 1


@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize(
    "degradation",
    [
        PatchDegradation(sigma=(5, 50), grey=0.5),
        PatchDegradation(sigma=(0, 10), quality=(60, 95), grey=0.5),
    ],
)
def test_the_clean_lr_comes_last_and_shows_the_same_place(
    photo: Pixels, degradation: PatchDegradation, scale: int
) -> None:
    small = patches_of(photo, 20, degradation.side(24))
    large = small.repeat(scale, axis=1).repeat(scale, axis=2)
    without = degradation.degrade_pairs(small, large, 24, generators(20), 255 - large)
    lr, hr, taught, clean = degradation.degrade_pairs(
        small, large, 24, generators(20), 255 - large, clean_lr=True
    )
    for ours, before in zip((lr, hr, taught), without, strict=True):
        np.testing.assert_array_equal(ours, before)
    np.testing.assert_array_equal(clean, hr[:, ::scale, ::scale])
    grey = (clean == clean[..., :1]).all(axis=(1, 2, 3))
    assert 0 < grey.sum() < 20
    assert np.abs(lr - clean.astype(float)).mean() > 1


@pytest.mark.parametrize(
    ("task", "count", "patch", "scale"),
    [("denoise", 8, 64, 1), ("dejpeg", 8, 64, 1), ("photo", 16, 48, 2)],
)
def test_a_batch_takes_under_a_tenth_of_a_step(
    photo: Pixels, task: str, count: int, patch: int, scale: int
) -> None:
    degradation = PatchDegradation.of(get_task(task))
    side = degradation.side(patch)
    small, large = patches_of(photo, count, side), patches_of(photo, count, side * scale)
    spent: list[float] = []
    for _ in range(10):
        randoms = generators(count)
        started = time.process_time()
        degradation.degrade_pairs(small, large, patch, randoms)
        spent.append(time.process_time() - started)
    assert min(spent) < 0.05  # of 0.2 to 0.6 s on two cores; 1 to 4 ms measured, 30 on a slow day
