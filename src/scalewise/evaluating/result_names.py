"""Matching of results with ground truths by the names of their files.

A file is called like the ground truth, with or without text before or after it: a scale, words
that programs add (``SR_``, ``_out``), the method's name, or what several files of the folder share.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scalewise.data.layouts import Dataset
from scalewise.data.layouts.names import normalised, plain_stem
from scalewise.errors import ScalewiseError

_WORDS = (
    r"(?:sr|hr|out|outputs?|res|results?|restored|rec|recon|pred|predicted|prediction|fake"
    r"|enhanced|enlarged|upscaled|deblurred|denoised|dejpeg|clean|final|rlt|est|rgb)"
)
_SCALE = re.compile(r"(?:[_\-. ]*x(?P<after>[2-9])|[_\-. ]+(?P<before>[2-9])x)$", re.IGNORECASE)
_SCALE_FIRST = re.compile(r"(?:x(?P<after>[2-9])|(?P<before>[2-9])x)[_\-. ]+", re.IGNORECASE)
_WORD = re.compile(rf"[_\-. ]+{_WORDS}$", re.IGNORECASE)
_WORD_FIRST = re.compile(rf"{_WORDS}[_\-. ]+", re.IGNORECASE)
_SCALE_WITHIN = re.compile(r"(?<![^\W_])(?:x([2-9])|([2-9])x)(?![^\W_])", re.IGNORECASE)


@dataclass(frozen=True)
class Matches:
    """Results of one method for one set.

    Attributes:
        files: image name -> files that may be its result, the likeliest first.
        surplus: files that are called like no image of the set, or may be of several.
    """

    files: Mapping[str, list[Path]]
    surplus: list[Path]


def scale_of(stem: str) -> int | None:
    """Return the scale that a file's name says at its end or its start.

    >>> [scale_of(name) for name in ("baby_x2", "3x_baby", "max2", "baby")]
    [2, 3, 2, None]
    """
    found = _SCALE.search(stem) or _SCALE_FIRST.match(stem)
    return int(found["after"] or found["before"]) if found else None


def match_names(paths: Sequence[Path], dataset: Dataset, method: str, scale: int) -> Matches:
    """Match the files of one method with the images of one set.

    Args:
        paths: the files.
        dataset: the ground truths.
        method: the method's name, which may be a part of the files' names.
        scale: text before an image's name that says another one is not understood.

    Raises:
        ScalewiseError: two images of the set are called alike.
    """
    keys = _keys(dataset)
    files: dict[str, list[Path]] = {}
    others: list[tuple[Path, str]] = []
    for path in paths:
        stem = normalised(path.stem).casefold()
        name = next((keys[each] for each in _shortened(stem) if each in keys), None)
        if name is None:
            others.append((path, stem))
        else:
            files.setdefault(name, []).append(path)
    stems = [stem for _, stem in others]
    suffixes = _shared_suffixes(stems, keys, method.casefold())
    prefixes = _shared_prefixes(stems, keys, method.casefold(), scale)
    surplus: list[Path] = []
    for path, stem in others:
        ends = (stem.removesuffix(each) for each in suffixes if stem.endswith(each))
        found = {*[keys[each] for each in ends if each in keys][:1]}
        found |= _without_prefix(stem, keys, prefixes, scale)
        if len(found) == 1:
            files.setdefault(found.pop(), []).append(path)
        else:
            surplus.append(path)
    return Matches(files, surplus)


def _keys(dataset: Dataset) -> dict[str, str]:
    """Return what files may be called -> the image's name: its name alone, without ``_HR``."""
    keys: dict[str, str] = {}
    twice: set[str] = set()
    for item in dataset.items:
        last = item.name.rpartition("/")[2]
        for key in {last.casefold(), plain_stem(last).casefold()}:
            if keys.setdefault(key, item.name) != item.name:
                twice.add(key)
    if twice:
        raise ScalewiseError(
            f"{dataset.root}: several images are called {min(twice)}, so results cannot be told "
            "apart by name; give the folders as sets of their own"
        )
    return keys


def _shortened(stem: str) -> Iterator[str]:
    """Yield a name, and what is left of it without one known suffix after the other.

    >>> list(_shortened("baby_x2_sr"))
    ['baby_x2_sr', 'baby_x2', 'baby']
    """
    yield stem
    while shorter := _SCALE.sub("", stem) if _SCALE.search(stem) else _WORD.sub("", stem):
        if shorter == stem:
            return
        yield shorter
        stem = shorter


def _shared_suffixes(stems: Sequence[str], keys: Mapping[str, str], method: str) -> list[str]:
    """Return texts that several names have after an image's, or that name the method.

    Of texts that fit, the shortest comes first: it belongs to the longest image's name.
    """
    counts = Counter(
        stem[len(key) :]
        for stem in stems
        for key in keys
        if key and stem.startswith(key) and not _cuts_number(key, stem[len(key) :])
    )
    end = _common_start([stem[::-1] for stem in stems])[::-1]
    shared = [
        each
        for each, count in counts.items()
        if count > 1 or method in each or (end.endswith(each) and not each[0].isalnum())
    ]
    return sorted(shared, key=len)


def _shared_prefixes(
    stems: Sequence[str], keys: Mapping[str, str], method: str, scale: int
) -> list[str]:
    """Return texts that several names have before an image's, or that name the method.

    A text that ends within a word counts only if all names have it: ``fore`` is not a program's
    addition to ``man``.
    """
    counts: Counter[str] = Counter()
    words: set[str] = set()  # that end where a word does
    for stem in stems:
        starts: set[str] = set()
        for shorter in _shortened(stem):
            for key in keys:
                before = shorter.removesuffix(key)
                if before and before != shorter:
                    starts.add(before)
                    if not before[-1].isalnum() or (before[-1].isalpha() and key[0].isdigit()):
                        words.add(before)
        counts.update(starts)
    start = _common_start(stems)
    shared: list[str] = []
    for each, count in counts.items():
        says = {int(after or before) for after, before in _SCALE_WITHIN.findall(each)}
        is_whole = start.startswith(each) and not each[-1].isdigit()
        named = method in each and (each in words or each.endswith(method))
        if says <= {scale} and (named or is_whole or (each in words and count > 1)):
            shared.append(each)
    # A shorter text in a shared one may be all that was added: then the name fits two images.
    return [*shared, *(each for each in words if any(long.startswith(each) for long in shared))]


def _without_prefix(
    stem: str, keys: Mapping[str, str], prefixes: Sequence[str], scale: int
) -> set[str]:
    """Return the images whose name is left without a known prefix, else without a shared one."""
    for shorter in _shortened(stem):
        known = shorter
        while True:
            found = _SCALE_FIRST.match(known)
            if found and int(found["after"] or found["before"]) != scale:
                break
            found = found or _WORD_FIRST.match(known)
            if not found:
                break
            known = known[found.end() :]
            if known in keys:
                return {keys[known]}
        starts = (shorter.removeprefix(each) for each in prefixes if shorter.startswith(each))
        if names := {keys[each] for each in starts if each in keys}:
            return names
    return set()


def _common_start(texts: Sequence[str]) -> str:
    """Return what all of several texts begin with; empty for a single one."""
    if not texts[1:]:
        return ""
    low, high = min(texts), max(texts)
    differ = (at for at, (one, other) in enumerate(zip(low, high, strict=False)) if one != other)
    return low[: next(differ, len(low))]


def _cuts_number(before: str, after: str) -> bool:
    """Return whether a number goes on from one text to the other: 1 and 2 of 12."""
    return before[-1:].isdigit() and after[:1].isdigit()
