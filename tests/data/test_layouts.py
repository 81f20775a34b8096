"""Every layout, from names alone: the files of these datasets are empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from scalewise.data.layouts import Dataset, find_dataset
from scalewise.errors import ScalewiseError


def lay_out(root: Path, *files: str) -> Path:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def pairs(dataset: Dataset) -> dict[str, dict[int, str]]:
    """Name -> {1: HR, scale: LR}, relative to the root."""
    return {
        item.name: {
            scale: path.relative_to(dataset.root).as_posix()
            for scale, path in {1: item.hr, **item.lr}.items()
        }
        for item in dataset.items
    }


DIV2K = (
    "DIV2K_train_HR/0001.png",
    "DIV2K_train_HR/0002.png",
    "DIV2K_train_LR_bicubic/X2/0001x2.png",
    "DIV2K_train_LR_bicubic/X2/0002x2.png",
    "DIV2K_train_LR_bicubic/X4/0001x4.png",
    "DIV2K_train_LR_bicubic/X4/0002x4.png",
    "DIV2K_valid_HR/0801.png",
    "DIV2K_valid_LR_bicubic/X2/0801x2.png",
)


def test_div2k_is_its_training_split(tmp_path: Path) -> None:
    dataset = find_dataset(lay_out(tmp_path, *DIV2K))
    assert dataset.layout == "DIV2K"
    assert pairs(dataset) == {
        name: {
            1: f"DIV2K_train_HR/{name}.png",
            2: f"DIV2K_train_LR_bicubic/X2/{name}x2.png",
            4: f"DIV2K_train_LR_bicubic/X4/{name}x4.png",
        }
        for name in ("0001", "0002")
    }


def test_div2k_valid_when_asked_for(tmp_path: Path) -> None:
    dataset = find_dataset(str(lay_out(tmp_path, *DIV2K)), split="valid")
    assert dataset.layout == "DIV2K"
    assert pairs(dataset) == {
        "0801": {1: "DIV2K_valid_HR/0801.png", 2: "DIV2K_valid_LR_bicubic/X2/0801x2.png"}
    }


def test_validation_pictures_never_stand_in_for_training(tmp_path: Path) -> None:
    lay_out(tmp_path, "DIV2K_valid_HR/0801.png")
    with pytest.raises(ScalewiseError, match=r"no DIV2K_train_HR.*choose valid"):
        find_dataset(tmp_path)


def test_benchmark_set_with_either_way_to_name_lr(tmp_path: Path) -> None:
    lay_out(tmp_path, "HR/baby.png", "HR/bird.png")
    lay_out(tmp_path, "LR_bicubic/X2/babyx2.png", "LR_bicubic/X2/birdx2.png")
    lay_out(tmp_path, "LR_bicubic/x3/baby.png", "LR_bicubic/x3/bird.png")
    dataset = find_dataset(tmp_path)
    assert dataset.layout == "HR + LR_bicubic"
    assert pairs(dataset) == {
        name: {
            1: f"HR/{name}.png",
            2: f"LR_bicubic/X2/{name}x2.png",
            3: f"LR_bicubic/x3/{name}.png",
        }
        for name in ("baby", "bird")
    }


def test_a_name_that_ends_like_a_scale(tmp_path: Path) -> None:
    lay_out(tmp_path, "HR/m.png", "HR/mx2.png")
    lay_out(tmp_path, "LR_bicubic/X2/mx2.png", "LR_bicubic/X2/mx2x2.png")
    found = pairs(find_dataset(tmp_path))
    assert found["m"][2] == "LR_bicubic/X2/mx2.png"
    assert found["mx2"][2] == "LR_bicubic/X2/mx2x2.png"


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (("b.png", "a.jpg"), ["a", "b"]),
        (("HR/b.png", "HR/a.jpg"), ["a", "b"]),
        (("city/a.png", "land/sea/a.avif", "top.webp"), ["city/a", "land/sea/a", "top"]),
        (("Kodak24/HR/01.png", "classic5/HR/01.png"), ["Kodak24/HR/01", "classic5/HR/01"]),
    ],
)
def test_hr_only(tmp_path: Path, files: tuple[str, ...], names: list[str]) -> None:
    dataset = find_dataset(lay_out(tmp_path, *files))
    assert dataset.layout == "HR only"
    assert [item.name for item in dataset.items] == names
    assert all(not item.lr for item in dataset.items)


def test_basicsr(tmp_path: Path) -> None:
    lay_out(tmp_path, "GTmod12/baby.png", "LRbicx2/baby.png", "LRbicx4/baby.png", "original/b.png")
    dataset = find_dataset(tmp_path)
    assert dataset.layout == "BasicSR"
    assert pairs(dataset) == {
        "baby": {1: "GTmod12/baby.png", 2: "LRbicx2/baby.png", 4: "LRbicx4/baby.png"}
    }


def test_selfexsr_in_one_folder(tmp_path: Path) -> None:
    lay_out(tmp_path, "img_001_SRF_2_HR.png", "img_001_SRF_2_LR.png", "img_001_SRF_2_bicubic.png")
    dataset = find_dataset(tmp_path)
    assert dataset.layout == "SelfExSR"
    assert pairs(dataset) == {"img_001": {1: "img_001_SRF_2_HR.png", 2: "img_001_SRF_2_LR.png"}}


def test_selfexsr_in_a_folder_for_each_scale(tmp_path: Path) -> None:
    for scale in (4, 2):
        for kind in ("HR", "LR", "SRCNN"):
            lay_out(tmp_path, f"Set5/image_SRF_{scale}/img_001_SRF_{scale}_{kind}.png")
    assert pairs(find_dataset(tmp_path)) == {
        "Set5/img_001": {
            1: "Set5/image_SRF_2/img_001_SRF_2_HR.png",
            2: "Set5/image_SRF_2/img_001_SRF_2_LR.png",
            4: "Set5/image_SRF_4/img_001_SRF_4_LR.png",
        }
    }


def test_what_has_no_partner(tmp_path: Path) -> None:
    lay_out(tmp_path, "HR/a.png", "HR/b.png", "LR_bicubic/X2/ax2.png", "LR_bicubic/X2/cx2.png")
    dataset = find_dataset(tmp_path)
    assert [(item.name, len(item.lr)) for item in dataset.items] == [("a", 1), ("b", 0)]
    assert dataset.unpaired == (tmp_path / "LR_bicubic/X2/cx2.png",)


def test_names_are_unique(tmp_path: Path) -> None:
    dataset = find_dataset(lay_out(tmp_path, "a.jpg", "a.png", "sub/a.png"))
    assert [item.name for item in dataset.items] == ["a", "sub/a"]
    assert dataset.duplicates == (tmp_path / "a.png",)


def test_stray_files_are_passed_over(tmp_path: Path) -> None:
    lay_out(tmp_path, "a.PNG", ".DS_Store", "Thumbs.db", "readme.txt", "._a.png", ".cache/b.png")
    assert pairs(find_dataset(tmp_path)) == {"a": {1: "a.PNG"}}


def test_names_in_any_script_and_either_unicode_form(tmp_path: Path) -> None:
    composed, decomposed = "\u00fcber \u00df \u5bcc\u58eb", "u\u0308ber \u00df \u5bcc\u58eb"
    lay_out(tmp_path, f"HR/{decomposed}.png", f"LR_bicubic/X2/{composed}x2.png")
    (item,) = find_dataset(tmp_path).items
    assert item.name == composed
    assert item.lr[2].name == f"{composed}x2.png"


def test_licences_come_from_the_manifest(tmp_path: Path) -> None:
    lay_out(tmp_path, "city/a.png", "b.png", "c.png")
    (tmp_path / "MANIFEST.csv").write_text(
        "file,width,height,source,licence\n"
        'city/a.png,8,8,mine,"CC BY, as stated"\n'
        "b.png,8,8,mine,CC0\n",
        encoding="utf-8-sig",
    )
    assert find_dataset(tmp_path).licences == {"city/a": "CC BY, as stated", "b": "CC0"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"file,license\na.png,CC0\n", "no column 'licence'"),
        (b"file,licence\n\xe4.png,CC0\n", "not a UTF-8 table"),
    ],
)
def test_a_manifest_that_cannot_be_read(tmp_path: Path, content: bytes, message: str) -> None:
    lay_out(tmp_path, "a.png")
    (tmp_path / "MANIFEST.csv").write_bytes(content)
    with pytest.raises(ScalewiseError, match=message):
        find_dataset(tmp_path)


@pytest.mark.parametrize(
    ("files", "folder", "message"),
    [
        ((), "absent", "no such folder"),
        (("a.png",), "a.png", "is a file"),
        (("notes.txt",), "", "no images in"),
        (("HR/notes.txt", "LR_bicubic/X2/ax2.png"), "", "no images in .*HR"),
        (("LR_bicubic/X2/ax2.png",), "LR_bicubic", "is a part of a dataset"),
        (("Set5/HR/a.png", "Set5/LR_bicubic/X2/ax2.png"), "", "is a part of a dataset"),
        (("Set5/GTmod12/a.png",), "", "is a part of a dataset"),
        (("DIV2K/DIV2K_train_HR/1.png", "DIV2K/DIV2K_valid_HR/2.png"), "", "is a part of"),
    ],
)
def test_folders_that_are_no_dataset(
    tmp_path: Path, files: tuple[str, ...], folder: str, message: str
) -> None:
    with pytest.raises(ScalewiseError, match=message):
        find_dataset(lay_out(tmp_path, *files) / folder)


def test_unknown_split(tmp_path: Path) -> None:
    with pytest.raises(ScalewiseError, match="unknown split 'test'; known: train, valid"):
        find_dataset(lay_out(tmp_path, "a.png"), split="test")


@pytest.mark.parametrize(("name", "number"), [("Set5", 5), ("Set14", 14)])
def test_published_benchmark_sets(shared_data: Path, name: str, number: int) -> None:
    dataset = find_dataset(shared_data / "eval" / name)
    assert dataset.layout == "HR + LR_bicubic"
    assert len(dataset.items) == number
    assert all(set(item.lr) == {2, 3, 4} for item in dataset.items)
    assert dataset.unpaired == dataset.duplicates == ()
