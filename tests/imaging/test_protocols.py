"""The protocols, held by the field's published bicubic scores and by hand-made cases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scalewise.errors import ScalewiseError
from scalewise.files import read
from scalewise.imaging.colour import BT601, FULL_RANGE_BT601, rgb_to_y, to_rgb
from scalewise.imaging.metrics import psnr, psnr_b, ssim
from scalewise.imaging.protocols import (
    FIELD,
    PROTOCOLS,
    SQUASH256,
    Degraded,
    Protocol,
    Scores,
    squashing,
)
from scalewise.imaging.resize import imresize

Pixels = NDArray[np.uint8]


def pairs(dataset: Path, scale: int) -> Iterator[tuple[Pixels, Pixels]]:
    """Each HR image of a set with its published LR."""
    for path in sorted((dataset / "HR").iterdir()):
        (lr_path,) = (dataset / "LR_bicubic" / f"X{scale}").glob(f"{path.stem}*")
        yield read(path).pixels, read(lr_path).pixels


def bicubic_scores(protocol: Protocol, hr: Pixels, lr: Pixels | None, scale: int) -> Scores:
    given, truth = protocol.prepare(hr, lr, scale)
    return protocol.score(imresize(given, float(scale)), truth, scale)


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize(("name", "expected"), [("Set5", 33.67), ("Set14", 30.33)])
def test_bicubic_x2_scores_what_the_field_says(
    shared_data: Path, name: str, expected: float, published: bool
) -> None:
    scores = [
        bicubic_scores(FIELD, hr, lr if published else None, 2)
        for hr, lr in pairs(shared_data / "eval" / name, 2)
    ]
    assert np.mean([score.psnr_y for score in scores]) == pytest.approx(expected, abs=0.01)


def test_set14_with_its_grey_picture_compared_directly(shared_data: Path) -> None:
    values = []
    for hr, lr in pairs(shared_data / "eval" / "Set14", 2):
        given, truth = FIELD.prepare(hr, lr, 2)
        restored = imresize(given, 2.0)
        if hr.shape[2] == 1:
            values.append(psnr(restored[2:-2, 2:-2], truth[2:-2, 2:-2]))
            detour = FIELD.score(restored, truth, 2).psnr_y - values[-1]
            assert detour == pytest.approx(20 * np.log10(255 / 219), abs=1e-6)
        else:
            values.append(FIELD.score(restored, truth, 2).psnr_y)
    assert np.mean(values) == pytest.approx(30.23, abs=0.01)


def test_bicubic_x2_scores_what_the_document_says(shared_data: Path) -> None:
    # With the published LR; HR squashed whole, not cropped to even sizes first (29.46, 31.21).
    scores = [
        bicubic_scores(SQUASH256, hr, lr, 2) for hr, lr in pairs(shared_data / "eval" / "Set14", 2)
    ]
    assert np.mean([score.psnr for score in scores]) == pytest.approx(29.12, abs=0.01)
    assert np.mean([score.psnr_y for score in scores]) == pytest.approx(30.88, abs=0.01)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_field_prepares_a_cropped_pair(photo: Pixels, scale: int) -> None:
    hr = photo[:50, :71]
    lr, truth = FIELD.prepare(hr, None, scale)
    height, width = 50 // scale, 71 // scale
    np.testing.assert_array_equal(truth, hr[: height * scale, : width * scale])
    np.testing.assert_array_equal(lr, imresize(truth, 1 / scale))
    given = np.zeros_like(lr)
    assert FIELD.prepare(hr, given, scale)[0] is given


def test_field_scores_by_its_definition(photo: Pixels) -> None:
    truth = photo[:64, :80]
    restored = truth + np.random.default_rng(0).normal(0, 30, truth.shape)
    eight_bit = np.rint(restored.clip(0, 255)).astype(np.uint8)
    inside = (slice(3, -3), slice(3, -3))
    y, y_truth = rgb_to_y(eight_bit)[inside], rgb_to_y(truth)[inside]
    compared = ((eight_bit[inside], truth[inside]), (y, y_truth))
    expected = (*(psnr(*pair, 255) for pair in compared), ssim(y, y_truth, 255))
    assert FIELD.score(restored, truth, 3)[:3] == pytest.approx(expected)
    assert FIELD.score(restored, truth, 3).psnr_b is None
    assert FIELD.score(eight_bit, truth, 3) == FIELD.score(restored, truth, 3)


def test_the_border_does_not_count(photo: Pixels) -> None:
    truth = photo[:64, :64]
    for protocol, border in ((FIELD, 2), (SQUASH256, 4)):
        degraded = np.zeros_like(truth)
        degraded[border:-border, border:-border] = truth[border:-border, border:-border]
        assert protocol.score(degraded, truth, 2) == (float("inf"), float("inf"), 1, None)
        degraded[border, border] ^= 255
        assert protocol.score(degraded, truth, 2).psnr < 60


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=lambda protocol: protocol.name)
def test_grey_goes_by_way_of_rgb(protocol: Protocol, photo: Pixels) -> None:
    truth = photo[:64, :64, 1]
    restored = truth ^ 4
    as_rgb = protocol.score(to_rgb(restored), to_rgb(truth), 2)
    assert protocol.score(restored, truth, 2) == as_rgb
    assert protocol.score(restored[..., None], to_rgb(truth), 2) == as_rgb


def test_squash_is_pillows(photo: Pixels) -> None:
    hr = photo[:301, :420]
    lr, truth = SQUASH256.prepare(hr, None, 2)
    small = Image.fromarray(imresize(hr[:300], 0.5))
    for ours, image, side in ((lr, small, 256), (truth, Image.fromarray(hr), 512)):
        theirs = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR))
        assert ours.shape == theirs.shape
        assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_squashing_to_another_side(photo: Pixels) -> None:
    protocol = squashing(32)
    lr, truth = protocol.prepare(photo[:301, :420], None, 2)
    assert (lr.shape, truth.shape) == ((32, 32, 3), (64, 64, 3))
    assert "squash32: input squashed to 32x32 and ground truth to 64x64" in protocol.description
    assert squashing(256) == SQUASH256
    for given, again in zip((lr, truth), protocol.prepare(truth, lr, 2), strict=True):
        np.testing.assert_array_equal(given, again)  # what is squashed stays as it is


def test_squash_weighs_luma_as_the_document_does() -> None:
    truth = np.zeros((64, 64, 3), np.uint8)
    restored = truth.copy()
    restored[..., 0] = 100
    expected = 20 * np.log10(255 / (0.257 * 100))
    assert SQUASH256.score(restored, truth, 2).psnr_y == pytest.approx(expected)


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=lambda protocol: protocol.name)
def test_a_low_resolution_picture_of_another_scale_is_an_error(protocol: Protocol) -> None:
    with pytest.raises(ScalewiseError, match="21x20 where 32x30 belongs"):
        protocol.prepare(np.zeros((60, 64, 3), np.uint8), np.zeros((20, 21, 3), np.uint8), 2)


def test_other_mistakes() -> None:
    with pytest.raises(ScalewiseError, match="x2 only"):
        SQUASH256.prepare(np.zeros((60, 60, 3), np.uint8), None, 4)
    with pytest.raises(ScalewiseError, match="too small for x4"):
        FIELD.prepare(np.zeros((60, 3, 3), np.uint8), None, 4)
    small = np.zeros((14, 40, 3), np.uint8)
    with pytest.raises(ScalewiseError, match="too small to score"):
        FIELD.score(small, small, 2)
    with pytest.raises(ValueError, match="restored image is 40x40, the ground truth 40x38"):
        FIELD.score(np.zeros((40, 40, 3)), np.zeros((38, 40, 3), np.uint8), 2)


@pytest.mark.parametrize("grey", [False, True])
def test_faults_come_after_reducing_and_go_by_the_name(photo: Pixels, grey: bool) -> None:
    given: list[tuple[Pixels, str]] = []

    def degrade(picture: Pixels, name: str) -> Degraded:
        given.append((picture, name))
        return Degraded(picture + 0.25, b"file")

    hr = to_rgb(photo[:50, :71, 0]) if grey else photo[:50, :71]
    protocol = replace(FIELD, degrade=degrade)
    case = protocol.case(hr, None, 2, "folder/name")
    lr = imresize(hr[:50, :70], 0.5)
    ((picture, name),) = given
    assert name == "folder/name"
    np.testing.assert_array_equal(picture, lr[..., :1] if grey else lr)
    np.testing.assert_array_equal(case.lr, lr + 0.25)
    np.testing.assert_array_equal(case.truth, hr[:50, :70])
    assert case.encoded == b"file"
    assert protocol.prepare(hr[..., 0], lr[..., 0], 2)[0].shape == (25, 35)


def test_pictures_are_made_grey_in_all_their_channels(photo: Pixels) -> None:
    hr = photo[:20, :30]
    lr, truth = replace(FIELD, to_grey=BT601).prepare(hr, None, 1)
    np.testing.assert_array_equal(truth, to_rgb(np.rint(rgb_to_y(hr)).astype(np.uint8)))
    np.testing.assert_array_equal(lr, truth)
    np.testing.assert_array_equal(replace(FIELD, to_grey=BT601).prepare(truth, None, 1)[1], truth)


def test_grey_may_be_its_own_luma(photo: Pixels) -> None:
    truth = photo[:64, :80, 1]
    restored = truth ^ 4
    protocol = replace(FIELD, border=0, grey_luma=FULL_RANGE_BT601, blocks=True)
    expected = (20 * np.log10(255 / 4),) * 2
    expected += (ssim(restored, truth), psnr_b(restored, truth))
    assert protocol.score(restored, truth, 1) == pytest.approx(expected)
    colour = photo[:64, :80]
    scores, field = (each.score(colour ^ 4, colour, 1) for each in (protocol, FIELD))
    assert scores.psnr_y == pytest.approx(field.psnr_y, abs=0.05)  # which leaves out a border


def test_every_protocol_describes_itself_in_one_line() -> None:
    assert PROTOCOLS == {"field": FIELD, "squash256": SQUASH256}
    for protocol in PROTOCOLS.values():
        assert protocol.name in protocol.description
        assert "\n" not in protocol.description
