"""Many files: which output belongs to which input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scalewise.errors import ScalewiseError
from scalewise.files import IMAGE_SUFFIXES, find_images


@dataclass(frozen=True)
class Job:
    """One picture to restore: where it is, and where the result belongs."""

    source: Path
    target: Path


def plan_jobs(inputs: Sequence[Path], output: Path | None, suffix: str) -> list[Job]:
    """Pair every input picture with its output file.

    Args:
        inputs: pictures, and folders, which are searched with their subfolders.
        output: a file, if there is one input and it is a file; else a folder, in which an
            input folder's tree is kept.  None puts every result beside its picture.
        suffix: what an output's name has before its extension, such as ``_x2``, where
            the result lies beside its picture.

    Raises:
        ScalewiseError: a missing input, no picture at all, two results of one name, or a
            result that would replace an input.
    """
    if output is not None and _is_file_name(output):
        if len(inputs) != 1 or inputs[0].is_dir():
            raise ScalewiseError(f"{output}: several pictures need a folder to be written to")
        jobs = [Job(find_images(inputs[0])[0], output)]
    else:
        jobs = [
            Job(source, _target(source, given, output, suffix))
            for given in inputs
            for source in find_images(given)
        ]
    if not jobs:
        raise ScalewiseError(f"{', '.join(map(str, inputs))}: no picture in it")
    _check_targets(jobs)
    return jobs


def _target(source: Path, given: Path, output: Path | None, suffix: str) -> Path:
    # A format that cannot be written (GIF, say) becomes PNG.
    extension = source.suffix if source.suffix.lower() in IMAGE_SUFFIXES else ".png"
    if output is None:
        return source.with_name(source.stem + suffix + extension)
    within = source.relative_to(given) if given.is_dir() else Path(source.name)
    return output / within.with_suffix(extension)


def _is_file_name(path: Path) -> bool:
    return path.suffix != "" and not path.is_dir()


def _check_targets(jobs: list[Job]) -> None:
    sources = {job.source.resolve() for job in jobs}
    targets: dict[Path, Path] = {}
    for job in jobs:
        target = job.target.resolve()
        if target in sources:
            raise ScalewiseError(f"{job.target}: would replace an input; choose another output")
        if target in targets:
            raise ScalewiseError(
                f"{job.target}: {targets[target]} and {job.source} would both be written there"
            )
        targets[target] = job.source
