"""The comparison sheet, looked at by pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.data.layouts import find_dataset
from scalewise.evaluating.compare import _label, compare  # pyright: ignore[reportPrivateUsage]
from scalewise.evaluating.evaluate import bicubic, evaluate, restoration, unchanged
from scalewise.evaluating.sheet import (
    GAP,
    PANEL,
    Panel,
    draw_sheet,
    error_map,
    most_telling_crop,
)
from scalewise.files import Picture, write
from scalewise.imaging.protocols import FIELD, denoising
from scalewise.restoring.loading import load


def test_the_crop_is_where_the_error_is() -> None:
    reference = np.zeros((90, 120, 3), np.uint8)
    image = reference.copy()
    image[40:50, 70:80] = 255
    top, left, side = most_telling_crop(image, reference, 16)
    assert side == 16
    assert top <= 40 <= 50 <= top + side
    assert left <= 70 <= 80 <= left + side
    assert most_telling_crop(image, reference, 500)[2] == 90


def test_panels_show_the_crop_enlarged_by_repetition(photo: NDArray[np.uint8]) -> None:
    crop = (100, 200, 64)
    low = photo[::2, ::2]
    sheet = draw_sheet([Panel(low, ("low",)), Panel(photo, ("ground truth",))], crop)
    top = GAP + PANEL + GAP  # below the square whole image
    zoomed = sheet[top : top + PANEL, 2 * GAP + PANEL :][:, :PANEL]
    np.testing.assert_array_equal(zoomed, photo[100:164, 200:264].repeat(4, 0).repeat(4, 1))
    zoomed_low = sheet[top : top + PANEL, GAP : GAP + PANEL]
    np.testing.assert_array_equal(zoomed_low, low[50:82, 100:132].repeat(8, 0).repeat(8, 1))


@pytest.mark.parametrize(
    ("height", "width", "square"), [(64, 10_000, (2, 2)), (60, 40_000, (1, 1)), (1, 600, (1, 1))]
)
def test_a_very_wide_image(height: int, width: int, square: tuple[int, int]) -> None:
    image = np.full((height, width, 3), 200, np.uint8)
    panels = [Panel(image, ("low",)), Panel(image, ("ground truth",))]
    sheet = draw_sheet(panels, most_telling_crop(image, image, 64), errors=True)
    whole = sheet[GAP : GAP + square[0], GAP : GAP + PANEL, 0]
    assert (whole[:, : square[1]] == 0).all()
    assert (whole[:, square[1] :] == 200).all()
    zoomed = sheet[2 * GAP + square[0] :, GAP : GAP + PANEL][:PANEL]
    assert (zoomed == 200).all()


def test_noise_is_that_of_the_image_in_its_dataset(
    tmp_path: Path, photo: NDArray[np.uint8]
) -> None:
    """Whose name has its accents composed, where the file's, copied from a Mac, are separate."""
    path = tmp_path / "cafe\u0301.png"
    write(path, Picture(photo[:40, :40]))
    (item,) = find_dataset(tmp_path).items
    found = compare(path, [("none", unchanged)], 1, denoising(25)).contenders[0]
    (score,) = evaluate(unchanged, find_dataset(tmp_path), 1, denoising(25))
    assert (item.name, found.scores.psnr) == ("caf\u00e9", score.psnr)


def test_labels_are_legible_ink(photo: NDArray[np.uint8]) -> None:
    sheets = [draw_sheet([Panel(photo, (label,))], (0, 0, 64)) for label in ("", "O", "OO", "O!O")]
    ink = [int((sheet[2 * (GAP + PANEL) :] < 128).sum()) for sheet in sheets]
    assert ink[0] == 0
    assert ink[1] > 20
    assert ink[2] == 2 * ink[1]
    assert ink[3] > ink[2]


def test_names_that_are_long_or_have_other_letters(photo: NDArray[np.uint8]) -> None:
    def drawn(label: str) -> NDArray[np.uint8]:
        return draw_sheet([Panel(photo, (label,))], (0, 0, 64))[2 * (GAP + PANEL) :]

    np.testing.assert_array_equal(drawn("\u00c9tude \u65e5"), drawn("Etude ?"))
    long = drawn("a_method_with_a_long_name_of_x2" * 3)
    assert (long != drawn("a_method_with_a_long_name_of_x3" * 3)).any()  # its end is there
    assert (long[:, GAP:-GAP] < 128).any(axis=(0, 2))[-24:].any()
    assert (long[:, -GAP:] == 255).all()


def test_a_long_name_takes_lines_and_scores_stay_beside_each_other(
    photo: NDArray[np.uint8],
) -> None:
    labels = (("name_" * 8, "O"), ("short", "O"))
    sheet = draw_sheet([Panel(photo, label) for label in labels], (0, 0, 64))
    below = 255 - sheet[2 * (GAP + PANEL) :, :, 0].astype(int)
    long, short = (below[:, GAP + n * (PANEL + GAP) :][:, :PANEL].sum(axis=1) for n in (0, 1))
    assert (long > 0).sum() > (short > 0).sum()
    np.testing.assert_array_equal(np.flatnonzero(long)[-5:], np.flatnonzero(short)[-5:])


def test_many_panels_are_in_rows_of_about_the_same_length(photo: NDArray[np.uint8]) -> None:
    small = photo[:64, :96]
    panels = [Panel(np.roll(small, -at, axis=0), (str(at),)) for at in range(7)]
    sheet = draw_sheet(panels, (0, 0, 64))
    one = draw_sheet(panels[:4], (0, 0, 64))
    assert sheet.shape[1] == one.shape[1] == 4 * (PANEL + GAP) + GAP
    np.testing.assert_array_equal(sheet[: one.shape[0]], one)
    assert (sheet[one.shape[0] :, -PANEL:] == 255).all()  # three in the second row
    top = one.shape[0] + round(PANEL * 64 / 96) + GAP
    zoomed = sheet[top : top + PANEL, GAP : GAP + PANEL]
    np.testing.assert_array_equal(zoomed, panels[4].image[:, :64].repeat(4, 0).repeat(4, 1))


def test_names_without_letters_of_the_sheet_are_numbered(
    photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    write(tmp_path / "photo.png", Picture(photo[:60, :60]))
    results = [(name, photo[:60, :60] // 2) for name in ("\u65e5\u672c", "\u65b9\u6cd5", "what?")]
    found = compare(tmp_path / "photo.png", [], 2, FIELD, results=results)
    assert [_label(each, at)[0] for at, each in enumerate(found.contenders, 1)] == [
        "1: ??",
        "2: ??",
        "what?",
    ]


@pytest.mark.parametrize(("height", "width"), [(60, 90), (90, 60)])
def test_a_comparison_scores_what_it_shows(
    small_release: Path, photo: NDArray[np.uint8], tmp_path: Path, height: int, width: int
) -> None:
    write(tmp_path / "photo.png", Picture(photo[:height, :width]))
    methods = [("bicubic", bicubic(2)), ("small", restoration(load(small_release)))]
    found = compare(tmp_path / "photo.png", methods, 2, FIELD)
    assert [each.name for each in found.contenders] == ["bicubic", "small"]
    assert found.lr.shape == (height // 2, width // 2, 3)
    for each in found.contenders:
        assert each.scores == FIELD.score(each.image, found.truth, 2)
    sheet = found.sheet()
    assert sheet.shape[1] == 4 * (PANEL + GAP) + GAP


def test_error_maps_go_from_dark_to_light(photo: NDArray[np.uint8]) -> None:
    grey = np.full((1, 6, 3), 100, np.uint8)
    off = grey + np.array([0, 10, 20, 40, 90, 155], np.uint8)[None, :, None]
    brightness = error_map(off, grey).astype(int).sum(axis=2)[0]
    assert (np.diff(brightness)[:-1] > 0).all()
    assert brightness[-1] == brightness[-2]  # beyond the scale's end
    assert (error_map(photo, photo) == error_map(grey, grey)[0, 0]).all()


def test_a_method_without_error_has_a_map_of_one_colour() -> None:
    truth = np.full((128, 128, 3), 90, np.uint8)
    panels = [Panel(truth.copy(), ("",)), Panel(truth, ("",))]
    sheet = draw_sheet(panels, (0, 0, 64), errors=True)
    top = 3 * GAP + 2 * PANEL
    perfect, scale = (
        sheet[top : top + PANEL, GAP + n * (PANEL + GAP) :][:, :PANEL] for n in (0, 1)
    )
    assert (perfect == error_map(truth, truth)[0, 0]).all()
    assert len(np.unique(scale.reshape(-1, 3), axis=0)) > 50


def test_maps_are_drawn_where_there_is_something_to_compare(photo: NDArray[np.uint8]) -> None:
    blurred = photo // 2
    panels = [Panel(photo[::2, ::2], ("",)), Panel(blurred, ("",)), Panel(photo, ("",))]
    sheet = draw_sheet(panels, (100, 200, 64), errors=True)
    top = 3 * GAP + 2 * PANEL
    row = sheet[top : top + PANEL]
    of_low, of_blurred = (row[:, GAP + n * (PANEL + GAP) :][:, :PANEL] for n in (0, 1))
    assert (of_low == 255).all()
    expected = error_map(blurred[100:164, 200:264], photo[100:164, 200:264])
    np.testing.assert_array_equal(of_blurred, expected.repeat(4, 0).repeat(4, 1))
    plain = draw_sheet(panels, (100, 200, 64))
    np.testing.assert_array_equal(sheet[: top - GAP], plain[: top - GAP])
