"""HR and LR in every arrangement that people have, with real images; and that all agree on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scalewise.data.check import check_dataset
from scalewise.data.layouts import display_names, find_dataset, pair_folders
from scalewise.data.packing import pack
from scalewise.data.reading import read_rgb
from scalewise.errors import ScalewiseError
from scalewise.evaluating.evaluate import bicubic, evaluate
from scalewise.files import Picture, write
from scalewise.imaging.protocols import FIELD
from scalewise.imaging.resize import imresize

Pixels = NDArray[np.uint8]


def save(path: Path, pixels: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".bmp":
        Image.fromarray(pixels).save(path)
    else:
        write(path, Picture(pixels))


@pytest.fixture
def pictures(photo: Pixels) -> list[Pixels]:
    """Two images of 128x96 that show different things."""
    return [photo[100:196, 150:278], photo[300:396, 200:328]]


def lay_out(root: Path, pictures: list[Pixels], patterns: dict[str, int]) -> Path:
    """Write the images at 1/scale under each pattern."""
    for pattern, scale in patterns.items():
        for number, pixels in enumerate(pictures):
            small = pixels if scale == 1 else imresize(pixels, 1 / scale)
            save(root / pattern.format(number), small)
    return root


@pytest.mark.parametrize(
    "patterns",
    [
        {"GT/{}.png": 1, "LQ/{}.png": 2},
        {"GT/{}.png": 1, "LQ/{}.webp": 2},
        {"HR/{}.png": 1, "LR/{}.png": 2},
        {"HR/{}.png": 1, "LR/X2/{}x2.png": 2},
        {"HR/{}.png": 1, "LRx2/{}.png": 2},
        {"HR/{}.png": 1, "LR_bicubic/{}_x2.png": 2},
        {"hr/a/{}.png": 1, "lr/a/{}.png": 2},
        {"high_res/{}.png": 1, "low_res/{}.png": 2},
        {"train_HR/{}.png": 1, "train_LR_x2/{}x2.png": 2},
        {"trainH/{}.png": 1, "trainL/{}.png": 2},
        {"train/HR/{}.png": 1, "train/LR/{}.png": 2, "valid/HR/v{}.png": 1},
        {"HR/train/{}.png": 1, "LR/train/{}.png": 2, "HR/test/v{}.png": 1},
        {"Flickr2K_HR/{}.png": 1, "Flickr2K_LR_bicubic/X2/{}x2.png": 2},
        {"DIV2K_train_HR_sub/{}_s001.png": 1, "DIV2K_train_LR_bicubic/X2_sub/{}_s001.png": 2},
        {"DIV2K_train_HR_sub/{}_s001.png": 1, "DIV2K_train_LR_bicubic/X2_sub/{}x2_s001.png": 2},
        {"HR/Set5/x2/{}_HR_x2.png": 1, "LR/LRBI/Set5/x2/{}_LRBI_x2.png": 2},
        {"{}.png": 1, "LR/{}.png": 2},
        # No name says which is LR.
        {"big/{}.png": 1, "small/{}.png": 2},
        {"big/{}.bmp": 1, "small/{}.bmp": 2},
        {"a/photos/{}.png": 1, "a/photos_half/{}.png": 2},
        {"{}.png": 1, "x2/{}.png": 2},
        {"HR/{}.png": 1, "half/{}.png": 2},
        {"train_sharp/000/{}.png": 1, "train_sharp_bicubic/X2/000/{}.png": 2},
        {"{}.png": 1, "{}_x2.png": 2},
        {"{}_HR.png": 1, "{}_LR.png": 2},
    ],
    ids=json.dumps,
)
def test_lr_is_never_taken_for_hr(
    tmp_path: Path, pictures: list[Pixels], patterns: dict[str, int]
) -> None:
    dataset = find_dataset(lay_out(tmp_path / "set", pictures, patterns))
    assert [read_rgb(item.hr).shape for item in dataset.items] == [(96, 128, 3)] * 2
    for item, pixels in zip(dataset.items, pictures, strict=True):
        assert list(item.lr) == [2]
        assert np.abs(read_rgb(item.lr[2]).astype(int) - imresize(pixels, 0.5)).mean() < 4
    assert not dataset.unpaired
    assert check_dataset(dataset, workers=1).problems == ()


def test_every_scale_of_a_set_without_telling_names(tmp_path: Path, pictures: list[Pixels]) -> None:
    lay_out(tmp_path, pictures, {"full/{}.png": 1, "half/{}.png": 2, "quarter/{}.png": 4})
    dataset = find_dataset(tmp_path)
    assert [item.name for item in dataset.items] == ["full/0", "full/1"]
    assert all(sorted(item.lr) == [2, 4] for item in dataset.items)


@pytest.mark.parametrize("damaged", [False, True])
def test_one_odd_file_does_not_make_hr_of_all_lr(
    tmp_path: Path, photo: Pixels, damaged: bool
) -> None:
    for number in range(4):
        hr = photo[20 * number : 20 * number + 64, :64]
        lr = imresize(hr, 0.5)
        save(tmp_path / f"A/{number}.png", hr)
        save(tmp_path / f"B/{number}.png", lr[:-1] if number == 2 and not damaged else lr)
    if damaged:
        (tmp_path / "A/2.png").write_bytes((tmp_path / "A/2.png").read_bytes()[:100])
    (problem,) = check_dataset(find_dataset(tmp_path), min_side=60, workers=1).problems
    assert "2.png" in str(problem)
    summary = pack([find_dataset(tmp_path)], tmp_path / "out.pack", [2])
    assert (summary.images, len(summary.skipped)) == (3, 1)


def test_two_sets_in_one_folder(tmp_path: Path, pictures: list[Pixels]) -> None:
    for name in ("DIV2K_train", "Flickr2K"):
        lay_out(tmp_path, pictures, {f"{name}_HR/{{}}.png": 1, f"{name}_LR/X2/{{}}.png": 2})
    dataset = find_dataset(tmp_path)
    assert [item.name for item in dataset.items] == [
        *("DIV2K_train_HR/0", "DIV2K_train_HR/1", "Flickr2K_HR/0", "Flickr2K_HR/1")
    ]
    assert all(item.hr.parts[-2][:5] == item.lr[2].parts[-3][:5] for item in dataset.items)


def test_frames_of_two_videos_are_not_pairs(tmp_path: Path, photo: Pixels) -> None:
    """Names and sizes agree, the content does not."""
    for number in range(3):
        save(tmp_path / f"street/{number}.png", photo[:96, number : number + 128])
        save(tmp_path / f"beach/{number}.png", photo[300:348, 200 + number : 264 + number])
    dataset = find_dataset(tmp_path)
    assert len(dataset.items) == 6
    assert all(not item.lr for item in dataset.items)


def test_sub_images_beside_their_wholes_are_not_used(
    tmp_path: Path, pictures: list[Pixels]
) -> None:
    lay_out(tmp_path, pictures, {"DIV2K_train_HR/{}.png": 1, "DIV2K_train_HR_sub/{}_s1.png": 1})
    lay_out(tmp_path, pictures, {"DIV2K_train_LR_bicubic/X2/{}x2.png": 2})
    lay_out(tmp_path, pictures, {"DIV2K_train_LR_bicubic/X2_sub/{}_s1.png": 2})
    dataset = find_dataset(tmp_path)
    assert [item.name for item in dataset.items] == ["0", "1"]
    assert [item.lr[2].parent.name for item in dataset.items] == ["X2", "X2"]
    assert "holds parts of the images of DIV2K_train_HR" in dataset.notes[0]


@pytest.mark.parametrize(
    ("patterns", "folder", "message"),
    [
        ({"GT/{}.png": 1, "LQ/a{}.png": 2}, "", r"no image in LQ is called like one in GT"),
        ({"GT/{}.png": 1, "LQ/{}_.png": 1}, "", r"no image in LQ is called like one in GT"),
        ({"GT/{}.png": 1, "LQ/{}.png": 1}, "", r"LQ: its images are as large as their HR"),
        ({"{}_HR.png": 1, "{}_LR2.png": 1}, "", r"0_LR2.png: is called LR, but it is not its HR"),
        ({"LQ/{}.png": 2}, "", r"LQ holds LR, but there are no images in HR, GT"),
        ({"HR/{}.png": 1, "trainL/{}.png": 2}, "trainL", r"is a part of a dataset, its LR"),
        ({"LR_bicubic/X2/{}.png": 2}, "LR_bicubic/X2", r"is a part of a dataset, its LR"),
        (
            {"Flickr2K/Flickr2K_HR/{}.png": 1, "Flickr2K/Flickr2K_LR_bicubic/X2/{}x2.png": 2},
            "",
            r"is a part of a dataset; name that dataset's own folder",
        ),
    ],
)
def test_what_does_not_pair_is_refused(
    tmp_path: Path, pictures: list[Pixels], patterns: dict[str, int], folder: str, message: str
) -> None:
    lay_out(tmp_path / "set", pictures, patterns)
    with pytest.raises(ScalewiseError, match=message):
        find_dataset(tmp_path / "set" / folder)


def test_a_scale_that_sizes_do_not_tell(tmp_path: Path, pictures: list[Pixels]) -> None:
    lay_out(tmp_path, pictures, {"GT/{}.png": 1})
    lay_out(tmp_path, [each[:50, :60] for each in pictures], {"LQ/{}.png": 1})
    with pytest.raises(ScalewiseError, match=r"the sizes do not tell \(0.png is not 1/2 to 1/9"):
        find_dataset(tmp_path)


def test_meta_info_with_pairs(tmp_path: Path, pictures: list[Pixels]) -> None:
    lay_out(tmp_path, pictures, {"first/{}.png": 1, "second/p{}.png": 2})
    (tmp_path / "meta_info_train.txt").write_text(
        "first/0.png, second/p0.png\nfirst/1.png, second/p1.png\nfirst/2.png, second/p2.png\n"
    )
    dataset = find_dataset(tmp_path)
    assert [(item.name, item.lr[2].name) for item in dataset.items] == [
        ("first/0", "p0.png"),
        ("first/1", "p1.png"),
    ]
    assert [path.name for path in dataset.absent] == ["2.png", "p2.png"]
    assert [problem.kind for problem in check_dataset(dataset, workers=1).problems] == [
        "manifest"
    ] * 2


@pytest.mark.parametrize("line", ["1.png (96,128,3)", "1.png", "DIV2K_train_HR_sub/1.png"])
def test_meta_info_lists_what_is_used(tmp_path: Path, pictures: list[Pixels], line: str) -> None:
    lay_out(tmp_path, pictures, {"DIV2K_train_HR_sub/{}.png": 1})
    lay_out(tmp_path, pictures, {"DIV2K_train_LR_bicubic/X2_sub/{}.png": 2})
    (tmp_path / "meta_info_DIV2K800sub_GT.txt").write_text(line + "\n")
    dataset = find_dataset(tmp_path)
    assert [(item.name, list(item.lr)) for item in dataset.items] == [("1", [2])]
    assert dataset.notes == ("not listed in meta_info_DIV2K800sub_GT.txt, so not used: 1 HR file",)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"meta_info_a.txt": "0.png", "meta_info_b.txt": "1.png"}, "several meta-info files"),
        ({"meta_info.txt": "0.png, l/0.png\n1.png"}, "some lines name an LR file"),
        ({"meta_info.txt": "gone.png, l/gone.png"}, "none of its files is there"),
        ({"meta_info.txt": ""}, "lists no images"),
    ],
)
def test_meta_info_that_makes_no_sense(
    tmp_path: Path, pictures: list[Pixels], files: dict[str, str], message: str
) -> None:
    lay_out(tmp_path, pictures, {"{}.png": 1})
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ScalewiseError, match=message):
        find_dataset(tmp_path)


def test_folders_given_one_by_one(tmp_path: Path, pictures: list[Pixels]) -> None:
    lay_out(tmp_path, pictures, {"sharp/{}.png": 1, "soft/{}.png": 2, "X4/{}x4.png": 4})
    dataset = pair_folders(tmp_path / "sharp", [tmp_path / "soft", tmp_path / "X4"])
    assert [(item.name, sorted(item.lr)) for item in dataset.items] == [
        ("0", [2, 4]),
        ("1", [2, 4]),
    ]
    assert check_dataset(dataset, workers=1).problems == ()
    lay_out(tmp_path, pictures, {"other/p{}.png": 2})
    with pytest.raises(ScalewiseError, match=r"other: no image in it is called like one in"):
        pair_folders(tmp_path / "sharp", [tmp_path / "other"])
    with pytest.raises(ScalewiseError, match="no such folder"):
        pair_folders(tmp_path / "sharp", [tmp_path / "gone"])


@pytest.mark.parametrize(
    ("hr_size", "lr_size", "taken"),
    [
        ((96, 128), (48, 64), True),
        ((95, 127), (47, 63), True),  # HR that the scale does not divide, cropped
        ((95, 127), (48, 64), True),  # and not cropped, LR rounded up
        ((95, 127), (47, 64), True),
        ((96, 128), (47, 64), False),  # LR one pixel short
        ((96, 128), (49, 64), False),
        ((95, 127), (46, 63), False),
    ],
)
def test_pack_check_and_evaluate_agree_on_sizes(
    tmp_path: Path,
    photo: Pixels,
    hr_size: tuple[int, int],
    lr_size: tuple[int, int],
    taken: bool,
) -> None:
    large = photo[100:198, 150:280]
    save(tmp_path / "set/HR/a.png", large[: hr_size[0], : hr_size[1]])
    save(tmp_path / "set/LR_bicubic/X2/ax2.png", imresize(large, 0.5)[: lr_size[0], : lr_size[1]])
    dataset = find_dataset(tmp_path / "set")
    checked = [
        problem.message for problem in check_dataset(dataset, min_side=90, workers=1).problems
    ]
    try:
        skipped = pack([dataset], tmp_path / "out.pack", [2]).skipped
    except ScalewiseError as error:
        skipped = [str(error)]
    try:
        refused = [] if list(evaluate(bicubic(2), dataset, 2, FIELD)) else ["nothing"]
    except ScalewiseError as error:
        refused = [str(error)]
    if taken:
        assert (checked, skipped, refused) == ([], [], [])
    else:
        assert len(checked) == 1
        assert skipped[0].endswith(checked[0])
        assert refused[0].endswith(checked[0])


def test_pack_check_and_evaluate_agree_on_a_missing_lr(
    tmp_path: Path, pictures: list[Pixels]
) -> None:
    lay_out(tmp_path / "set", pictures, {"HR/{}.png": 1, "LR_bicubic/X2/{}x2.png": 2})
    (tmp_path / "set/LR_bicubic/X2/1x2.png").unlink()
    dataset = find_dataset(tmp_path / "set")
    (problem,) = check_dataset(dataset, workers=1).problems
    assert (problem.kind, problem.path.name) == ("HR without LR", "1.png")
    summary = pack([dataset], tmp_path / "out.pack", [2])
    assert summary.images == 1
    assert summary.skipped == [
        f"{dataset.items[1].hr}: no LR at x2, though other images bring theirs"
    ]
    with pytest.raises(ScalewiseError, match=r"1.png: no LR at x2"):
        list(evaluate(bicubic(2), dataset, 2, FIELD))
    # At a scale that nobody brings, all of it is made.
    assert pack([dataset], tmp_path / "out.pack", [4]).images == 2


def rolled(pixels: Pixels, down: int, right: int) -> Pixels:
    return np.roll(pixels, (down, right), (0, 1))


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("way", ["hr", "lr", "nearest"])
def test_shifted_lr_is_reported(tmp_path: Path, photo: Pixels, way: str, scale: int) -> None:
    hr = photo[: 480 // scale * scale, : 480 // scale * scale]
    lr, right, down = {
        "hr": (imresize(rolled(hr, 0, 1), 1 / scale), 1.0, 0.0),
        "lr": (rolled(imresize(hr, 1 / scale), 2, -1), -scale, 2 * scale),
        "nearest": (hr[::scale, ::scale], (scale - 1) / 2, (scale - 1) / 2),
    }[way]
    save(tmp_path / "HR/a.png", hr)
    save(tmp_path / "LR/a.png", lr)
    (problem,) = check_dataset(find_dataset(tmp_path), workers=1).problems
    assert problem.kind == "shifted LR"
    found = [float(word) for word in problem.message.split() if word[0] in "+-"]
    assert found == pytest.approx([right, down], abs=0.2)


@pytest.mark.parametrize("noise", [0, 25])
def test_lr_in_place_is_not_reported_though_it_is_degraded(
    tmp_path: Path, photo: Pixels, noise: int
) -> None:
    lr = imresize(photo, 0.5) + np.random.default_rng(0).normal(0, noise, (256, 256, 3))
    save(tmp_path / "HR/a.png", photo)
    save(tmp_path / "LR/a.png", lr.clip(0, 255).astype(np.uint8))
    flat = np.full((96, 96, 3), 200, np.uint8)
    save(tmp_path / "HR/flat.png", flat)
    save(tmp_path / "LR/flat.png", flat[:48, :48])
    assert check_dataset(find_dataset(tmp_path), workers=1).problems == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda lr: lr.astype(np.uint16) * 257,  # 16 bits
        lambda lr: lr[..., 1:2],  # grey
        lambda lr: np.dstack([lr, np.full(lr.shape[:2], 255, np.uint8)]),  # with alpha
        lambda lr: (lr * 0.7 + 20).astype(np.uint8),  # of other contrast
    ],
    ids=["16 bits", "grey", "alpha", "contrast"],
)
def test_lr_of_another_depth_is_compared_too(
    tmp_path: Path, photo: Pixels, change: Callable[[Pixels], Pixels]
) -> None:
    save(tmp_path / "HR/a.png", photo)
    save(tmp_path / "LR/a.png", change(imresize(photo, 0.5)))
    assert check_dataset(find_dataset(tmp_path), workers=1).problems == ()
    save(tmp_path / "LR/a.png", change(rolled(imresize(photo, 0.5), 0, 1)))
    assert [each.kind for each in check_dataset(find_dataset(tmp_path), workers=1).problems] == [
        "shifted LR"
    ]


def test_lr_of_another_picture_is_reported(tmp_path: Path, pictures: list[Pixels]) -> None:
    save(tmp_path / "HR/a.png", pictures[0])
    save(tmp_path / "LR/a.png", imresize(pictures[1], 0.5))
    (problem,) = check_dataset(find_dataset(tmp_path), workers=1).problems
    assert (problem.kind, problem.path.name) == ("other image", "a.png")


def test_what_a_dataset_is_called(tmp_path: Path, pictures: list[Pixels]) -> None:
    folders = ["Set5/HR", "Set14/HR", "mine/valid/GT", "DIV2K_valid_HR", "old/Set5/HR"]
    for folder in folders:
        lay_out(tmp_path / folder, pictures, {"{}.png": 1})
    datasets = [find_dataset(tmp_path / folder) for folder in folders]
    assert [dataset.name for dataset in datasets] == [
        *("Set5", "Set14", "mine", "DIV2K_valid_HR", "Set5")
    ]
    assert display_names(datasets) == [
        *(f"{tmp_path.name}/Set5", "Set14", "mine", "DIV2K_valid_HR", "old/Set5")
    ]
