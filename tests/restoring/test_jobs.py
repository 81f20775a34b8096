"""File jobs: the output that belongs to each input."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from scalewise.errors import ScalewiseError
from scalewise.restoring.filters import Selection, parse_shard
from scalewise.restoring.jobs import plan_jobs, require_other


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
    with pytest.raises(ScalewiseError, match="none selected"):
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
    with pytest.raises(ScalewiseError, match="several images need a folder"):
        plan_jobs([folder], folder / "one.png", "_x2")
    with pytest.raises(ScalewiseError, match="no such file"):
        plan_jobs([folder / "missing.png"], None, "_x2")
    (folder / "empty").mkdir()
    with pytest.raises(ScalewiseError, match="no image in it"):
        plan_jobs([folder / "empty"], None, "_x2")


def test_a_result_that_would_replace_an_input_is_a_problem_of_its_own(folder: Path) -> None:
    touch(folder, "c.tiff")
    jobs = plan_jobs([folder], folder, "", format="png")
    problems = {job.source.name: job.problem for job in jobs}
    assert "would replace an input" in problems.pop("a.png")
    assert set(problems.values()) == {""}


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_an_input_by_another_name_is_not_replaced_either(
    folder: Path, link: Callable[[Path, Path], None]
) -> None:
    """As where a file system ignores the case of names; alone as in a batch."""
    source, other = folder / "a.png", folder / "b.png"
    link(source, other)
    problem = f"{other}: would replace an input; choose another output"
    (job,) = plan_jobs([source], other, "")
    assert job.problem == problem
    with pytest.raises(ScalewiseError, match=re.escape(problem)):
        require_other(source, other)
    require_other(source, folder / "new.png")


def test_two_results_of_one_name(folder: Path) -> None:
    touch(folder, "other/a.png")
    first, second = plan_jobs([folder / "a.png", folder / "other" / "a.png"], folder / "out", "")
    assert not first.problem
    assert f"would be written to {second.target}, too; rename one" in second.problem


def test_of_two_results_of_one_name_the_one_that_keeps_its_format_is_made(folder: Path) -> None:
    touch(folder, "a.bmp", "a.gif")
    jobs = plan_jobs([folder], folder.parent / "out", "")
    (made,) = (job for job in jobs if job.target.name == "a.png" and not job.problem)
    assert made.source == folder / "a.png"
    problems = [job.problem for job in jobs if job.problem]
    assert len(problems) == 2
    assert all(f"because {made.source} would be written" in each for each in problems)


def test_the_same_picture_twice_is_one_job(folder: Path) -> None:
    twice = [folder / "a.png", folder / "sub" / ".." / "a.png"]
    assert targets(*twice, output=folder / "b.png") == ["b.png"]
    (folder / "linked").symlink_to(folder / "sub")
    again = [folder / "a.png", folder / "sub" / ".." / "a.png", folder, folder / "linked"]
    out = folder.parent / "out"
    once = targets(folder, folder / "a.png", output=out, suffix="")
    assert [job.target for job in plan_jobs(again, out, "")] == [
        out / "a.png",
        out / "sub" / "a.jpg",
        out / "sub" / "b.JPG",
    ]
    assert once == ["out/a.png", "out/sub/a.jpg", "out/sub/b.JPG"]
    kept = plan_jobs([folder, folder / "a.png"], out, "", selection=Selection(exclude=("a*",)))
    assert [job.source for job in kept] == [folder / "sub" / "b.JPG", folder / "a.png"]


def test_two_names_of_one_file_are_two_pictures(folder: Path) -> None:
    (folder / "b.png").symlink_to(folder / "a.png")
    assert targets(folder / "a.png", folder / "b.png") == ["a_x2.png", "b_x2.png"]


@pytest.mark.parametrize("given", ["in", "./in", "in/../in", "{root}/in", "linked"])
@pytest.mark.parametrize("out", ["in/large", "{root}/in/large", "linked/large", "sub/../in/large"])
def test_an_output_within_is_left_out_however_it_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, given: str, out: str
) -> None:
    root = folder.parent
    monkeypatch.chdir(root)
    (root / "sub").mkdir()
    (root / "linked").symlink_to("in")
    touch(folder, "large/a.png", "large/sub/a.jpg", "large/sub/b.JPG")
    jobs = plan_jobs([Path(given.format(root=root))], out.format(root=root), "")
    assert len(jobs) == 3
    assert {job.target.resolve() for job in jobs} == {
        folder / "large" / name for name in ("a.png", "sub/a.jpg", "sub/b.JPG")
    }


def test_results_of_other_sizes_and_tasks_are_told_of(tmp_path: Path) -> None:
    results = ["a_x3.png", "a_x1.5.webp", "a_w100.png", "a_h9.png", "a_640x480.png"]
    results += ["a_restored.jpg", "a_restored_x2.jpg", "a_big.png"]
    touch(tmp_path, "a.png", "b_x2.png", "a_xmas.png", "c/a_x3.png", *results)
    said: list[str] = []
    jobs = plan_jobs([tmp_path], tmp_path / "out", "_big", warn=said.append)
    assert [job.source.name for job in jobs] == ["a.png", "a_xmas.png", "b_x2.png", "a_x3.png"]
    (line,) = said
    assert "a_640x480.png and 7 more: left out" in line
    (alone,) = plan_jobs([tmp_path / "a_x3.png"], None, "_x2", warn=said.append)
    assert (alone.target.name, len(said)) == ("a_x3_x2.png", 1)
    named = [tmp_path / "a.png", tmp_path / "a_x3.png"]
    assert len(plan_jobs(named, None, "_x2", warn=said.append)) == 2
    (first,) = plan_jobs(named, None, "_x3", warn=said.append)  # as *.png has them after a run
    assert (first.source, first.problem) == (tmp_path / "a.png", "")
    assert "a_x3.png: left out" in said[-1]


def test_pictures_in_the_output_that_are_no_results_are_told_of(folder: Path) -> None:
    touch(folder, "out/a.webp", "out/sub/a.jpg", "out/sub/own.jpg", "out/own.png")
    said: list[str] = []
    assert len(plan_jobs([folder], folder / "out", "", warn=said.append)) == 3
    (line,) = said
    assert f"{folder / 'out' / 'own.png'} and 1 more: left out" in line
    assert len(plan_jobs([folder / "out"], folder / "out" / "new", "", warn=said.append)) == 4
    assert len(said) == 1


def test_images_under_other_extensions_are_told_of(folder: Path) -> None:
    (folder / "b.jpg_original").write_bytes(b"\xff\xd8\xff\xe0" + bytes(20))
    (folder / "c.MPO").touch()
    told: list[str] = []
    jobs = plan_jobs([folder], None, "_x2", warn=told.append)
    assert folder / "c_x2.png" in [job.target for job in jobs]
    (line,) = told
    assert line.startswith("1 image left out, because of the extension (.jpg_original)")
    plan_jobs([folder], None, "_x2", warn=told.append, selection=Selection(exclude=("b*",)))
    assert told == [line]


@pytest.mark.parametrize(
    "output", ["2024.05.06", "models.v1", "x.png/", "Mr. Smith", "large/", ".hidden", "v1.25"]
)
def test_names_of_folders_may_have_dots(folder: Path, output: str) -> None:
    (job,) = plan_jobs([folder / "a.png"], f"{folder}/{output}", "")
    assert job.target == folder / output / "a.png"
    assert len(plan_jobs([folder], f"{folder.parent}/{output}", "")) == 3


def test_an_unknown_extension_is_one_for_a_single_picture_only(folder: Path) -> None:
    (job,) = plan_jobs([folder / "a.png"], folder / "a.xyz", "")
    assert job.target == folder / "a.xyz"
    assert {job.target.parts[-2] for job in plan_jobs([folder / "sub"], "set.final", "")} == {
        "set.final"
    }


def test_patterns_know_no_case_nor_spelling(tmp_path: Path) -> None:
    touch(tmp_path, "a.PNG", "b.png", "Old/c.png", "e\u0301te.png")

    def wanted(**patterns: tuple[str, ...]) -> list[str]:
        jobs = plan_jobs([tmp_path], None, "_x2", selection=Selection(**patterns))
        return [job.source.name for job in jobs]

    assert wanted(include=("*.png",)) == ["c.png", "a.PNG", "b.png", "e\u0301te.png"]
    assert wanted(include=("\u00c9*",)) == ["e\u0301te.png"]
    assert wanted(exclude=("old/", "./B*", "e*", "\u00e9*")) == ["a.PNG"]


def test_a_suffix_is_no_folder(folder: Path) -> None:
    with pytest.raises(ScalewiseError, match="without separators"):
        plan_jobs([folder], None, "/large")


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


def test_a_shard_may_be_empty(folder: Path) -> None:
    shards = [Selection(shard=(index, 40)) for index in range(1, 41)]
    jobs = [plan_jobs([folder], None, "_x2", selection=shard) for shard in shards]
    assert sum(map(len, jobs)) == 3
    assert [] in jobs
    with pytest.raises(ScalewiseError, match="none selected"):
        plan_jobs([folder], None, "_x2", selection=Selection(include=("*.gif",), shard=(1, 40)))
