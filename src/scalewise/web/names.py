"""File names: as browsers send them, as archives hold them, and as a shell takes them."""

from __future__ import annotations

import re
import shlex
import unicodedata
from pathlib import PurePath, PurePosixPath
from urllib.parse import unquote

from scalewise.files import IMAGE_SUFFIXES

_MAX_NAME = 120
_MAX_BYTES = 240  # file systems take 255, and a number may be added
_IN_FORMS = {"%22": '"', "%0D": "\r", "%0A": "\n"}
_REFUSED = re.compile(r'[<>:"/\\|?*]')
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[1-9¹²³])", re.IGNORECASE)


def decode_name(sent: str) -> str:
    r"""Return the file name that a client's form states, without folders.

    Browsers escape three characters of it (HTML, "multipart/form-data encoding algorithm"), but
    not the percent sign. So a name that has ``%22`` itself must be sent with
    :func:`decode_exact_name`'s field.

    >>> decode_name("a%22b%20c.png"), decode_name("folder/a%0Ab.png"), decode_name("")
    ('a"b%20c.png', 'a\nb.png', 'image')
    """
    name = sent
    for escaped, character in _IN_FORMS.items():
        name = name.replace(escaped, character)
    return _last_part(name)


def _last_part(name: str) -> str:
    name = name.rpartition("/")[2].replace("\0", "")
    return "image" if name in ("", ".", "..") else name


def decode_exact_name(sent: str) -> str:
    r"""Return the file name that a client states percent-encoded, which no form changes.

    >>> decode_exact_name("a%2522b%0A.png"), decode_exact_name("%2E%2E/a.png")
    ('a%22b\n.png', 'a.png')
    """
    return _last_part(unquote(sent))


def clean_name(name: str) -> str:
    r"""Return a safe file name: without folders, control characters and excess length.

    >>> clean_name("../../etc/passwd"), clean_name("a\\b.jpg"), clean_name("..")
    ('passwd', 'b.jpg', 'image')
    """
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(letter for letter in last if letter.isprintable()).strip()
    path = PurePosixPath(shown or "image")
    if path.name in ("", ".", ".."):
        return "image"
    suffix = path.suffix if path.suffix.lower() in IMAGE_SUFFIXES else path.suffix[:10]
    return _shortened(path.name.removesuffix(path.suffix)[: _MAX_NAME - len(suffix)], suffix)


def _shortened(stem: str, suffix: str) -> str:
    """Return a file name that is short enough for file systems."""
    room = _MAX_BYTES - len(suffix.encode())
    return stem.encode(errors="ignore")[:room].decode(errors="ignore") + suffix


def same_file(one: str, other: str) -> bool:
    """Return whether two names are one file's: many systems ignore the case.

    >>> same_file("A.png", "a.PNG"), same_file("a.png", "a.jpg")
    (True, False)
    """
    one, other = (unicodedata.normalize("NFC", name).casefold() for name in (one, other))
    return one == other


def shell_words(words: list[str]) -> str:
    r"""Return words as a line for a shell; those that cannot be shown are escaped.

    >>> print(shell_words(["it's", "a b", "c\nd"]))
    'it'"'"'s' 'a b' $'c\nd'
    """
    return " ".join(shlex.quote(word) if word.isprintable() else _escaped(word) for word in words)


def _escaped(word: str) -> str:
    """Return a word in dollar and single quotes (POSIX.1-2024, 2.2.4)."""
    named = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\", "'": r"\'"}
    letters = [
        named.get(letter, letter if letter.isprintable() else _octal(letter)) for letter in word
    ]
    return f"$'{''.join(letters)}'"


def _octal(letter: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in letter.encode(errors="surrogatepass"))


def portable_name(name: str) -> str:
    """Return a file name that all systems take, Windows, too.

    >>> portable_name('a:<b>.png'), portable_name("con.png"), portable_name("a. ")
    ('a__b_.png', '_con.png', 'a')
    """
    name = unicodedata.normalize("NFC", name)
    name = "".join(letter if letter.isprintable() else "_" for letter in name)
    name = _REFUSED.sub("_", name).rstrip(". ").lstrip()
    if _DEVICES.fullmatch(name.partition(".")[0].rstrip()):
        name = f"_{name}"
    path = PurePath(name or "image")
    return _shortened(path.stem, path.suffix)


def portable_folder(path: str) -> str:
    """Return the path of a folder within an archive, of names that all systems take.

    >>> portable_folder("/trip/../day: 2//."), portable_folder("aux/b. "), portable_folder("..")
    ('trip/day_ 2', '_aux/b', '')
    """
    parts = (part for part in path.split("/") if part.strip(". "))
    return "/".join(map(portable_name, parts))


class UniqueNames:
    """Portable names of files in an archive: repeated ones get a number."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def add(self, name: str, folder: str = "") -> str:
        """Return the path of the next file, in a folder; many systems ignore the case.

        Args:
            name: of the file.
            folder: its path, with slashes.
        """
        within = ""
        for part in filter(None, portable_folder(folder).split("/")):
            within = f"{self._free(within + part, self._files)}/"
            self._folders.add(within[:-1].casefold())
        path = self._free(within + portable_name(name), self._files | self._folders)
        self._files.add(path.casefold())
        return path

    def _free(self, path: str, taken: set[str]) -> str:
        pure, number, free = PurePosixPath(path), 1, path
        while free.casefold() in taken:
            number += 1
            free = str(pure.with_name(f"{pure.stem} ({number}){pure.suffix}"))
        return free
