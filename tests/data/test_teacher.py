"""Teachers in the packed store: their images, who made them, and what is refused."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.data.layouts import find_dataset
from scalewise.data.packing import pack
from scalewise.data.sampler import PatchSampler
from scalewise.data.store import Store, TeacherInfo
from scalewise.data.teacher import TeacherFolder, TeacherModel
from scalewise.errors import ScalewiseError
from scalewise.files import Picture, write

INFO = TeacherInfo("a large network", "MIT", 2)


def noise(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save(path: Path, pixels: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, Picture(pixels))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    save(tmp_path / "photos/a.png", noise(40, 52, 3, seed=1))
    save(tmp_path / "photos/b/c.png", noise(37, 45, 3, seed=2))
    return tmp_path / "photos"


def test_a_folder_of_images_of_either_size(photos: Path, tmp_path: Path) -> None:
    a, c = noise(40, 52, 3, seed=3), noise(36, 44, 3, seed=4)  # c: HR cropped to multiples of 2
    save(tmp_path / "teacher/a.tif", a)
    save(tmp_path / "teacher/b/c.png", c)
    save(tmp_path / "teacher/unused.png", c)
    dataset = find_dataset(photos)
    out = tmp_path / "train.pack"
    pack([dataset], out, [2], teacher=TeacherFolder(tmp_path / "teacher", INFO, [dataset]))
    store = Store(out)
    assert store.teacher_info == INFO
    np.testing.assert_array_equal(store.teacher(0), a)
    np.testing.assert_array_equal(store.teacher(1), c)


def test_accents_may_be_composed_or_separate(tmp_path: Path) -> None:
    """Files that were copied from a Mac have them separate."""
    for form, folder in (("NFC", "photos"), ("NFD", "teacher")):
        save(tmp_path / folder / f"{unicodedata.normalize(form, 'café')}.png", noise(40, 52, 3))
    dataset = find_dataset(tmp_path / "photos")
    teacher = TeacherFolder(tmp_path / "teacher", INFO, [dataset])
    assert teacher.image(dataset.items[0].name, noise(20, 26, 3)).shape == (40, 52, 3)


def test_pictures_without_an_image_are_counted(photos: Path, tmp_path: Path) -> None:
    save(tmp_path / "teacher/a.png", noise(40, 52, 3))
    with pytest.raises(ScalewiseError) as caught:
        TeacherFolder(tmp_path / "teacher", INFO, [find_dataset(photos)])
    assert str(caught.value) == (
        f"{tmp_path / 'teacher'}: has no image for 1 of 2 HR images (b/c); "
        "make them, or leave these HR images out"
    )
    with pytest.raises(ScalewiseError, match="no such folder of a teacher's images"):
        TeacherFolder(tmp_path / "nowhere", INFO, [find_dataset(photos)])


def test_an_image_of_another_size_is_refused(photos: Path, tmp_path: Path) -> None:
    small = TeacherModel(lambda lr: lr, INFO)
    out = tmp_path / "train.pack"
    with pytest.raises(ScalewiseError) as caught:
        pack([find_dataset(photos)], out, [2], teacher=small)
    assert str(caught.value) == (
        "a: the teacher's image is 26x20, but the HR image is 52x40; "
        "make it from the LR image at x2"
    )
    assert not out.exists()


@pytest.mark.parametrize(("scales", "squash"), [([2, 3], None), ([3], None), ([2], 16)])
def test_a_teacher_is_for_its_own_scale(
    photos: Path, tmp_path: Path, scales: list[int], squash: int | None
) -> None:
    teacher = TeacherModel(lambda lr: lr, INFO)
    with pytest.raises(ScalewiseError, match="for x2, not squashed; pack that one scale"):
        pack([find_dataset(photos)], tmp_path / "p", scales, squash=squash, teacher=teacher)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_patches_of_all_three_lie_at_the_same_place(
    tmp_path: Path, scale: int, photo: NDArray[np.uint8]
) -> None:
    save(tmp_path / "photos/photo.png", photo[100:220, 100:260])
    # The teacher's image is LR with each pixel repeated: what it must show is known.
    teacher = TeacherModel(
        lambda lr: lr.repeat(scale, axis=0).repeat(scale, axis=1), TeacherInfo("t", "MIT", scale)
    )
    out = tmp_path / "train.pack"
    pack([find_dataset(tmp_path / "photos")], out, [scale], teacher=teacher)
    store = Store(out)
    sampler = PatchSampler([store], scale, 12, 16, seed=1, teacher=True)
    without = PatchSampler([store], scale, 12, 16, seed=1)
    for step in range(4):
        lr, hr, taught = sampler.sample(step)
        for ours, theirs in zip((lr, hr), without.sample(step), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        expected = lr.repeat(scale, axis=1).repeat(scale, axis=2)
        np.testing.assert_array_equal(taught, expected)


def test_a_store_without_a_teacher_or_of_another_scale(photos: Path, tmp_path: Path) -> None:
    dataset = find_dataset(photos)
    pack([dataset], tmp_path / "plain.pack", [2])
    with pytest.raises(ScalewiseError) as caught:
        PatchSampler([Store(tmp_path / "plain.pack")], 2, 8, 2, teacher=True)
    assert str(caught.value) == (
        f"{tmp_path / 'plain.pack'}: holds no teacher's images; pack again with teacher=, "
        "or set loss.teacher=0"
    )
    doubled = TeacherModel(lambda lr: lr.repeat(2, axis=0).repeat(2, axis=1), INFO)
    pack([dataset], tmp_path / "taught.pack", [2], teacher=doubled)
    with pytest.raises(ScalewiseError, match="are for x2, not x1"):
        PatchSampler([Store(tmp_path / "taught.pack")], 1, 8, 2, teacher=True)
