"""Atomic writes: whole under their names, or not there, whoever else writes or dies."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

import scalewise.atomic
from scalewise.atomic import atomic_output, is_temporary, link_or_copy, temporary_path, write_atomic
from scalewise.errors import ScalewiseError


@pytest.fixture(params=["unnamed", "hidden", "hidden, no links"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """File systems: with files without a name, without them, and without hard links, too."""
    if request.param != "unnamed":
        monkeypatch.setattr(scalewise.atomic, "_open_unnamed", lambda folder, mode: None)
    if request.param == "hidden, no links":
        monkeypatch.setattr(os, "link", no_links)
    return request.param


def no_links(*_: object, **__: object) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def test_two_writers_and_a_reader(tmp_path: Path, system: str) -> None:
    path, contents = tmp_path / "x.json", (b"A" * 2_000_000, b"B" * 700_000)
    write_atomic(path, contents[0])
    failures: list[str] = []
    ended = False

    def write(content: bytes) -> None:
        try:
            for _ in range(20):
                write_atomic(path, content)
        except OSError as error:
            failures.append(repr(error))

    def read() -> None:
        while not ended:
            try:
                found = path.read_bytes()
            except OSError as error:
                failures.append(repr(error))
            else:
                failures.extend([f"{len(found)} bytes"] if found not in contents else [])

    reader, writers = Thread(target=read), [Thread(target=write, args=(c,)) for c in contents]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    ended = True
    reader.join()
    assert failures == []
    assert list(tmp_path.iterdir()) == [path]


def test_what_appears_meanwhile_is_not_overwritten(tmp_path: Path, system: str) -> None:
    path = tmp_path / "a.txt"
    with (  # noqa: PT012
        pytest.raises(ScalewiseError, match=r"a\.txt: exists already; .* overwrite=True"),
        atomic_output(path, overwrite=False) as descriptor,
    ):
        os.write(descriptor, b"new")
        path.write_bytes(b"mine")
    assert path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]
    path.unlink()
    write_atomic(path, b"new", overwrite=False)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"new", [path])


def test_an_error_names_the_file(tmp_path: Path, system: str) -> None:
    for path in (tmp_path / "none/a.txt", tmp_path / "folder"):
        (tmp_path / "folder/inner").mkdir(parents=True, exist_ok=True)
        with pytest.raises(OSError, match=path.name) as raised:
            write_atomic(path, b"new")
        assert raised.value.filename == str(path)
    with pytest.raises(OSError, match="Permission denied") as raised, atomic_output(path):
        raise PermissionError(errno.EACCES, "Permission denied", "/elsewhere")
    assert raised.value.filename == "/elsewhere"


@pytest.mark.skipif(os.name == "nt", reason="permissions")
def test_private_files_stay_private(tmp_path: Path, system: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"")
    path.chmod(0o644)
    write_atomic(path, b"secret", private=True)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_what_a_killed_process_leaves_is_recognised(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, scalewise.atomic as atomic\n"
        "atomic._open_unnamed = lambda folder, mode: None\n"
        f"with atomic.atomic_output(pathlib.Path({str(tmp_path / 'a.png')!r})):\n"
        f"    os.kill(os.getpid(), {int(signal.SIGKILL)})\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode < 0
    (left,) = tmp_path.iterdir()
    assert is_temporary(left.name)
    assert not any(map(is_temporary, ["a.png", ".scalewise", "x.scalewise-1", ".scalewise-a.png"]))


@pytest.mark.parametrize("links", [True, False])
def test_a_second_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    source, target = tmp_path / "last.pt", tmp_path / "previous.pt"
    for content in (b"first", b"second"):
        source.unlink(missing_ok=True)
        source.write_bytes(content)
        for _ in range(2):  # also where it is the same file already
            link_or_copy(source, target)
        assert target.read_bytes() == content
    assert sorted(tmp_path.iterdir()) == [source, target]


def test_temporary_folders_are_removed(tmp_path: Path) -> None:
    with temporary_path(tmp_path / "model") as aside:
        assert (aside.parent, is_temporary(aside.name)) == (tmp_path, True)
        (aside / "inner").mkdir(parents=True)
        (aside / "inner/file").touch()
    assert list(tmp_path.iterdir()) == []
