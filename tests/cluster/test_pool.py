"""Runs on a real Ray cluster of two machines, both of them this one, that lose workers."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.cli.app import main
from scalewise.cluster import pool, restore_on_cluster
from scalewise.cluster.worker import MissingPath, Worker
from scalewise.errors import DiskFullError, ScalewiseError
from scalewise.files import Picture, write
from scalewise.restoring.batch import JobResult, restore_files
from scalewise.restoring.file_pipeline import OutputOptions
from scalewise.restoring.jobs import FileJob, plan_jobs
from scalewise.restoring.loading import LoadOptions
from scalewise.restoring.selection import load_cascade

OPTIONS = LoadOptions(device="cpu", precision="f32", tile=32)
COUNT = 12


@pytest.fixture(scope="module")
def machines() -> Generator[Any]:
    """A cluster of two machines, of one CPU each."""
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # short, for the names of sockets
    (folder / "ray").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", str(folder))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_DEDUP_LOGS_SKIP_REGEX", ".")
        pytest.importorskip("ray")
        from ray import cloudpickle
        from ray.cluster_utils import Cluster

        small: dict[str, Any] = {
            "num_cpus": 1,
            "object_store_memory": 80_000_000,
            "include_dashboard": False,
            "include_log_monitor": False,
        }
        soon = {"health_check_period_ms": 500, "health_check_failure_threshold": 4}
        machines: Any = Cluster(
            initialize_head=True, head_node_args={"_system_config": soon, **small}
        )
        # The workers below are sent with their code, for they are not installed.
        cloudpickle.register_pickle_by_value(sys.modules[__name__])
        try:
            machines.add_node(**small)
            yield machines
        finally:
            cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
            machines.shutdown()
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    """A dozen images, in a tree."""
    for index in range(COUNT):
        path = tmp_path / "in" / f"{index % 3}" / f"{index:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, Picture(photo[20 * index : 20 * index + 60, 100:170]))
    return tmp_path / "in"


@pytest.fixture
def expected(folder: Path, small_release: Path) -> dict[str, bytes]:
    """What a run on one machine makes of the folder."""
    jobs = plan_jobs([folder], folder.parent / "expected", "")
    assert all(done.restored for done in restore_files(jobs, load_cascade(small_release, OPTIONS)))
    return files(folder.parent / "expected")


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def states(outcomes: list[JobResult]) -> Counter[str]:
    return Counter(
        "failed" if outcome.problem else "skipped" if outcome.skipped else "restored"
        for outcome in outcomes
    )


class Noting(Worker):
    """A worker that knows which image it has, and leaves notes."""

    def __init__(self) -> None:
        super().__init__()
        self._current: dict[int, str] = {}

    def restore(
        self, job: FileJob, output: OutputOptions, retry: bool = False
    ) -> JobResult | MissingPath | DiskFullError:
        self._current[threading.get_ident()] = job.source.name
        return super().restore(job, output, retry)

    @property
    def name(self) -> str:
        return self._current[threading.get_ident()]

    def note(self) -> None:
        Path("notes", f"{self.name} {os.getpid()}").touch()


def notes_of(name: str) -> int:
    return len(list(Path("notes").glob(f"{name} *")))


class Fragile(Noting):
    """Is killed in the middle of an image: three times by poison.png, and then once by 05.png.

    05.png waits for the other, so that no two of them kill one worker.
    """

    def check_stopped(self, done: int, total: int) -> None:
        if self.name == "05.png":
            while notes_of("poison.png") < 3:
                time.sleep(0.05)
        if self.name == "poison.png" or (self.name == "05.png" and not notes_of("05.png")):
            self.note()
            os.kill(os.getpid(), signal.SIGKILL)


class Slow(Noting):
    """Waits in the middle of every image but the first, until the run is stopped."""

    def check_stopped(self, done: int, total: int) -> None:
        self.note()
        if self.name != "00.png":
            self._stopped.wait(120)
        super().check_stopped(done, total)


class Hasty(Worker):
    """Is killed once, after it has written a result and before it can say so."""

    def restore(
        self, job: FileJob, output: OutputOptions, retry: bool = False
    ) -> JobResult | MissingPath | DiskFullError:
        result = super().restore(job, output, retry)
        if job.source.name == "05.png" and not retry:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


class Blind(Worker):
    def restore(
        self, job: FileJob, output: OutputOptions, retry: bool = False
    ) -> JobResult | MissingPath | DiskFullError:
        return MissingPath(job.source)


class Full(Worker):
    def restore(
        self, job: FileJob, output: OutputOptions, retry: bool = False
    ) -> JobResult | MissingPath | DiskFullError:
        return DiskFullError(f"{job.target}: cannot be written (No space left on device)")


class Dying(Worker):
    def load(self, *_: Any) -> str:
        os.kill(os.getpid(), signal.SIGKILL)
        return ""


def test_a_run_survives_its_workers(
    machines: Any,
    folder: Path,
    expected: dict[str, bytes],
    small_release: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copy(folder / "0" / "00.png", folder / "poison.png")
    (folder / "text.png").write_text("no picture")
    out, notes = folder.parent / "out", folder.parent / "notes"
    notes.mkdir()
    monkeypatch.chdir(folder.parent)
    monkeypatch.setattr(pool, "Worker", Fragile)
    warnings: list[str] = []
    told: list[tuple[float, float]] = []

    def run() -> list[JobResult]:
        jobs = plan_jobs([Path("in")], Path("out"), "")
        return list(
            restore_on_cluster(
                jobs,
                machines.address,
                small_release,
                None,
                lambda done, total, _: told.append((done, total)),
                warnings.append,
                OPTIONS,
            )
        )

    outcomes = run()
    assert states(outcomes) == {"restored": COUNT, "failed": 2}
    assert files(out) == expected
    problems = sorted(outcome.problem for outcome in outcomes if outcome.problem)
    assert problems[0].startswith("in/poison.png: given up, because 3 workers were lost over it")
    assert problems[1].startswith("in/text.png: not an image")
    assert (notes_of("poison.png"), notes_of("05.png"), len(list(notes.iterdir()))) == (3, 1, 4)
    assert len(warnings) == 4
    assert all("its worker was lost; retrying" in line for line in warnings)
    assert all(outcome.job.target.parts[0] == "out" for outcome in outcomes)
    done = [step[0] for step in told]
    assert done == sorted(done)
    assert told[-1] == ((COUNT + 1) * 60 * 70, (COUNT + 1) * 60 * 70)

    (folder / "poison.png").unlink()
    (folder / "text.png").unlink()
    assert states(run()) == {"skipped": COUNT}
    assert files(out) == expected


def test_a_result_of_a_lost_worker_counts_as_restored(
    machines: Any,
    folder: Path,
    expected: dict[str, bytes],
    small_release: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "Worker", Hasty)
    warnings: list[str] = []
    jobs = plan_jobs([folder], folder.parent / "out", "")
    arguments = (jobs, machines.address, small_release, None, None, warnings.append, OPTIONS)
    results = {each.job.source.name: each for each in restore_on_cluster(*arguments)}
    assert len(warnings) == 1
    assert states([*results.values()]) == {"restored": COUNT}
    again, other = results["05.png"].restored, results["00.png"].restored
    assert again is not None
    assert other is not None
    assert (again.width, again.height, again.model) == (other.width, other.height, other.model)
    assert again.seconds == 0
    assert files(folder.parent / "out") == expected


def test_a_run_that_is_left_early_leaves_nothing_behind(
    machines: Any,
    folder: Path,
    expected: dict[str, bytes],
    small_release: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notes = folder.parent / "notes"
    notes.mkdir()

    monkeypatch.chdir(folder.parent)
    monkeypatch.setattr(pool, "Worker", Slow)
    jobs = plan_jobs([folder], folder.parent / "out", "")
    outcomes = restore_on_cluster(jobs, machines.address, small_release, options=OPTIONS)
    assert next(outcomes).job.source.name == "00.png"
    outcomes.close()
    left = files(folder.parent / "out")
    assert left == {name: expected[name] for name in left}
    assert len(left) <= 2
    pids = [int(note.name.split()[1]) for note in notes.iterdir()]
    until = time.monotonic() + 30
    while any(is_running(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.1)
    assert not [pid for pid in pids if is_running(pid)]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("worker", "error", "message", "warnings"),
    [
        (Blind, ScalewiseError, r"does not see \S+/in/0/0\d.png; once that is mended", 2),
        (Dying, ScalewiseError, r"no worker on the .*: its worker does not start", 2),
        (Full, DiskFullError, r"^/\S+/out/0/0\d.png: cannot be written \(No space left", 0),
    ],
)
def test_what_ends_a_run(
    machines: Any,
    folder: Path,
    small_release: Path,
    monkeypatch: pytest.MonkeyPatch,
    worker: type[Worker],
    error: type[Exception],
    message: str,
    warnings: int,
) -> None:
    told: list[str] = []
    jobs = plan_jobs([folder], folder.parent / "out", "")
    monkeypatch.setattr(pool, "Worker", worker)
    monkeypatch.setattr(pool, "MAX_TRIES", 1)
    with pytest.raises(error, match=message) as raised:
        list(
            restore_on_cluster(
                jobs, machines.address, small_release, warn=told.append, options=OPTIONS
            )
        )
    assert "\n" not in str(raised.value)
    assert len(told) == warnings
    assert files(folder.parent / "out") == {}


def test_a_machine_that_is_gone(
    machines: Any, folder: Path, expected: dict[str, bytes], small_release: Path
) -> None:
    """The last test on the cluster, for it takes a machine away."""
    jobs = plan_jobs([folder], folder.parent / "out", "")
    run = restore_on_cluster(jobs, machines.address, small_release, options=OPTIONS)
    outcomes = [next(run)]
    machines.remove_node(next(iter(machines.worker_nodes)), allow_graceful=False)
    outcomes += run
    assert states(outcomes)["failed"] == 0
    assert len(outcomes) == COUNT
    assert files(folder.parent / "out") == expected


def test_the_command(
    machines: Any,
    folder: Path,
    expected: dict[str, bytes],
    small_release: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = folder.parent / "out"

    def call(*arguments: object) -> tuple[int, str, str]:
        command = ["scalewise", "upscale", folder, "-o", out, "-m", small_release, *arguments]
        monkeypatch.setattr(sys, "argv", [*map(str, command)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    options = ("--precision", "f32", "--tile", "32", "--cluster")
    code, said, err = call(*options, machines.address)
    assert code == 0
    assert "error:" not in err  # a worker that had to be started again is a warning
    assert said.splitlines()[-1].startswith(f"{COUNT} restored, in 0:")
    assert files(out) == expected
    (out / "0" / "00.png").unlink()
    code, _, err = call(*options, machines.address, "--device", "cuda")
    assert code == 1
    assert "no machine in it offers what is asked for" in err
    code, _, err = call(*options, "127.0.0.1:9")
    assert code == 1
    assert err.startswith("error: no Ray cluster at 127.0.0.1:9: ")
    assert err.count("\n") == 1


def test_without_ray(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    jobs = plan_jobs([folder], folder.parent / "out", "")
    with pytest.raises(ModuleNotFoundError) as raised:
        list(restore_on_cluster(jobs, "auto", "scn_x2"))
    assert raised.value.name == "ray"
