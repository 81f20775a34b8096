"""Results of other programs: folders of images, matched with ground truths by name.

Below a method's folder, a folder per set holds the results of that set, at any depth
(``METHOD/Set5/x2/baby.png``); for a single set that none is called after, all of the folder is it.
:mod:`scalewise.evaluating.result_names` says what files may be called.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import paths_of
from scalewise.data.layouts import Dataset, Item
from scalewise.data.layouts.names import normalised, read_folder
from scalewise.data.reading import read_rgb
from scalewise.errors import ScalewiseError, TooSmall
from scalewise.evaluating.evaluate import ImageScore, score_image, sha256_of
from scalewise.evaluating.result_names import Matches, match_names, scale_of
from scalewise.files import Picture, find_images, read, to_8_bit
from scalewise.imaging.blind_estimation import Compression, with_article
from scalewise.imaging.colour import is_grey, to_rgb
from scalewise.imaging.metric_registry import Metric
from scalewise.imaging.protocols import Protocol
from scalewise.restoring.look import stated_compression

Pixels = NDArray[np.uint8]

_LOSSLESS_AVIF = Compression("AVIF", 100)
_SET_SCALE = re.compile(r"[_\-. ]?x[2-9]$|^x[2-9][_\-. ]|[_\-. ][2-9]x$")


@dataclass(frozen=True)
class Method:
    """A method by its name, and the folder of its results."""

    name: str
    folder: Path


@dataclass(frozen=True)
class Result:
    """A result that can be scored: its file, its pixels (H, W, 3), and its ground truth's.

    Faults are what makes its scores doubtful, though it can be scored: it is the ground truth
    itself, grey, transparent or a JPEG; see :func:`fault_lines`.
    """

    path: Path
    pixels: Pixels
    truth: Pixels
    faults: tuple[str, ...] = ()


def methods_of(results: Sequence[Any], taken: Sequence[str] = ()) -> list[Method]:
    """Return methods for folders of results, named after them.

    Args:
        results: folders, or texts ``NAME=FOLDER``.  Of two folders that are called alike, the name
            has the folder above in it.
        taken: names that other methods have already.

    Raises:
        ScalewiseError: no such folder, or two methods of one name.
    """
    folders: list[Path] = []
    names: list[str] = []
    for path in paths_of(results, "results"):
        name, separator, rest = str(path).partition("=")
        named = bool(separator and rest) and not path.exists()
        if named and not name.strip():
            raise ScalewiseError(
                f"results {path}: no name before '='; give NAME=FOLDER, or the folder alone",
                arguments=["results"],
            )
        folder = Path(rest) if named else path
        if not folder.is_dir():
            what = "is a file" if folder.exists() else "no such folder"
            raise ScalewiseError(
                f"results {folder}: {what}; give a folder of images, or NAME=FOLDER",
                arguments=["results"],
            )
        folders.append(folder)
        names.append(name if named else folder.resolve().name)
    twice = {name for name, count in Counter(names).items() if count > 1}
    for index, folder in enumerate(folders):
        if names[index] in twice:
            names[index] = "/".join(folder.resolve().parts[-2:])
    again = [name for name, count in Counter([*names, *taken]).items() if count > 1]
    if again:
        raise ScalewiseError(
            f"results: two methods are called {again[0]}; give them names: NAME=FOLDER",
            arguments=["results"],
        )
    return [Method(name, folder) for name, folder in zip(names, folders, strict=True)]


def match_results(
    method: Method, datasets: Sequence[Dataset], titles: Sequence[str], scale: int
) -> list[Matches | None]:
    """Match the images of a method's folder with those of datasets, by name.

    Args:
        method: its folder has a folder per set, or the results of the only set.
        datasets: the ground truths.
        titles: what each is called.
        scale: files and folders that say another one are left out.

    Returns:
        The matches of each dataset; None where the method has no folder of its name.

    Raises:
        ScalewiseError: the folder has no images, none of a dataset, or two for one image.
    """
    names = {item.name.rpartition("/")[2].casefold() for each in datasets for item in each.items}
    said = {path: _said(method, path, names) for path in find_images(method.folder)}
    files = [path for path, scales in said.items() if scales <= {scale}]
    if not files:
        others = sorted({each for scales in said.values() for each in scales} - {scale})
        hint = f"; names in it say {' and '.join(f'x{each}' for each in others)}" if others else ""
        value = f": scale={others[0]}" if len(others) == 1 else ""
        raise ScalewiseError(
            f"{method.folder}: no images at x{scale}{hint}{value}", arguments=["scale"]
        )
    of_set = [[path for path in files if _is_of(method, path, title)] for title in titles]
    if not any(of_set) and len(datasets) == 1:
        of_set = [files]
    if not any(of_set):
        raise ScalewiseError(
            f"{method.folder}: no folder in it is called {' or '.join(titles)}; put the results of "
            "each set into a folder of its name"
        )
    return [
        match_names(paths, dataset, method.name, scale) if paths else None
        for paths, dataset in zip(of_set, datasets, strict=True)
    ]


def read_results(
    matches: Matches, dataset: Dataset, scale: int, protocol: Protocol
) -> Iterator[tuple[Item, Result | str]]:
    """Yield every image of a dataset with its result, or with what is wrong, in one line.

    A result may be as large as the ground truth, or as the ground truth cut down or filled up to
    whole blocks of ``scale``; the ground truth is scored without an incomplete block.
    """
    for item in dataset.items:
        candidates = matches.files.get(item.name, [])
        if not candidates:
            yield item, "no image of this name"
            continue
        hr = read_rgb(item.hr)
        try:
            truth = protocol.truth(hr, scale)
        except TooSmall as error:
            yield item, str(error)
            continue
        found: list[Result] = []
        problems: list[str] = []
        for path in candidates:
            try:
                picture = read(path)
                pixels = to_8_bit(to_rgb(picture.colour))
                pixels = _cut(pixels, hr, truth, scale, whole=protocol.squash is not None)
            except ScalewiseError as error:
                reason = str(error)
                problems.append(reason if str(path) in reason else f"{path}: {reason}")
                continue
            found.append(Result(path, pixels, truth, _faults(path, picture, pixels, truth)))
        if len(found) > 1:
            names = " and ".join(result.path.name for result in found)
            yield item, f"{names} are both called like it; remove one"
        else:
            yield item, found[0] if found else problems[0]


def score_results(
    method: Method,
    matches: Matches,
    dataset: Dataset,
    title: str,
    scale: int,
    protocol: Protocol,
    metrics: Sequence[Metric] = (),
) -> Iterator[ImageScore | str]:
    """Yield the scores of a method's results on a dataset, or what is wrong, image by image.

    A remark, which costs no image, is yielded before its image's scores and starts with ``note:``.
    """
    faulty: dict[str, list[str]] = {}
    for item, result in read_results(matches, dataset, scale, protocol):
        where = f"{method.name} on {title}: {item.name}"
        if isinstance(result, str):
            yield f"{where}: {result}"
            continue
        try:
            image = score_image(item.name, result.pixels, result.truth, scale, protocol, metrics)
        except TooSmall as error:
            yield f"{where}: {error}"
            continue
        except ScalewiseError as error:
            raise ScalewiseError(f"{result.path}: {error}") from error
        note_faults(faulty, result)
        yield replace(image, truth_sha256=sha256_of(item.hr), result_sha256=sha256_of(result.path))
    for line in fault_lines(faulty):
        yield f"note: {method.name} on {title}: {line}"
    if matches.surplus:
        more = f" and {len(matches.surplus) - 1} more" if matches.surplus[1:] else ""
        yield (
            f"note: {method.name} on {title}: not used: {matches.surplus[0]}{more}: "
            "no image of the set is called so"
        )


def note_faults(faulty: dict[str, list[str]], result: Result) -> None:
    """Add a result's file to those that have the same faults, for :func:`fault_lines`."""
    for fault in result.faults:
        faulty.setdefault(fault, []).append(result.path.name)


def fault_lines(faulty: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield a line on each fault: the first file that has it, and how many more.

    >>> [*fault_lines({"a JPEG": ["a.jpg", "b.jpg"], "grey": ["c.png"]})]
    ['a.jpg and 1 more: a JPEG', 'c.png: grey']
    """
    for fault, names in faulty.items():
        more = f" and {len(names) - 1} more" if names[1:] else ""
        yield f"{names[0]}{more}: {fault}"


def scales_of_name(method: Method) -> set[int]:
    """Return the scale that a method's name or its folder's says; none, or two, are possible."""
    names = (method.name, method.folder.resolve().name)
    return {scale for name in names if (scale := read_folder(name)[1]) is not None}


def stated_scales(method: Method) -> set[int]:
    """Return the scales that a method's name, and names of its folders and files, say."""
    said = scales_of_name(method)
    for path in find_images(method.folder):
        said |= _said(method, path)
    return said


def _said(method: Method, path: Path, names: Collection[str] = ()) -> set[int]:
    """Return the scales that the folders of a file and its name say.

    Args:
        method: its folder's own name does not count.
        path: a file in it.
        names: those of the ground truths, in lower case: what they say is not about a result.
    """
    inner = path.relative_to(method.folder)
    said = [read_folder(folder)[1] for folder in inner.parts[:-1]]
    if normalised(path.stem).casefold() not in names:
        said.append(scale_of(path.stem))
    return {each for each in said if each is not None}


def _is_of(method: Method, path: Path, title: str) -> bool:
    """Return whether a folder between a method's folder and a file is called like a set."""
    wanted = normalised(PurePosixPath(title).name).casefold()
    folders = path.relative_to(method.folder).parts[:-1]
    return any(_SET_SCALE.sub("", normalised(each).casefold()) == wanted for each in folders)


def _faults(path: Path, picture: Picture, pixels: Pixels, truth: Pixels) -> tuple[str, ...]:
    """Return what makes the scores of a result doubtful."""
    faults: list[str] = []
    if np.array_equal(pixels, truth):
        faults.append("the ground truth itself, so PSNR is infinite")
    if is_grey(pixels) and not is_grey(truth):
        faults.append("grey, and the ground truth has colours")
    alpha = picture.alpha
    if alpha is not None:
        opaque = np.iinfo(alpha.dtype).max if alpha.dtype.kind == "u" else 1
        if (alpha < opaque).any():
            faults.append("transparent in parts; alpha is not scored, only the colours below it")
    stated = stated_compression(path)
    if stated is not None and stated != _LOSSLESS_AVIF:
        kind = with_article(stated.codec)
        faults.append(f"{kind}, whose loss is scored with the result; save results as PNG")
    return tuple(faults)


def _cut(pixels: Pixels, hr: Pixels, truth: Pixels, scale: int, *, whole: bool) -> Pixels:
    """Return a result as large as the ground truth that it is scored against."""
    height, width = truth.shape[:2]
    sides = [height] if whole else [height, hr.shape[0], -(-hr.shape[0] // scale) * scale]
    widths = [width] if whole else [width, hr.shape[1], -(-hr.shape[1] // scale) * scale]
    if pixels.shape[:2] not in [*zip(sides, widths, strict=True)]:
        raise ScalewiseError(
            f"{pixels.shape[1]}x{pixels.shape[0]}, where the ground truth is {width}x{height}"
        )
    return pixels[:height, :width]
