"""File locks: held, taken, or not supported, in each place that uses them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from scalewise.errors import ScalewiseError, ScalewiseWarning
from scalewise.locks import try_lock
from scalewise.training.runs import is_training
from scalewise.training.session import locked
from scalewise.web.result_store import ResultStore

fcntl = pytest.importorskip("fcntl")


def failing(number: int) -> Callable[..., None]:
    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return flock


def test_locks_exclude_each_other(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("a") as first, path.open("a+") as second:
        assert (try_lock(first), try_lock(second)) == ("locked", "taken")
        assert try_lock(second, shared=True) == "taken"
    with path.open("rb") as first, path.open("rb") as second:
        assert try_lock(first, shared=True) == try_lock(second, shared=True) == "locked"


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.EINVAL])
def test_without_locks_runs_and_servers_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(number))
    with pytest.warns(ScalewiseWarning, match="run: locks are not supported there") as said:  # noqa: SIM117
        with locked(tmp_path / "run"):
            (tmp_path / "run/log.csv").touch()
    assert len(said) == 1
    assert is_training(tmp_path / "run") is None
    with pytest.warns(ScalewiseWarning, match="server: locks are not supported there") as said:
        ResultStore(tmp_path / "server").close()
    assert len(said) == 1


def test_where_locks_are_taken_nothing_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(errno.EACCES))  # as fcntl emulates it
    with pytest.raises(ScalewiseError, match="another process is training"), locked(tmp_path):
        pass
    assert is_training(tmp_path)
    with pytest.raises(ScalewiseError, match="another scalewise serve is using it"):
        ResultStore(tmp_path)
