"""Training, validation and test data found in a folder."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from scalewise.data.layouts import find_dataset
from scalewise.errors import ScalewiseError
from scalewise.experiments.data import Data, find_data, hold_out, small_sets
from scalewise.experiments.packing import packed_stores
from scalewise.files import Picture, write


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, Picture(np.zeros((8, 8, 3), np.uint8)))
    return path


def div2k(folder: Path) -> Path:
    picture(folder / "DIV2K_train_HR" / "0001.png")
    picture(folder / "DIV2K_valid_HR" / "0801.png")
    return folder


def test_train_and_sets(tmp_path: Path) -> None:
    picture(tmp_path / "train" / "a.png")
    lenna = picture(tmp_path / "eval" / "Set14" / "HR" / "lenna.png")
    picture(tmp_path / "eval" / "clean_valid" / "b.png")
    found = find_data(tmp_path)
    assert found.train == tmp_path / "train"
    assert found.valid == tmp_path / "eval" / "clean_valid"
    assert list(found.sets) == ["Set14", "clean_valid"]
    assert found.single == lenna


def test_div2k_alone(tmp_path: Path) -> None:
    found = find_data(div2k(tmp_path))
    assert (found.train, found.valid) == (tmp_path, None)  # not those that are scored
    assert [item.name for item in found.sets["DIV2K"].items] == ["0801"]
    assert found.single is None


def test_div2k_beside_sets_is_learned_from(tmp_path: Path) -> None:
    div2k(tmp_path / "DIV2K")
    picture(tmp_path / "train" / "a.png")
    picture(tmp_path / "eval" / "Set5" / "b.png")
    found = find_data(tmp_path)
    assert (found.train, found.valid) == (tmp_path / "DIV2K", None)
    assert list(found.sets) == ["DIV2K", "Set5"]


def test_other_data_can_be_named(tmp_path: Path) -> None:
    picture(tmp_path / "eval" / "Set5" / "b.png")
    other = picture(tmp_path / "mine" / "c.png").parent
    found = find_data(tmp_path, train=other, valid=other)
    assert (found.train, found.valid) == (other, other)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], r"no training data .*; see train="),
        (["train/a.png"], r"no validation set .*; see valid="),
        (["train/a.png", "eval/Set5/a.png"], r"no validation set .*; see valid="),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, files: list[str], message: str) -> None:
    for name in files:
        picture(tmp_path / name)
    with pytest.raises(ScalewiseError, match=message):
        find_data(tmp_path)


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(ScalewiseError, match=r"^data=.*: no such folder"):
        find_data(tmp_path / "nowhere")


def test_nothing_to_measure_on(tmp_path: Path) -> None:
    folder = picture(tmp_path / "train" / "a.png").parent
    with pytest.raises(ScalewiseError, match="no test sets in"):
        find_data(tmp_path, valid=folder)


def test_held_out_images_are_not_learned_from(tmp_path: Path) -> None:
    for number in range(40):
        picture(tmp_path / f"{number:02}.png")
    dataset = find_dataset(tmp_path)
    train, valid = hold_out(dataset)
    assert [item.name for item in valid.items] == [f"{number:02}" for number in range(32, 40)]
    assert train.items + valid.items == dataset.items
    few = small_sets({"DIV2K": dataset})
    assert {name: len(each.items) for name, each in few.items()} == {"DIV2K, first 8": 8}


def test_too_few_images_to_hold_out(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    with pytest.raises(ScalewiseError, match="too few images to hold some out; see valid="):
        hold_out(find_dataset(tmp_path))


def test_a_reproduction_keeps_to_its_data(tmp_path: Path) -> None:
    for name in ("a", "b"):
        picture(tmp_path / name / "1.png")

    def prepare(train: str) -> int:
        data = Data(tmp_path / train, tmp_path / "valid", {})
        folder = tmp_path / "out"
        folder.mkdir(exist_ok=True)
        store, _ = packed_stores(data, folder, "modern", said.append, lambda: nullcontext(quiet))
        return store.stat().st_ino

    def quiet(done: int, total: int) -> None:
        pass

    said: list[str] = []
    assert prepare("a") == prepare("a")
    assert len(said) == 1
    with pytest.raises(ScalewiseError, match=r"out: a reproduction on .*a; choose another folder"):
        prepare("b")
