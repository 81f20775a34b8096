"""Folders of results by names: which file is whose, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from scalewise.data.layouts import find_dataset
from scalewise.errors import ScalewiseError
from scalewise.evaluating.results import (
    Method,
    Result,
    match_results,
    methods_of,
    read_results,
)
from scalewise.files import Picture, write
from scalewise.imaging.protocols import FIELD


def images(folder: Path, names: Sequence[str], size: tuple[int, int] = (32, 30)) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write(folder / name, Picture(np.full((*size, 3), len(name), np.uint8)))
    return folder


def matched(tmp_path: Path, truths: Sequence[str], results: Sequence[str]) -> dict[str, list[str]]:
    """Names of the files for each image, and under the name "" the surplus ones."""
    dataset = find_dataset(images(tmp_path / "Set5", truths))
    method = Method("Net", images(tmp_path / "Net", results))
    (found,) = match_results(method, [dataset], ["Set5"], 2)
    assert found is not None
    inside = {"": found.surplus, **found.files}
    return {
        name: [path.relative_to(method.folder).as_posix() for path in files]
        for name, files in inside.items()
        if files
    }


@pytest.mark.parametrize(
    ("truth", "result"),
    [
        ("baby", "baby"),
        ("baby", "baby_x2"),
        ("baby", "babyx2"),
        ("baby", "baby_2x"),
        ("baby", "baby_SR"),
        ("baby", "baby_x2_out"),
        ("baby", "Baby-SR.x2"),
        ("baby", "baby_Net_x2_v3"),  # has the method's name in it
        ("baby_GT", "baby"),
        ("0001", "0001x2"),
        ("img_001", "img_001_rlt"),
        ("a", "deep/x2/a"),
        ("baby", "SR_baby"),
        ("baby", "pred_baby"),
        ("baby", "Net_baby"),
        ("baby", "Netbaby"),
        ("baby", "x2_SR_baby_out"),
        ("x4_chart", "x4_chart"),
    ],
)
def test_a_name_with_what_programs_add(tmp_path: Path, truth: str, result: str) -> None:
    found = matched(tmp_path, [f"{truth}.png", "zzz.png"], [f"{result}.png"])
    assert found == {truth: [f"{result}.png"]}


def test_a_suffix_that_several_files_share(tmp_path: Path) -> None:
    results = [f"{name}_epoch99.png" for name in ("a", "ab", "a_b")]
    found = matched(tmp_path, ["a.png", "ab.png", "a_b.png"], results)
    assert found == {"a": [results[0]], "ab": [results[1]], "a_b": [results[2]]}


@pytest.mark.parametrize(
    ("truths", "results", "expected"),
    [
        # a text that several files share
        ("a ab a_b", "e9_a e9_ab e9_a_b", {"a": "e9_a", "ab": "e9_ab", "a_b": "e9_a_b"}),
        ("1 11", "img1 img11", {"1": "img1", "11": "img11"}),
        # what would be a guess is left out
        ("1 2", "img21 img22", {"": "img21 img22"}),
        ("1 2", "10 20", {"": "10 20"}),
        ("man bird", "foreman blackbird", {"": "blackbird foreman"}),
        ("1 2 a_1", "x_a_1 x_a_2", {"": "x_a_1", "2": "x_a_2"}),
        ("baby head", "baby_head baby_x2", {"": "baby_head", "baby": "baby_x2"}),
        ("a b", "x3_q_a x3_q_b", {}),
    ],
)
def test_texts_before_names(
    tmp_path: Path, truths: str, results: str, expected: dict[str, str]
) -> None:
    files = [f"{name}.png" for name in results.split()]
    images(tmp_path / "Net", ["spare_x2_c7.png"])
    found = matched(tmp_path, [f"{name}.png" for name in truths.split()], files)
    found[""].remove("spare_x2_c7.png")
    wanted = {name: [f"{file}.png" for file in files.split()] for name, files in expected.items()}
    assert {name: files for name, files in found.items() if files} == wanted


def test_other_scales_are_not_read_and_other_names_are_surplus(tmp_path: Path) -> None:
    results = ["a_x2.png", "a_x3.png", "X4/a.png", "img_1.png"]
    assert matched(tmp_path, ["a.png", "img.png"], results) == {
        "a": ["a_x2.png"],
        "": ["img_1.png"],
    }


def test_several_sets_have_a_folder_each(tmp_path: Path) -> None:
    sets = [find_dataset(images(tmp_path / name, ["a.png"])) for name in ("Set5", "Set14")]
    folder = images(tmp_path / "Net", ["visual/set5_x2/a.png", "other/a.png"])
    five, fourteen = match_results(Method("Net", folder), sets, ["Set5", "Set14"], 2)
    assert five is not None
    assert five.files == {"a": [folder / "visual/set5_x2/a.png"]}
    assert fourteen is None
    with pytest.raises(ScalewiseError, match=r"Net: no folder in it is called Set7 or Set14; put "):
        match_results(Method("Net", folder), sets, ["Set7", "Set14"], 2)
    with pytest.raises(ScalewiseError, match="Net: no images at x3; names in it say x2: scale=2"):
        match_results(Method("Net", images(tmp_path / "x/Net", ["x2/a.png"])), sets, ["a", "b"], 3)


@pytest.mark.parametrize("size", [(32, 30), (33, 31), (34, 32)])
def test_incomplete_blocks_are_left_out(tmp_path: Path, size: tuple[int, int]) -> None:
    dataset = find_dataset(images(tmp_path / "set", ["a.png"], (33, 31)))
    method = Method("Net", images(tmp_path / "Net", ["a.png"], size))
    (matches,) = match_results(method, [dataset], ["set"], 2)
    assert matches is not None
    ((_, result),) = read_results(matches, dataset, 2, FIELD)
    assert isinstance(result, Result)
    assert result.pixels.shape == result.truth.shape == (32, 30, 3)


def test_each_problem_is_one_line(tmp_path: Path) -> None:
    names = ["absent", "damaged", "large", "twice"]
    dataset = find_dataset(images(tmp_path / "set", [f"{name}.png" for name in names]))
    folder = images(tmp_path / "Net", ["twice.png", "twice_x2.png"])
    images(folder, ["large.png"], (64, 60))
    (folder / "damaged.png").write_bytes(b"not an image")
    (matches,) = match_results(Method("Net", folder), [dataset], ["set"], 2)
    assert matches is not None
    found = {item.name: result for item, result in read_results(matches, dataset, 2, FIELD)}
    assert found["absent"] == "no image of this name"
    assert str(found["damaged"]).startswith(f"{folder / 'damaged.png'}: ")
    assert found["large"] == f"{folder / 'large.png'}: 60x64, where the ground truth is 30x32"
    assert found["twice"] == "twice.png and twice_x2.png are both called like it; remove one"
    assert all("\n" not in str(problem) for problem in found.values())


def test_a_file_of_the_right_size_is_the_result(tmp_path: Path) -> None:
    """An input and its result may lie in one folder."""
    dataset = find_dataset(images(tmp_path / "set", ["a.png"]))
    folder = images(tmp_path / "Net", ["a.png"], (16, 15))
    images(folder, ["a_x2.png"])
    (matches,) = match_results(Method("Net", folder), [dataset], ["set"], 2)
    assert matches is not None
    ((_, result),) = read_results(matches, dataset, 2, FIELD)
    assert isinstance(result, Result)
    assert result.path.name == "a_x2.png"


def test_methods_are_called_after_folders_or_by_hand(tmp_path: Path) -> None:
    for name in ("x/Net", "y/Net", "z"):
        (tmp_path / name).mkdir(parents=True)
    given = [tmp_path / "x/Net", tmp_path / "y/Net", f"Best={tmp_path / 'z'}"]
    assert [method.name for method in methods_of(given)] == ["x/Net", "y/Net", "Best"]
    with pytest.raises(ScalewiseError, match="two methods are called Best; give them names: NAME="):
        methods_of([given[2]], ["Best"])
    with pytest.raises(ScalewiseError, match="nowhere: no such folder; give a folder of images"):
        methods_of([tmp_path / "nowhere"])
