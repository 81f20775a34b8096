"""Benchmark sets of the field: their sources, checksums and the local copy.

Only the images themselves are fetched; LR is made from them as MATLAB does, like the published
one.  Kodak24, Manga109 and the other sets lie nowhere as one file that stays the same, or may not
be passed on: those are given as folders.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePath, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, Literal
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from scalewise.errors import ScalewiseError
from scalewise.files import READ_SUFFIXES

_DAMAGES = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError)
_HF = "https://huggingface.co/datasets/eugenesiow"


@dataclass(frozen=True)
class Benchmark:
    """One set.

    Attributes:
        name: as the field calls it.
        url: of an archive with its images.
        md5: what that must be.
        of: of the ``archive``; or of its ``files``: MD5 over their MD5s in hexadecimal, by name.
        folder: where its images lie in the set's folder, as :mod:`scalewise.data.layouts` has it.
    """

    name: str
    url: str
    md5: str
    of: Literal["archive", "files"]
    folder: str = "HR"


BENCHMARKS = {
    each.name.lower(): each
    for each in (
        Benchmark(
            "Set5", f"{_HF}/Set5/resolve/main/data/Set5_HR.tar.gz",
            "e128ede786dabb7ebeee99e5fa1ad985", "files",
        ),
        Benchmark(
            "Set14", f"{_HF}/Set14/resolve/main/data/Set14_HR.tar.gz",
            "3fce01c3dfe9760194e8a22f6bc032c5", "files",
        ),
        Benchmark(
            "BSD100", f"{_HF}/BSD100/resolve/main/data/BSD100_HR.tar.gz",
            "2288d442262c1c26343fda3b36f05b03", "files",
        ),
        Benchmark(
            "Urban100", f"{_HF}/Urban100/resolve/main/data/Urban100_HR.tar.gz",
            "65d9d84a34b72c6f7ca1e26a12df1e4c", "archive",
        ),
        Benchmark(
            "DIV2K", "https://data.vision.ee.ethz.ch/cvl/DIV2K/DIV2K_valid_HR.zip",
            "9fcdda83005c5e5997799b69f955ff88", "archive", folder="DIV2K_valid_HR",
        ),
    )
}  # fmt: skip
"""The sets that are known here, by their names in small letters."""


def cache_folder() -> Path:
    """Return where sets are kept: ``SCALEWISE_CACHE``, or ``scalewise`` in the user's caches."""
    if own := os.environ.get("SCALEWISE_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "scalewise"


def own_folder() -> Path | None:
    """Return the folder of the user's own sets, ``SCALEWISE_DATA``; None if it is not set."""
    own = os.environ.get("SCALEWISE_DATA")
    return Path(own) if own else None


def find_local(name: str) -> Path | None:
    """Return the folder of a set that is here, by the set's name; None if it is not.

    Sets lie in :func:`own_folder`, or in ``eval`` in it, or were downloaded.
    """
    known = BENCHMARKS.get(name.lower())
    names = [name] if known is None else [name, known.name]
    own = own_folder()
    roots = [own, own / "eval"] if own else []
    places = [root / each for root in [*roots, cache_folder()] for each in names]
    is_name = name not in ("", ".", "..") and PurePath(name).name == name
    return next((place for place in places if is_name and place.is_dir()), None)


def fetch_benchmark(name: str, tell: Tell) -> Path:
    """Return the folder of a set; download the set if it is not here yet.

    Args:
        name: of the set, in letters of any size.
        tell: told how many bytes of its archive have come, of how many.

    Raises:
        ScalewiseError: no such set, it cannot be had, or it is not what it should be.
    """
    found = BENCHMARKS.get(name.lower())
    if found is None:
        known = ", ".join(each.name for each in BENCHMARKS.values())
        raise ScalewiseError(f"no folder {name}, and no set of that name is known here: {known}")
    folder = cache_folder() / found.name
    if (folder / found.folder).is_dir():
        return folder
    archive = cache_folder() / PurePosixPath(found.url).name
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        if not archive.exists():
            fetch(found.url, archive, tell)
        _unpack(found, archive, folder)
        archive.unlink()
    except OSError as error:
        raise ScalewiseError(f"cannot keep {found.name} in {cache_folder()}: {error}") from None
    return folder


def _unpack(benchmark: Benchmark, archive: Path, folder: Path) -> None:
    """Put an archive's images into a set's folder, if they are what they must be."""
    with TemporaryDirectory(dir=archive.parent) as scratch:
        pictures = Path(scratch) / benchmark.folder
        pictures.mkdir()
        try:
            _extract(archive, pictures)
            found = _md5(archive) if benchmark.of == "archive" else _md5_of_files(pictures)
        except _DAMAGES:
            found = f"{_md5(archive)}, and damaged"
        if found != benchmark.md5:
            archive.unlink()  # or the next call would find it again
            raise ScalewiseError(
                f"what lies at {benchmark.url} is not {benchmark.name} as it is known here (MD5 "
                f"{found}): it was damaged on its way, or has changed; try again, or give the "
                "folder of a copy of your own"
            )
        for path in pictures.iterdir():
            if path.suffix.lower() not in READ_SUFFIXES:
                path.unlink()
        folder.mkdir(exist_ok=True)
        pictures.replace(folder / benchmark.folder)


def _extract(archive: Path, folder: Path) -> None:
    """Write the files of an archive into a folder, whatever folders they were in."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as files:
            for entry in files.infolist():
                if not entry.is_dir():
                    with files.open(entry) as content:
                        _write(content, folder / PurePosixPath(entry.filename).name)
        return
    with tarfile.open(archive) as files:
        for member in files:
            content = files.extractfile(member) if member.isreg() else None
            if content is not None:
                _write(content, folder / PurePosixPath(member.name).name)


def _write(content: IO[bytes], path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(content, file)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _md5_of_files(folder: Path) -> str:
    digests = [_md5(path) for path in sorted(folder.iterdir())]
    return hashlib.md5("".join(digests).encode(), usedforsecurity=False).hexdigest()


Tell = Callable[[float, float | None], None]
"""Told how many bytes are there, and how many there will be, if that is known."""

_ATTEMPTS = 3
_SILENCE = 30.0  # seconds
_AT_ONCE = 2**18


def fetch(url: str, target: Path, tell: Tell) -> None:
    """Download a file; what an earlier call has left of it in ``NAME.part`` is not asked for again.

    Args:
        url: where it is, http or https.
        target: what it is called, in a folder that exists.
        tell: told how far it is.

    Raises:
        ScalewiseError: it is not there, or nobody answers; what has come so far is kept.
    """
    partial = target.with_name(target.name + ".part")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _go_on(url, partial, tell)
            break
        except (OSError, HTTPException) as error:
            is_final = (
                isinstance(error, HTTPError) and error.code < HTTPStatus.INTERNAL_SERVER_ERROR
            )
            if is_final or attempt == _ATTEMPTS:
                reason = error.reason if isinstance(error, URLError) else error
                raise ScalewiseError(
                    f"cannot download {url}: {reason}; the same command resumes, or set "
                    "SCALEWISE_DATA to a folder that contains a copy"
                ) from None
    partial.replace(target)


def _go_on(url: str, partial: Path, tell: Tell) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    asked = Request(url, headers={"User-Agent": "scalewise", "Range": f"bytes={have}-"})
    try:
        with urlopen(asked, timeout=_SILENCE) as answer:
            goes_on = answer.status == HTTPStatus.PARTIAL_CONTENT
            _append(answer, partial, have if goes_on else 0, tell)
    except HTTPError as error:
        if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        partial.unlink()  # it does not belong to what lies there now
        raise ConnectionError("the file has changed on the server") from None


def _append(answer: HTTPResponse, partial: Path, done: int, tell: Tell) -> None:
    length = answer.headers.get("Content-Length")
    total = None if length is None else done + int(length)
    with partial.open("ab" if done else "wb") as file:
        while content := answer.read(_AT_ONCE):
            file.write(content)
            done += len(content)
            tell(done, total)
    if total is not None and done < total:
        raise ConnectionError("the connection broke off")
