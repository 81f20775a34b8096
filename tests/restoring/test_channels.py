"""Channels and alpha: grey stays neutral, alpha leaves no fringes, opaque alpha is nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import scalewise
from scalewise.imaging.resize import imresize
from scalewise.restoring.channels import bleed_alpha, dilate, edges, is_flat
from scalewise.restoring.loading import LoadOptions, load
from scalewise.restoring.restorer import Restorer
from scalewise.restoring.rows import FloatImage
from tests.restoring.fakes import FakeRuntime, Traits


class Tinted(FakeRuntime):
    """Colours whatever it restores."""

    def __call__(self, image: FloatImage) -> FloatImage:
        tint = np.array([0.02, 0.0, -0.04], np.float32)[None, :, None, None]
        return super().__call__(image) + tint


@pytest.fixture(scope="module")
def released() -> Restorer:
    return load("scn_x2", LoadOptions(precision="f32"))


def disc(side: int) -> NDArray[np.float64]:
    """A disc's coverage of (side, side, 1)."""
    y, x = np.indices((side, side)) + 0.5
    return np.clip(side * 0.35 - np.hypot(y - side / 2, x - side / 2) + 0.5, 0, 1)[..., None]


def psnr(image: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    return -10 * np.log10(np.mean((image - truth) ** 2))


def test_grey_is_the_mean_and_neutral_stays_neutral(photo: NDArray[np.uint8]) -> None:
    grey = photo[100:140, 100:150, :1]
    restorer = Restorer("tinted", Traits(), Tinted())
    alone = restorer.restore(grey)
    assert alone.shape == (80, 100, 1)
    as_colour = restorer.restore(np.repeat(grey, 3, axis=2))
    np.testing.assert_array_equal(as_colour, np.repeat(alone, 3, axis=2))


def test_neutral_parts_of_a_colour_picture_stay_neutral() -> None:
    image = np.full((60, 60, 3), 100, np.uint8)
    image[30, 30] = (200, 100, 100)
    restored = Restorer("tinted", Traits(), Tinted()).restore(image)
    neutral = (restored == restored[..., :1]).all(axis=2)
    assert not neutral[44:78, 44:78].any()
    neutral[44:78, 44:78] = True
    assert neutral.all()


def test_flat_areas_stay_flat() -> None:
    image = np.full((60, 60, 3), (250, 250, 251), np.uint8)
    image[30, 30:33] = 0
    restored = Restorer("tinted", Traits(), Tinted(), keeps_flat=True).restore(image)
    kept = (restored == image[0, 0]).all(axis=2)
    assert not kept[58:64, 58:68].any()
    kept[58:64, 58:68] = True
    assert kept.all()
    assert not (Restorer("tinted", Traits(), Tinted()).restore(image) == image[0, 0]).all(2).any()


@pytest.mark.parametrize("name", ["scn_x2", "scn_x4", "scn_fast_x2", "graphics_x2"])
@pytest.mark.parametrize("tile", [None, 32])
def test_a_page_stays_as_white_as_its_paper(name: str, tile: int | None) -> None:
    page = np.full((71, 90), 255, np.uint8)
    page[20:40, 30:70:3] = 0
    restorer = load(name, LoadOptions(precision="f32", tile=tile))
    restored = restorer.restore(page)
    paper = np.ones_like(restored, bool)
    scale = restorer.scale
    paper[19 * scale : 41 * scale, 29 * scale : 71 * scale] = False
    assert (restored[paper] == 255).all()
    assert (restored[~paper] < 255).any()


@pytest.mark.parametrize("kind", ["alpha", "rgb", "rgba", "deep", "float", "ensemble", "whole"])
def test_a_page_of_any_kind_stays_white(kind: str) -> None:
    page = np.full((44, 60, {"rgb": 3, "alpha": 2, "rgba": 4}.get(kind, 1)), 255, np.uint8)
    page[15:30, 20:40:3] = 0
    page[..., -1:] = 255 if kind in ("alpha", "rgba") else page[..., -1:]
    types = {"deep": np.uint16, "float": np.float32}
    image = (page / 255 * (65535 if kind == "deep" else 1)).astype(types.get(kind, np.float32))
    image = image if kind in types else page
    name = "adaptive_x2" if kind == "whole" else "scn_fast_x2"
    restored = load(name, LoadOptions(precision="f32", ensemble=kind == "ensemble")).restore(image)
    restored[26:64, 36:84] = image.max()
    assert (restored == image.max()).all()


def test_what_is_enlarged_twice_stays_white() -> None:
    page = np.full((44, 60), 255, np.uint8)
    page[15:30, 20:40:3] = 0
    restored = scalewise.upscale(page, scale=4, model="graphics_x2")
    restored[48:132, 68:172] = 255
    assert (restored == 255).all()


def test_what_removes_artifacts_may_change_flat_areas() -> None:
    blocks = np.kron([[120, 123], [121, 118]], np.ones((8, 8))).astype(np.uint8)
    restored = load("photo_x2", LoadOptions(precision="f32")).restore(np.tile(blocks, (4, 4)))
    assert len(np.unique(restored)) > 4


@pytest.mark.parametrize("shape", [(3, 9, 7), (1, 1, 5), (2, 4, 1)])
def test_flat_is_what_equals_its_neighbours(shape: tuple[int, int, int]) -> None:
    planes = np.random.default_rng(0).integers(0, 9, shape) // 8
    _, height, width = shape
    for y, x in np.ndindex(height, width):
        around = planes[:, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
        assert is_flat(planes)[y, x] == (around == planes[:, y : y + 1, x : x + 1]).all()


def test_a_grey_network_restores_the_channels(photo: NDArray[np.uint8]) -> None:
    image = photo[100:140, 100:150]
    restorer = Restorer("grey", Traits(channels=1), FakeRuntime())
    planes = [restorer.restore(image[..., channel]) for channel in range(3)]
    np.testing.assert_array_equal(restorer.restore(image), np.stack(planes, axis=2))


@pytest.mark.parametrize("channels", [1, 3])
def test_opaque_alpha_costs_and_changes_nothing(photo: NDArray[np.uint8], channels: int) -> None:
    image = photo[100:140, 100:150, :channels]
    plain, opaque = FakeRuntime(), FakeRuntime()
    expected = Restorer("fake", Traits(), plain).restore(image)
    alpha = np.full((40, 50, 1), 255, np.uint8)
    found = Restorer("fake", Traits(), opaque).restore(np.concatenate([image, alpha], axis=2))
    np.testing.assert_array_equal(found[..., :-1], expected)
    assert (found[..., -1] == 255).all()
    assert len(opaque.shapes) == len(plain.shapes)


def test_alpha_that_does_not_change_nearby_is_kept_exactly(released: Restorer) -> None:
    image = np.zeros((60, 60, 2), np.uint8)
    image[:, 20:, 1] = 77
    image[:, 40:, 1] = 255
    alpha = released.restore(image)[..., 1]
    assert (alpha[:, :22] == 0).all()
    assert (alpha[:, 98:] == 255).all()


@pytest.mark.parametrize("hidden", [0, 255])
def test_a_cut_out_has_no_fringes(
    released: Restorer, photo: NDArray[np.uint8], hidden: int
) -> None:
    """Over black and white, an enlarged disc is as good as the disc enlarged on that ground."""
    truth, coverage = photo[60:156, 120:216] / 255, disc(96)
    alpha = imresize(coverage, 0.5).clip(0, 1)
    premultiplied = imresize(coverage * truth, 0.5).clip(0, 1)
    colour = np.divide(premultiplied, alpha, where=alpha > 1e-4, out=np.zeros_like(premultiplied))
    colour = np.rint(np.concatenate([colour, alpha], axis=2).clip(0, 1) * 255).astype(np.uint8)
    colour[colour[..., 3] == 0, :3] = hidden
    restored = released.restore(colour) / 255
    for ground in (0.0, 1.0):
        over = restored[..., :3] * restored[..., 3:] + ground * (1 - restored[..., 3:])
        small = colour[..., :3] / 255 * (colour[..., 3:] / 255)
        laid = released.restore(small + ground * (1 - colour[..., 3:] / 255))
        wanted = truth * coverage + ground * (1 - coverage)
        assert psnr(over, wanted) > psnr(laid, wanted) - 0.1
        assert psnr(over, laid) > 40
        # Bicubic alpha and colour as it is would be this far from it:
        naive = released.restore(colour[..., :3]) / 255
        bicubic = imresize(colour[..., 3:], 2) / 255
        naive = naive * bicubic + ground * (1 - bicubic)
        assert psnr(naive, wanted) < psnr(over, wanted) - 3


def test_hidden_colours_do_not_matter(small_release: Path, photo: NDArray[np.uint8]) -> None:
    alpha = np.rint(disc(50) * 255).astype(np.uint8)
    image = np.concatenate([photo[100:150, 100:150], alpha], axis=2)
    restorer = load(small_release)
    expected = restorer.restore(image)
    image[alpha[..., 0] == 0, :3] = (255, 0, 255)
    np.testing.assert_array_equal(restorer.restore(image), expected)


def test_a_cut_through_a_cut_out_is_not_seen(small_release: Path, photo: NDArray[np.uint8]) -> None:
    alpha = np.zeros((230, 210, 1), np.uint8)
    alpha[20:200, 30:190] = np.rint(disc(190)[5:185, 15:175] * 255)
    image = np.concatenate([photo[100:330, 100:310], alpha], axis=2)
    whole = load(small_release, LoadOptions(tile=None)).restore(image).astype(int)
    tiled = load(small_release, LoadOptions(tile=64)).restore(image)
    assert np.abs(tiled - whole).max() <= 1


def test_near_and_changes() -> None:
    draw = np.random.default_rng(0)
    mask = draw.random((23, 31)) > 0.99
    expected = np.zeros_like(mask)
    for y, x in np.argwhere(mask):
        expected[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4] = True
    np.testing.assert_array_equal(dilate(mask, 3), expected)
    assert edges(np.array([[1, 1], [1, 2]])).tolist() == [[False, False], [False, True]]


def test_bleeding_takes_the_nearest_visible_colour() -> None:
    colour = np.zeros((3, 30, 60), np.float32)
    colour[0, :, :10] = 1
    colour[1, :, 20:25] = 1
    colour[2, :, 10:20] = 1  # hidden
    alpha = np.zeros((30, 60), np.float32)
    alpha[:, :10] = alpha[:, 20:25] = 1
    filled = bleed_alpha(colour, alpha)
    np.testing.assert_array_equal(filled[:, alpha == 1], colour[:, alpha == 1])
    np.testing.assert_allclose(filled[:, 15, 12], (1, 0, 0), atol=0.01)
    np.testing.assert_allclose(filled[:, 15, 18], (0, 1, 0), atol=0.01)
    assert filled[2].max() == 0
    assert (filled[:, :, 40:] == 0).all()
    np.testing.assert_array_equal(bleed_alpha(colour, np.ones_like(alpha)), colour)
