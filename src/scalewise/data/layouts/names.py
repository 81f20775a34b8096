"""Names of folders and files of paired datasets: HR or LR, scale and split.

Nobody agrees on names: ``DIV2K_train_LR_bicubic/X2/0001x2.png``, ``trainL/0001.png``,
``LRbicx2/0001.png``, ``HR/Set5/x2/baby_HR_x2.png``.  What they share are the words, read here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

Role = Literal["HR", "LR"]

SPLITS = ("train", "valid")
"""The splits that can be asked for; a test split stands in for a missing ``valid``."""

_SEPARATORS = re.compile(r"[_\-. ]+")
_HR = re.compile(r"(?:hr|gt|hq)(?:mod\d+)?(?:x(?P<scale>[2-9]))?|(?:high|hi)res")
_LR = re.compile(r"(?:lr|lq)(?P<kind>[a-z]*?)(?:x(?P<scale>[2-9]))?|low?res")
_LR_KINDS = frozenset(
    ("bicubic", "bic", "bi", "bd", "dn", "unknown", "mild", "wild", "difficult", "down")
)
_SCALE = re.compile(r"x(?P<after>[2-9])|(?P<before>[2-9])x")
_SPLIT = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "val", "validation"), "valid"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_SPLIT_AND_ROLE = re.compile(r"(?P<split>train|valid|val|test)(?P<role>hr|gt|hq|h|lr|lq|l)")
_STEM_SCALE = re.compile(
    r"(?P<name>.+?)(?:[_\-. ]?x(?P<after>[2-9])|[_\-. ](?P<before>[2-9])x)(?P<part>_s\d+)?",
    re.IGNORECASE,
)
_STEM_ROLE = re.compile(
    r"(?P<name>.+?)[_\-. ](?:(?P<hr>HR|GT|HQ)|(?:LR|LQ)[A-Za-z]*[2-9]?)", re.IGNORECASE
)


@dataclass(frozen=True)
class Place:
    """Role, scale and split that the folders above a file name.

    Attributes:
        role: HR or LR; None where no folder says it.
        scale: of LR, where a folder says it.
        split: "train", "valid" or "test"; None where no folder says it.
        kind: how LR was made (``bicubic``, ``unknown``), or empty.
        context: what else the folders are called: the dataset, the subfolder.  HR and LR of
            one image have it in common.
        folder: the outermost folder that says the role, '/'-separated.
        below: the subfolders beneath it that say none of these.
        nested: the folder with the role lies in one that belongs to a dataset of its own.
    """

    role: Role | None = None
    scale: int | None = None
    split: str | None = None
    kind: str = ""
    context: tuple[str, ...] = ()
    folder: str = ""
    below: tuple[str, ...] = ()
    nested: bool = False


@dataclass
class _Words:
    role: Role | None = None
    scale: int | None = None
    split: str | None = None
    kind: str = ""
    rest: tuple[str, ...] = ()


def read_folder(name: str) -> tuple[Role | None, int | None]:
    """Return the role and the scale that one folder's name says.

    >>> read_folder("DIV2K_train_LR_bicubic"), read_folder("LRbicx4"), read_folder("GTmod12")
    (('LR', None), ('LR', 4), ('HR', None))
    >>> read_folder("X2"), read_folder("holiday"), read_folder("trainL")
    ((None, 2), (None, None), ('LR', None))
    """
    words = _words(name)
    return words.role, words.scale


def says_only_role(name: str) -> bool:
    """Return whether a folder's name says a role, a scale or a split and nothing else.

    >>> [says_only_role(name) for name in ("HR", "GTmod12", "X2", "Set5", "DIV2K_valid_HR")]
    [True, True, True, False, False]
    """
    words = _words(name)
    return bool(words.role or words.scale or words.split) and set(words.rest) <= {"sub"}


def read_place(parts: Sequence[str]) -> Place:
    """Return what the folders between a dataset's root and a file say.

    >>> place = read_place(["Flickr2K_LR_bicubic", "X2"])
    >>> place.role, place.scale, place.kind, place.context
    ('LR', 2, 'bicubic', ('flickr2k',))
    >>> place = read_place(["valid", "HR", "city"])
    >>> place.role, place.split, place.context, place.below
    ('HR', 'valid', ('city',), ('city',))
    """
    role: Role | None = None
    scale = split = None
    kind = folder = ""
    context: list[str] = []
    below: list[str] = []
    nested = False
    for index, part in enumerate(parts):
        words = _words(part)
        if words.role and role is None:
            role, nested = words.role, bool(context)
            folder = "/".join(parts[: index + 1])
            scale, split, kind = words.scale, words.split or split, words.kind
            context += words.rest
        elif words.role == role and words.role is not None:  # LR/LRBI/Set5
            scale, kind = words.scale or scale, kind or words.kind
        elif _is_bare(words) and (words.split or (words.scale and role)):
            scale, split = words.scale or scale, words.split or split
            context += words.rest
        else:
            context.append(part.casefold())
            if role:
                below.append(part)
    return Place(role, scale, split, kind, tuple(context), folder, tuple(below), nested)


def lr_stands_for(stem: str, scale: int | None) -> Iterator[tuple[str, int | None]]:
    """Yield the names that an LR file's HR may have, the likeliest first, and a scale it says.

    Args:
        stem: the file's name without suffix; folders before it are kept.
        scale: what the folder says; another one in the name is a part of the name then.

    >>> list(lr_stands_for("0001_x2", None))
    [('0001', 2), ('0001_x2', None)]
    >>> list(lr_stands_for("baby_LRBI_x2", None))
    [('baby', 2), ('baby_LRBI', 2), ('baby_LRBI_x2', None)]
    """
    folders, slash, stem = stem.rpartition("/")
    for name, said in _lr_names(stem, scale):
        yield folders + slash + name, said


def plain_stem(stem: str) -> str:
    """Return an HR file's name without what says that it is HR.

    >>> plain_stem("Set5/baby_HR_x2"), plain_stem("0001-GT"), plain_stem("0001")
    ('Set5/baby', '0001', '0001')
    """
    folders, slash, stem = stem.rpartition("/")
    scaled = _STEM_SCALE.fullmatch(stem)
    for each in (scaled["name"] if scaled else stem, stem):
        role = _STEM_ROLE.fullmatch(each)
        if role and role["hr"]:
            return folders + slash + role["name"]
    return folders + slash + stem


def stem_role(stem: str) -> tuple[str, Role | None]:
    """Return a file's name without the role at its end, and that role.

    >>> stem_role("img_3_HR"), stem_role("img_3_LR_x2"), stem_role("img_3_LR2"), stem_role("img_3")
    (('img_3', 'HR'), ('img_3', 'LR'), ('img_3', 'LR'), ('img_3', None))
    """
    scaled = _STEM_SCALE.fullmatch(stem)
    match = _STEM_ROLE.fullmatch(scaled["name"] if scaled else stem)
    if match is None:
        return stem, None
    return match["name"], "HR" if match["hr"] else "LR"


def without_suffix(path: PurePosixPath) -> str:
    """Return a relative path without its suffix, '/'-separated and :func:`normalised`."""
    return normalised(path.with_suffix("").as_posix())


def normalised(name: str) -> str:
    """Return a name with its accents composed; copied from a Mac, they may be separate."""
    return unicodedata.normalize("NFC", name)


def _lr_names(stem: str, scale: int | None) -> Iterator[tuple[str, int | None]]:
    scaled = _STEM_SCALE.fullmatch(stem)
    said = int(scaled["after"] or scaled["before"]) if scaled else None
    if scaled and (scale is None or scale == said):
        name, part = scaled["name"], scaled["part"] or ""
        if role := _STEM_ROLE.fullmatch(name):
            yield role["name"] + part, said
        yield name + part, said
    if role := _STEM_ROLE.fullmatch(stem):
        yield role["name"], None
    yield stem, None


def _is_bare(words: _Words) -> bool:
    """Return whether a folder's name is only a scale or a split, perhaps of sub-images."""
    return words.role is None and set(words.rest) <= {"sub"}


def _words(name: str) -> _Words:
    found = _Words()
    tokens = [token for token in _SEPARATORS.split(normalised(name).casefold()) if token]
    rest: list[str] = []
    roles: set[Role] = set()
    joined = iter(_join_resolution(tokens))
    has_split = any(token in _SPLIT for token in tokens)
    for token in joined:
        both = _SPLIT_AND_ROLE.fullmatch(token)
        hr, lr, scale = _HR.fullmatch(token), _LR.fullmatch(token), _SCALE.fullmatch(token)
        if both:
            found.split = _SPLIT[both["split"]]
            roles.add("HR" if both["role"] in ("hr", "gt", "hq", "h") else "LR")
        elif hr or (token == "h" and has_split):
            roles.add("HR")
            found.scale = int(hr["scale"]) if hr and hr["scale"] else found.scale
        elif lr and (not lr["kind"] or lr["kind"] in _LR_KINDS):
            roles.add("LR")
            found.kind = lr["kind"] or found.kind
            found.scale = int(lr["scale"]) if lr["scale"] else found.scale
        elif token == "l" and has_split:
            roles.add("LR")
        elif token in _SPLIT:
            found.split = _SPLIT[token]
        elif scale:
            found.scale = int(scale["after"] or scale["before"])
        elif token in _LR_KINDS and "LR" in roles:
            found.kind = token
        else:
            rest.append(token)
    if len(roles) == 1:
        (found.role,) = roles
        found.rest = tuple(rest)
    else:  # none, or a folder of both
        found.kind, found.rest = "", tuple(rest)
    return found


def _join_resolution(tokens: list[str]) -> Iterator[str]:
    """Join ``low_res`` and the like to one word."""
    index = 0
    while index < len(tokens):
        follows = tokens[index + 1] if index + 1 < len(tokens) else ""
        if tokens[index] in ("high", "hi", "low", "lo") and follows in ("res", "resolution"):
            yield tokens[index] + "res"
            index += 2
        else:
            yield tokens[index].replace("resolution", "res")
            index += 1
