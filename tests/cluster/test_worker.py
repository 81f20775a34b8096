"""A worker alone, without a cluster: what it loads, what it does not see, and what it makes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from scalewise.cluster.worker import MissingPath, Worker, this_version
from scalewise.files import Picture, write
from scalewise.restoring.batch import JobResult
from scalewise.restoring.file_pipeline import OutputOptions
from scalewise.restoring.jobs import FileJob
from scalewise.restoring.loading import LoadOptions
from scalewise.restoring.selection import select_for_restoring

OPTIONS = LoadOptions(device="cpu", precision="f32", tile=32)


def test_what_a_worker_needs(small_release: Path, tmp_path: Path) -> None:
    worker = Worker()
    here = Path.cwd()
    try:
        answer = worker.load("0.0", tmp_path, small_release, OPTIONS)
        assert answer.endswith("installed there, not 0.0")
        load = (this_version(), tmp_path, "nothing", OPTIONS)
        assert worker.load(*load).startswith("unknown model 'nothing'")
        assert worker.load(this_version(), tmp_path, small_release, OPTIONS) == ""
        assert Path.cwd() == tmp_path
        assert worker.load(this_version(), tmp_path / "nowhere", small_release, OPTIONS) == ""
        assert Path.cwd() == Path("/")
    finally:
        os.chdir(here)
    job = FileJob(tmp_path / "a.png", tmp_path / "out" / "a.png")
    assert worker.restore(job, OutputOptions()) == MissingPath(job.source)
    job.source.touch()
    assert worker.restore(job, OutputOptions()) == MissingPath(job.target.parent)
    job.target.parent.mkdir()
    answer = worker.restore(job, OutputOptions())
    assert isinstance(answer, JobResult)
    assert "a.png: not an image" in answer.problem
    job.target.touch()
    assert worker.restore(job, OutputOptions()) == JobResult(job)
    write(job.source, Picture(np.zeros((9, 8, 3), np.uint8)))
    # A retry: the result is the run's own.
    answer = worker.restore(job, OutputOptions(), retry=True)
    assert isinstance(answer, JobResult)
    assert answer.restored is not None
    assert (answer.restored.width, answer.restored.height) == (16, 18)
    job.target.unlink()
    assert worker.load(this_version(), here, select_for_restoring, OPTIONS) == ""
    answer = worker.restore(job, OutputOptions())
    assert isinstance(answer, JobResult)
    assert answer.restored is not None
    assert answer.restored.unchanged == "is clean: copied"
    assert job.target.read_bytes() == job.source.read_bytes()
