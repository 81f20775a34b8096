"""Which output belongs to which input, in a run over many pictures.

The list of jobs follows from the folders' names alone, so that a run that was stopped, and runs
on other machines, find the same list; what is done already is told by the outputs that exist.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from scalewise.errors import ScalewiseError
from scalewise.files import IMAGE_SUFFIXES, find_images, format_of


@dataclass(frozen=True)
class Job:
    """One picture to restore.

    Attributes:
        source: where it is.
        target: where the result belongs.
        problem: why it cannot be restored, if that is known beforehand.
    """

    source: Path
    target: Path
    problem: str = ""


@dataclass(frozen=True)
class Selection:
    """Which of the pictures in folders are wanted.

    Attributes:
        include: patterns such as ``*.jpg`` or ``2024/*``, for the name or for the path within the
            folder; a picture must match one of them, if there are any.
        exclude: patterns of what is left out.
        shard: the i-th of n parts, from 1: ``(i, n)``.  Every picture belongs to one part, by
            its path within the folder, however many others come or go.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    shard: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        index, count = self.shard
        if not 1 <= index <= count:
            raise ScalewiseError(f"shard {index}/{count}: give i/n with i from 1 to n")

    def wants(self, within: Path) -> bool:
        """Whether a picture at this path within its folder is wanted.

        >>> Selection(include=("*.png",), exclude=("old/*",)).wants(Path("new/a.png"))
        True
        """
        if self.include and not _matches(within, self.include):
            return False
        return not _matches(within, self.exclude) and self._holds(within)

    def _holds(self, within: Path) -> bool:
        index, count = self.shard
        return zlib.crc32(os.fsencode(within.as_posix())) % count == index - 1


def parse_shard(text: str) -> tuple[int, int]:
    """The part ``i/n`` of a run.

    Raises:
        ScalewiseError: it does not read so.

    >>> parse_shard("2/8")
    (2, 8)
    """
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None:
        raise ScalewiseError(f"shard '{text}': write i/n, such as 2/8")
    return int(match[1]), int(match[2])


def plan_jobs(
    inputs: Sequence[Path],
    output: Path | None,
    suffix: str,
    *,
    format: str | None = None,
    selection: Selection | None = None,
) -> list[Job]:
    """Pair every input picture with its output file.

    What lies in a folder and is the result of another picture there is left out, and so is the
    output's folder where it lies within: both come from an earlier run.

    Args:
        inputs: pictures, and folders, which are searched with their subfolders.
        output: a file, if there is one input and it is a file; else a folder, in which an
            input folder's tree is kept.  None puts every result beside its picture.
        suffix: what a result's name has before its extension, such as ``_x2``; a file that is
            given as output goes without.
        format: the results' format; None for the picture's own, or PNG where that cannot be
            written.
        selection: which pictures are wanted, of those in folders.

    Returns:
        In order of the inputs and, within folders, of names.  Results of one name, those that
        would replace an input, and folders that cannot be listed, are jobs with a problem.

    Raises:
        ScalewiseError: a missing input, no picture at all, several pictures for one file, or an
            unknown format.
    """
    selection = selection or Selection()
    if output is not None and _is_file_name(output):
        if len(inputs) != 1 or inputs[0].is_dir():
            raise ScalewiseError(f"{output}: several pictures need a folder to be written to")
        return _checked([Job(find_images(inputs[0])[0], output)])
    extension = None if format is None else format_of(Path("a.png"), format).suffixes[0]
    jobs: list[Job] = []
    closed: list[Job] = []
    for given in inputs:
        found = find_images(given, lambda error, path: closed.append(Job(path, path, str(error))))
        if output is not None and output != given and given in output.parents:
            found = [path for path in found if output not in path.parents]
        paired = [Job(path, _target(path, given, output, suffix, extension)) for path in found]
        if given.is_dir():
            results = {job.target for job in paired if job.target != job.source}
            paired = [job for job in paired if job.source not in results]
            paired = [job for job in paired if selection.wants(job.source.relative_to(given))]
        jobs += paired
    if not jobs and not closed:
        raise ScalewiseError(f"{', '.join(map(str, inputs))}: no picture in it, or none wanted")
    return closed + _checked(jobs)


def _target(
    source: Path, given: Path, output: Path | None, suffix: str, extension: str | None
) -> Path:
    name = result_name(source, suffix, extension)
    if output is None:
        return source.with_name(name)
    within = source.relative_to(given).parent if given.is_dir() else Path()
    return output / within / name


def result_name(source: Path, suffix: str, extension: str | None = None) -> str:
    """What the result of a picture is called.

    Args:
        source: the picture.
        suffix: what its name has before its extension.
        extension: the results'; None for the picture's own, or PNG's where that cannot be written.

    >>> result_name(Path("a/b.jpg"), "_x2"), result_name(Path("b.heic"), "")
    ('b_x2.jpg', 'b.png')
    """
    if extension is None:
        extension = source.suffix if source.suffix.lower() in IMAGE_SUFFIXES else ".png"
    return source.stem + suffix + extension


def _is_file_name(path: Path) -> bool:
    return path.suffix != "" and not path.is_dir()


def _matches(path: Path, patterns: Sequence[str]) -> bool:
    names = path.as_posix(), path.name
    return any(fnmatch(name, pattern) for pattern in patterns for name in names)


def _checked(jobs: list[Job]) -> list[Job]:
    """The jobs, with what is known beforehand to go wrong."""
    sources = {job.source.resolve() for job in jobs}
    return [replace(job, problem=problem) for job, problem in _problems(jobs, sources)]


def _problems(jobs: list[Job], sources: set[Path]) -> Iterator[tuple[Job, str]]:
    taken: dict[Path, Path] = {}
    for job in jobs:
        target = job.target.resolve()
        first = taken.setdefault(target, job.source)
        if target in sources:
            yield job, f"{job.target}: would replace an input; choose another output"
        elif first is not job.source:
            yield job, f"{job.target}: {first} and {job.source} would both be written there"
        else:
            yield job, ""
