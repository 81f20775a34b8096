"""Which output belongs to which input."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scalewise.errors import ScalewiseError
from scalewise.restoring.jobs import Selection, parse_shard, plan_jobs


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    touch(tmp_path / "in", "a.png", "sub/a.jpg", "sub/b.JPG", "notes.txt")
    return tmp_path / "in"


def targets(
    *inputs: Path,
    output: Path | None = None,
    suffix: str = "_x2",
    format: str | None = None,
    selection: Selection | None = None,
) -> list[str]:
    jobs = plan_jobs(inputs, output, suffix, format=format, selection=selection)
    assert not [job.problem for job in jobs if job.problem]
    return [job.target.relative_to(inputs[0].parent).as_posix() for job in jobs]


def test_beside_the_picture(folder: Path) -> None:
    assert targets(folder / "a.png") == ["a_x2.png"]
    assert targets(folder) == ["in/a_x2.png", "in/sub/a_x2.jpg", "in/sub/b_x2.JPG"]


def test_one_picture_to_a_file_or_a_folder(folder: Path) -> None:
    assert targets(folder / "a.png", output=folder / "large.webp") == ["large.webp"]
    assert targets(folder / "a.png", output=folder / "large", suffix="") == ["large/a.png"]
    assert targets(folder / "a.png", output=folder / "large") == ["large/a_x2.png"]


def test_a_folder_keeps_its_tree(folder: Path) -> None:
    found = targets(folder, output=folder.parent / "out", suffix="")
    assert found == ["out/a.png", "out/sub/a.jpg", "out/sub/b.JPG"]


def test_another_format(folder: Path) -> None:
    found = targets(folder, output=folder.parent / "out", suffix="", format="webp")
    assert found == ["out/a.webp", "out/sub/a.webp", "out/sub/b.webp"]
    with pytest.raises(ScalewiseError, match="unknown format 'bmp'"):
        targets(folder, format="bmp")


def test_a_format_that_cannot_be_written_becomes_png(tmp_path: Path) -> None:
    touch(tmp_path, "a.gif", "b.heic")
    assert targets(tmp_path / "a.gif") == ["a_x2.png"]
    assert targets(tmp_path, output=tmp_path.parent / "out", suffix="") == [
        "out/a.png",
        "out/b.png",
    ]


def test_names_keep_their_dots(tmp_path: Path) -> None:
    touch(tmp_path, "a.b.png", "ü 1.webp")
    found = targets(tmp_path, suffix=".large")
    assert [Path(name).name for name in found] == ["a.b.large.png", "ü 1.large.webp"]


def test_results_of_an_earlier_run_are_no_inputs(folder: Path) -> None:
    first = targets(folder)
    touch(folder, "a_x2.png", "sub/b_x2.JPG", "c_x2.png")
    assert targets(folder) == [*first[:1], "in/c_x2_x2.png", *first[1:]]
    within = targets(folder, output=folder / "out", suffix="")
    touch(folder, "out/a.png", "out/sub/a.jpg")
    assert targets(folder, output=folder / "out", suffix="") == within


def test_patterns(folder: Path) -> None:
    assert targets(folder, selection=Selection(include=("*.jpg", "*.JPG"))) == [
        "in/sub/a_x2.jpg",
        "in/sub/b_x2.JPG",
    ]
    assert targets(folder, selection=Selection(include=("sub/*",), exclude=("b*",))) == [
        "in/sub/a_x2.jpg"
    ]
    with pytest.raises(ScalewiseError, match="none wanted"):
        targets(folder, selection=Selection(include=("*.gif",)))


def test_shards_part_the_pictures_whatever_else_there_is(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{i}.png" for i in range(100)))

    def shard(index: int) -> set[str]:
        return set(targets(tmp_path, selection=Selection(shard=(index, 3))))

    shards = [shard(index) for index in (1, 2, 3)]
    assert set.union(*shards) == set(targets(tmp_path))
    assert sum(map(len, shards)) == 100
    assert min(map(len, shards)) > 15
    for i in range(0, 100, 2):
        (tmp_path / f"{i}.png").unlink()
    touch(tmp_path, "new.png")
    for before, index in zip(shards, (1, 2, 3), strict=True):
        assert shard(index) - before <= {f"{tmp_path.name}/new_x2.png"}


@pytest.mark.parametrize("text", ["0/3", "4/3", "2", "a/b", "-1/3", "1/0"])
def test_shards_that_are_none(text: str) -> None:
    with pytest.raises(ScalewiseError, match="i/n"):
        Selection(shard=parse_shard(text))


def test_mistakes(folder: Path) -> None:
    with pytest.raises(ScalewiseError, match="several pictures need a folder"):
        plan_jobs([folder], folder / "one.png", "_x2")
    with pytest.raises(ScalewiseError, match="no such file"):
        plan_jobs([folder / "missing.png"], None, "_x2")
    (folder / "empty").mkdir()
    with pytest.raises(ScalewiseError, match="no picture in it"):
        plan_jobs([folder / "empty"], None, "_x2")


def test_a_result_that_would_replace_an_input_is_a_problem_of_its_own(folder: Path) -> None:
    touch(folder, "c.tiff")
    jobs = plan_jobs([folder], folder, "", format="png")
    problems = {job.source.name: job.problem for job in jobs}
    assert "would replace an input" in problems.pop("a.png")
    assert set(problems.values()) == {""}


def test_two_results_of_one_name(folder: Path) -> None:
    first, second = plan_jobs([folder / "a.png", folder / "sub" / ".." / "a.png"], folder, "_x2")
    assert not first.problem
    assert "would both be written there" in second.problem


def test_a_folder_that_cannot_be_listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refuse(path: str):
        if Path(path).name == "sub":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    closed, job = plan_jobs([folder], None, "_x2")
    assert "sub: cannot be listed (Permission denied)" in closed.problem
    assert job.target == folder / "a_x2.png"
