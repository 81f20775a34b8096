"""The log: written line by line, cut back on resume, read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from scalewise.errors import ScalewiseError
from scalewise.training.log import LogLine, RunLog, read_log


def line(step: int, psnr_y: float | None = None) -> LogLine:
    return LogLine(step, step / 3, step / 100, 1e-3, 0.1 + step, psnr_y)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    lines = [line(20), line(40, 30.123456789), line(60)]
    assert read_log(tmp_path) == []
    for each in lines:
        RunLog(tmp_path / "log.csv").append(each)
    assert read_log(tmp_path) == lines
    with (tmp_path / "log.csv").open("a") as file:
        file.write("80,26.6,0.8,0.00")  # being written
    assert read_log(tmp_path) == lines


def test_lines_after_a_checkpoint_are_forgotten(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "log.csv")
    log.forget_after(5)
    for step in (20, 40, 60):
        log.append(line(step))
    log.forget_after(40)
    assert read_log(tmp_path) == [line(20), line(40)]
    log.forget_after(-1)
    log.append(line(1))
    assert read_log(tmp_path) == [line(1)]


def test_lines_wait_for_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = RunLog(tmp_path / "log.csv")
    log.append(line(20))
    before = log.path.read_bytes()
    with monkeypatch.context() as full:
        full.setattr(Path, "open", lambda *_, **__: open("/dev/full", "w"))  # noqa: PTH123, SIM115
        full.setattr("scalewise.training.log._cut", lambda *_: None)
        with pytest.raises(OSError, match="No space left"):
            log.append(line(40))
    assert log.path.read_bytes() == before
    log.append(line(60))
    assert read_log(tmp_path) == [line(20), line(40), line(60)]


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\xff\xfe\n", b"step,seconds\n1,x\n"])
def test_what_is_no_log_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log.csv").write_bytes(content)
    with pytest.raises(ScalewiseError, match=r"log.csv: not the log of a training run"):
        read_log(tmp_path)
