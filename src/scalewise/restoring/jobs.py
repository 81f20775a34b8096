"""Jobs of a batch run: which output belongs to which input file.

The list of jobs follows from the folders' names alone, so that a run that was stopped, and runs
on other machines, find the same list.  The outputs that exist show what is done already.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from scalewise.arguments import AnyPath, is_list, path_of, shown
from scalewise.errors import ScalewiseError
from scalewise.files import IMAGE_SUFFIXES, READ_SUFFIXES, find_images, format_of
from scalewise.files.find import describe_left_out
from scalewise.restoring.filters import Selection

_SEPARATORS = tuple(filter(None, (os.sep, os.altsep)))


@dataclass(frozen=True)
class FileJob:
    """One image to restore.

    Attributes:
        source: its file.
        target: the result's file.
        problem: why it cannot be restored, if that is known beforehand.
        is_found: whether the target is an image among the inputs that was left out as a result,
            because of a name that commands give by default; its size tells whether it is one.
    """

    source: Path
    target: Path
    problem: str = ""
    is_found: bool = False

    def __post_init__(self) -> None:
        for name in ("source", "target"):
            object.__setattr__(self, name, path_of(getattr(self, name), name))


def check_jobs(jobs: Sequence[FileJob]) -> Sequence[FileJob]:
    """Return jobs, once it is sure that they are a list of nothing else."""
    if not is_list(jobs, lambda job: isinstance(job, FileJob)):
        raise ScalewiseError(
            f"jobs must be a list of FileJob, as plan_jobs makes it, not {shown(jobs)}",
            arguments=["jobs"],
        )
    return jobs


def plan_jobs(
    inputs: Sequence[AnyPath],
    output: AnyPath | None,
    suffix: str,
    *,
    format: str | None = None,
    selection: Selection | None = None,
    warn: Callable[[str], None] | None = None,
) -> list[FileJob]:
    """Pair every input image with its output file.

    An image that is given twice, by two names of its folder or in two of the inputs, is one job.
    Results of earlier runs are left out: what is in the output's folder, and what is in the
    folder of its original under a name that says so, such as ``a_x2.png`` and ``a_restored.jpg``
    next to ``a.jpg``.  Named images are left out only where another's result has their name.

    Args:
        inputs: paths of images, and of folders, which are searched with their subfolders.
        output: a file, if there is one input and it is a file; else a folder, in which an
            input folder's tree is kept.  Text that ends in ``/`` is a folder.  None puts every
            result into the folder of its image.
        suffix: what a result's name has before its extension, such as ``_x2``; a file that is
            given as output goes without.
        format: the results' format; None for the image's own, or PNG where that cannot be
            written.
        selection: which images to take, of those in folders.
        warn: called with a line on images that were left out, as results or by their extension.

    Returns:
        In order of the inputs and, within folders, of names.  Jobs with a problem are those that
        would replace an input, folders that cannot be listed, and of several results of one name
        all but one: the first whose image has that extension already, or else the first.  None
        where all images belong to other shards.

    Raises:
        ScalewiseError: a missing input, no image at all, several images for one file, an
            unknown format, or a suffix with a separator in it.
    """
    selection = selection or Selection()
    if isinstance(inputs, str | bytes | os.PathLike):
        raise ScalewiseError(
            f"inputs must be a list of paths, not {shown(inputs)}", arguments=["inputs"]
        )
    inputs = _once([path_of(path, "inputs") for path in inputs])
    if output is not None:
        checked = path_of(output, "output")
        output = output if isinstance(output, str) else checked  # which has no "/" at its end
    if Path("a" + suffix).name != "a" + suffix:
        raise ScalewiseError(
            f"suffix '{suffix}': must be a part of a name, without separators", arguments=["suffix"]
        )
    several = len(inputs) != 1 or inputs[0].is_dir()
    if output is not None and _is_file_name(output, several):
        if several:
            raise ScalewiseError(
                f"{output}: several images need a folder to be written to; end its name in / if "
                "that is the name of a folder"
            )
        return _checked([FileJob(find_images(inputs[0])[0], Path(output))])
    folder = None if output is None else Path(output)
    if folder is not None and folder.exists() and not folder.is_dir():
        raise ScalewiseError(
            f"{folder}: is a file, not a folder to write to; choose another output"
        )
    extension = None if format is None else format_of(Path("a.png"), format).suffixes[0]
    closed: list[FileJob] = []
    left_out: list[Path] = []
    found: list[_Found] = []
    for given in inputs:
        left: list[Path] = []
        paths = find_images(
            given, lambda error, path: closed.append(FileJob(path, path, str(error))), left
        )
        left_out += [path for path in left if selection.wants(path.relative_to(given))]
        within = given if given.is_dir() else None
        found += [
            _Found(path, _target(path, given, folder, suffix, extension), within) for path in paths
        ]
    if warn is not None and (line := describe_left_out(left_out)):
        warn(line)
    wanted = _without_results(found, folder, suffix, warn)
    wanted = [each for each in wanted if each.given is None or selection.matches(each.within)]
    if not wanted and not closed:
        raise ScalewiseError(f"{', '.join(map(str, inputs))}: no image in it, or none selected")
    wanted = [each for each in wanted if each.given is None or selection.holds(each.within)]
    places = {each.place for each in found}
    once = {each.place: each.job(places) for each in reversed(wanted)}
    jobs = [once.pop(each.place) for each in wanted if each.place in once]
    return closed + _checked(jobs)


@dataclass(frozen=True)
class _Found:
    """An image that was found: in a given folder, or named itself."""

    source: Path
    target: Path
    given: Path | None

    @property
    def within(self) -> Path:
        return self.source.relative_to(self.given or self.source.parent)

    @cached_property
    def place(self) -> Path:
        return _place_of(self.source)

    @cached_property
    def target_place(self) -> Path:
        return _place_of(self.target)

    def job(self, places: Container[Path]) -> FileJob:
        """Return the job; ``places`` are those of all images that were found."""
        there = self.target_place
        is_found = there != self.place and there in places and _RESULT.fullmatch(there.stem)
        return FileJob(self.source, self.target, is_found=bool(is_found))

    def lies_in(self, output: Path) -> bool:
        """Return whether it is in the output's folder, and the folder that was given is not."""
        if self.given is None:
            return False
        folder, given = Path(os.path.realpath(output)), Path(os.path.realpath(self.given))
        return folder in self.place.parents and folder != given and folder not in given.parents


def _place_of(path: Path) -> Path:
    """Return a file's real path, whatever links and dots lead to its folder.

    The file itself may be a link: it is an image of its own name.
    """
    return Path(os.path.realpath(path.parent), path.name)


def _once(paths: Sequence[Path]) -> list[Path]:
    """Return the paths without those of a file or folder that is named before."""
    found: dict[Path, Path] = {}
    for path in paths:
        found.setdefault(_place_of(path), path)
    return list(found.values())


def _without_results(
    found: Sequence[_Found],
    output: Path | None,
    suffix: str,
    warn: Callable[[str], None] | None,
) -> list[_Found]:
    """Return the images that are not results of an earlier run."""
    within = [each for each in found if output is not None and each.lies_in(output)]
    found = [each for each in found if output is None or not each.lies_in(output)]
    originals = {each.target_place for each in found if each.target_place != each.place}
    stems = {each.place.with_suffix("") for each in found}
    kept: list[_Found] = []
    told: list[_Found] = []  # the others certainly come from this very command
    for each in found:
        if each.place in originals:
            told += [each] if each.given is None else []
        elif each.given is not None and _originals(each.place, suffix) & stems:
            told.append(each)
        else:
            kept.append(each)
    results = {target.with_suffix("") for target in originals}
    strangers = [each for each in within if each.place.with_suffix("") not in results]
    if warn is not None and told:
        warn(
            f"{_counted(told)}: left out, because the name says that it is the result of another "
            "input; give it alone to use it"
        )
    if warn is not None and strangers:
        warn(
            f"{_counted(strangers)}: left out, because it is in the folder of the results, though "
            "no input has its name; choose another output to use it"
        )
    return kept


def _counted(found: Sequence[_Found]) -> str:
    return f"{found[0].source}" + (f" and {len(found) - 1} more" if found[1:] else "")


_RESULT = re.compile(r"(?P<original>.+)_(x\d+(\.\d+)?|[wh]\d+|\d+x\d+|restored)")
"""The names that commands give their results by default."""


def _originals(place: Path, suffix: str) -> set[Path]:
    """Return the images that one would be the result of, by its name; without extensions."""
    stems = {match["original"]} if (match := _RESULT.fullmatch(place.stem)) else set[str]()
    if suffix and place.stem.endswith(suffix):
        stems.add(place.stem.removesuffix(suffix))
    return {place.with_name(stem) for stem in stems if stem}


def _target(
    source: Path, given: Path, output: Path | None, suffix: str, extension: str | None
) -> Path:
    name = result_name(source, suffix, extension)
    if output is None:
        return source.with_name(name)
    within = source.relative_to(given).parent if given.is_dir() else Path()
    return output / within / name


def result_name(source: Path, suffix: str, extension: str | None = None) -> str:
    """Return the name of an image's result.

    Args:
        source: the image.
        suffix: what its name has before its extension.
        extension: the results'; None for the image's own, or PNG's where that cannot be written.

    >>> result_name(Path("a/b.jpg"), "_x2"), result_name(Path("b.heic"), "")
    ('b_x2.jpg', 'b.png')
    """
    if extension is None:
        extension = source.suffix if source.suffix.lower() in IMAGE_SUFFIXES else ".png"
    return source.stem + suffix + extension


_EXTENSION = re.compile(r"\.([A-Za-z]{2,5}|jp2|j2k)")


def _is_file_name(output: Path | str, several: bool) -> bool:
    """Return whether an output is a file's name: ``2024.05.06`` and ``models.v1`` are folders."""
    path = Path(output)
    if path.is_dir() or str(output).endswith(_SEPARATORS):
        return False
    if path.suffix.lower() in READ_SUFFIXES:
        return True
    return not several and _EXTENSION.fullmatch(path.suffix) is not None


def require_other(source: Path, target: Path) -> None:
    """Refuse a result in the place of its own image, as jobs of a batch are refused.

    Raises:
        ScalewiseError: the result would replace the image.
    """
    (job,) = _checked([FileJob(source, target)])
    if job.problem:
        raise ScalewiseError(job.problem)


def _checked(jobs: list[FileJob]) -> list[FileJob]:
    """Return the jobs, with the problems that are known beforehand."""
    sources = {_identity(job.source) for job in jobs}
    return [replace(job, problem=problem) for job, problem in _problems(jobs, sources)]


def _problems(jobs: list[FileJob], sources: set[object]) -> Iterator[tuple[FileJob, str]]:
    taken: dict[Path, Path] = {}
    for job in sorted(jobs, key=_changes_format):
        taken.setdefault(job.target.resolve(), job.source)
    for job in jobs:
        first = taken[job.target.resolve()]
        if _identity(job.target) in sources:
            yield job, f"{job.target}: would replace an input; choose another output"
        elif first is not job.source:
            left = f"{job.source}: left out, because {first} would be written to {job.target}, too"
            yield job, f"{left}; rename one of them"
        else:
            yield job, ""


def _changes_format(job: FileJob) -> bool:
    """Return whether a result has another extension than its image."""
    return job.source.suffix.lower() != job.target.suffix.lower()


def _identity(path: Path) -> object:
    """Return what tells a file from others; of names alone, systems may ignore the case."""
    try:
        status = path.stat()
    except OSError:  # not there yet
        return path.resolve()
    return (status.st_dev, status.st_ino) if status.st_ino else path.resolve()
