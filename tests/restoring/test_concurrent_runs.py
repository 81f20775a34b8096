"""Two runs at once that write into one folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.files import Picture, write
from scalewise.restoring import file_pipeline
from scalewise.restoring.batch import restore_files
from scalewise.restoring.file_pipeline import OpenJob
from scalewise.restoring.jobs import FileJob
from scalewise.restoring.restorer import Restorer
from tests.restoring.fakes import FakeRuntime, Traits


def test_what_another_run_makes_meanwhile_is_skipped(
    tmp_path: Path, photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["a.png", "b.png", "c.png"]
    for name in names:
        write(tmp_path / name, Picture(photo[100:140, 100:150]))
    out = tmp_path / "out"
    out.mkdir()

    def start(job: FileJob, *others: Any) -> OpenJob:
        if job.source.name == "a.png":  # before it is opened
            job.target.write_bytes(b"theirs")
        opened = open_job(job, *others)
        if job.source.name == "b.png":  # once it is
            job.target.write_bytes(b"theirs")
        return opened

    open_job = file_pipeline.open_job
    monkeypatch.setattr("scalewise.restoring.batch.open_job", start)
    doubling = Restorer("fake", Traits(), FakeRuntime(), tile=32)
    jobs = [FileJob(tmp_path / name, out / name) for name in names]
    results = list(restore_files(jobs, [doubling]))
    assert [(each.skipped, each.problem) for each in results] == [
        (True, ""),
        (True, ""),
        (False, ""),
    ]
    assert (out / "a.png").read_bytes() == (out / "b.png").read_bytes() == b"theirs"
