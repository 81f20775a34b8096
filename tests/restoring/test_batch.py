"""Runs over many images: nothing lost, nothing half, and every one for itself."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.errors import DiskFullError, ScalewiseError
from scalewise.files import Picture, PictureWriter, read, write
from scalewise.restoring import file_pipeline
from scalewise.restoring.batch import JobResult, Workload, restore_files
from scalewise.restoring.file_pipeline import OpenJob, OutputOptions, restore_file
from scalewise.restoring.jobs import FileJob, plan_jobs
from scalewise.restoring.restorer import Restorer
from scalewise.restoring.selection import AutoSelector, SelectedModels
from scalewise.restoring.sizes import Target
from tests.restoring.fakes import FakeRuntime, Traits


@pytest.fixture
def doubling() -> Restorer:
    return Restorer("fake", Traits(), FakeRuntime(), tile=32)


@pytest.fixture
def folder(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    """Five images of different sizes, in a tree, with names of all kinds."""
    names = ["a.png", "b.jpg", "sub/ü ø 名.webp", "sub/deep/c.tiff", "z.png"]
    for index, name in enumerate(names):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, Picture(photo[100 : 140 + 8 * index, 100:150]))
    return tmp_path / "in"


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def states(outcomes: list[JobResult]) -> dict[str, str]:
    return {
        outcome.job.source.name: outcome.problem or ("skipped" if outcome.skipped else "restored")
        for outcome in outcomes
    }


def run(
    folder: Path, restorer: Restorer, options: OutputOptions | None = None, output: str = "out"
) -> list[JobResult]:
    jobs = plan_jobs([folder], folder.parent / output, "")
    return list(restore_files(jobs, [restorer], options))


def test_a_tree_is_restored_and_its_inputs_are_not_touched(
    folder: Path, doubling: Restorer
) -> None:
    before = files(folder)
    outcomes = run(folder, doubling)
    assert set(states(outcomes).values()) == {"restored"}
    assert files(folder) == before
    out = folder.parent / "out"
    assert files(out).keys() == before.keys()
    for name in before:
        expected = doubling.upscale(read(folder / name)).pixels
        found = read(out / name).pixels
        assert found.shape == expected.shape
        lossless = name.endswith((".png", ".tiff"))
        worst = np.abs(found.astype(int) - expected).max()
        assert worst == 0 if lossless else np.abs(found.astype(int) - expected).mean() < 6
    first = outcomes[0].restored
    assert first is not None
    assert (first.width, first.height) == (100, 80)
    assert first.target == out / "a.png"


def test_what_is_done_is_skipped_and_what_is_missing_is_made(
    folder: Path, doubling: Restorer
) -> None:
    run(folder, doubling)
    out = folder.parent / "out"
    whole = files(out)
    (out / "b.jpg").unlink()
    (out / "z.png").write_bytes(b"mine")
    found = states(run(folder, doubling))
    assert found.pop("b.jpg") == "restored"
    assert set(found.values()) == {"skipped"}
    assert files(out) == {**whole, "z.png": b"mine"}
    assert set(states(run(folder, doubling, OutputOptions(overwrite=True))).values()) == {
        "restored"
    }
    assert files(out) == whole


def test_bad_files_cost_a_line_each(folder: Path, doubling: Restorer) -> None:
    whole = (folder / "z.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_text("no picture")
    (folder / "empty.webp").touch()
    long = folder / ("n" * 251 + ".png")
    long.write_bytes(whole)
    outcomes = list(restore_files(plan_jobs([folder], None, "_x2"), [doubling]))
    found = states(outcomes)
    assert "truncated" in found["cut.png"] or "cut.png: " in found["cut.png"]
    assert "text.jpg: not an image" in found["text.jpg"]
    assert "empty.webp: not an image" in found["empty.webp"]
    assert "File name too long" in found[long.name]
    assert all("\n" not in line for line in found.values())
    assert sum(line == "restored" for line in found.values()) == 5
    made = set(files(folder)) - {outcome.job.source.name for outcome in outcomes}
    assert not [name for name in made if Path(name).name.startswith(".")]
    assert not (folder / "cut_x2.png").exists()


def test_a_fault_of_ours_is_no_end_either(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "scalewise")

    class Odd(FakeRuntime):
        def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
            if image.shape[2] > 60:
                raise TypeError("what?")
            return super().__call__(image)

    found = states(run(folder, Restorer("odd", Traits(), Odd(), tile=512)))
    assert "TypeError: what? (a fault of scalewise" in found["z.png"]
    assert 'raise TypeError("what?")' in caplog.text  # the traceback, for a report
    assert found["a.png"] == "restored"


def test_the_next_picture_is_read_while_one_is_in_the_network(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = threading.Event()
    open_job = file_pipeline.open_job

    def watched(job: FileJob, restorers: Sequence[Restorer], output: OutputOptions) -> OpenJob:
        opened_job = open_job(job, restorers, output)
        if job.source.name == "b.jpg":
            opened.set()
        return opened_job

    class Waiting(FakeRuntime):
        def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
            assert opened.wait(5)
            return super().__call__(image)

    monkeypatch.setattr("scalewise.restoring.batch.open_job", watched)
    jobs = plan_jobs([folder], folder.parent / "out", "")[:2]
    waiting = Restorer("waiting", Traits(), Waiting(), tile=32)
    assert set(states(list(restore_files(jobs, [waiting]))).values()) == {"restored"}


def test_a_full_disk_ends_the_run_and_leaves_nothing_half(
    folder: Path, doubling: Restorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = PictureWriter.finish

    def full(self: PictureWriter) -> None:
        if "webp" in str(self._path):  # pyright: ignore[reportPrivateUsage]
            self.close()
            error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise self._failure(error)  # pyright: ignore[reportPrivateUsage]
        finish(self)

    monkeypatch.setattr(PictureWriter, "finish", full)
    with pytest.raises(DiskFullError, match="No space left"):
        run(folder, doubling)
    assert set(files(folder.parent / "out")) <= {"a.png", "b.jpg", "sub/deep/c.tiff"}
    monkeypatch.undo()
    assert set(states(run(folder, doubling)).values()) == {"restored", "skipped"}
    assert len(files(folder.parent / "out")) == 5


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no users here")
def test_a_folder_that_cannot_be_written_to(
    folder: Path, doubling: Restorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = folder.parent / "out"
    (out / "sub").mkdir(parents=True)
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path).name != "sub" and access(path, mode)
    )
    found = states(run(folder, doubling))
    assert "cannot be written to" in found["ü ø 名.webp"]
    assert found["a.png"] == "restored"


def test_progress_reaches_its_total_and_never_goes_back(folder: Path, doubling: Restorer) -> None:
    (folder / "text.jpg").write_text("no picture")
    told: list[tuple[float, float]] = []
    jobs = plan_jobs([folder], folder.parent / "out", "")
    list(restore_files(jobs, [doubling], None, lambda done, total, _: told.append((done, total))))
    done = [step[0] for step in told]
    assert done == sorted(done)
    pixels = sum(
        read(path).pixels[..., 0].size for path in folder.rglob("*.*") if "text" not in path.name
    )
    assert told[-1] == (pixels, pixels)
    assert len(told) > len(jobs)


@pytest.mark.parametrize("error", [ScalewiseError("unreadable"), MemoryError()])
def test_what_is_not_looked_at_yet_counts_as_the_mean(error: Exception) -> None:
    looked, go_on = threading.Event(), threading.Event()
    jobs = [FileJob(Path(f"{i}.png"), Path(f"{i}_x2.png")) for i in range(4)]

    def cost(job: FileJob) -> int:
        if job is jobs[2]:
            looked.set()
            assert go_on.wait(5)
            raise error
        return 100

    workload = Workload(jobs, cost)
    assert looked.wait(5)
    assert workload.total == 400
    go_on.set()
    workload.of(jobs[3])
    for _ in range(100):
        if workload.total == 300:
            break
        time.sleep(0.01)
    assert workload.total == 300
    assert workload.of(jobs[2]) == 0
    workload.close()


def test_a_run_that_is_left_early_leaves_nothing_behind(folder: Path, doubling: Restorer) -> None:
    before = threading.active_count()
    outcomes = restore_files(plan_jobs([folder], folder.parent / "out", ""), [doubling])
    assert next(outcomes).restored is not None
    outcomes.close()
    assert threading.active_count() == before
    assert not [name for name in files(folder.parent / "out") if "/." in f"/{name}"]


@pytest.mark.parametrize(
    ("output", "size"),
    [
        (OutputOptions(Target(scale=3)), (150, 120)),
        (OutputOptions(Target(width=33)), (33, 26)),
        (OutputOptions(Target(max_megapixels=0.002)), (50, 40)),
        (OutputOptions(Target(scale=1)), (50, 40)),
    ],
)
def test_any_size(
    folder: Path, doubling: Restorer, output: OutputOptions, size: tuple[int, int]
) -> None:
    target = folder.parent / "large.png"
    done = restore_file(FileJob(folder / "a.png", target), [doubling], output)
    assert (done.width, done.height) == size
    assert read(target).pixels.shape == (size[1], size[0], 3)


@pytest.fixture
def clean(doubling: Restorer) -> AutoSelector:
    """Finds nothing to restore in any image."""
    return AutoSelector(lambda _: SelectedModels((), "no noise"), [doubling])


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_clean_pictures_are_copied(folder: Path, clean: AutoSelector) -> None:
    (folder / "a.png").chmod(0o640)
    out = folder.parent / "out"
    jobs = plan_jobs([folder], out, "")
    told = {each.job.source.name: each.restored for each in restore_files(jobs, clean)}
    assert files(out) == files(folder)
    assert {made.unchanged for made in told.values() if made} == {"is clean: copied"}
    assert mode(out / "a.png") == 0o640
    assert set(states(list(restore_files(jobs, clean))).values()) == {"skipped"}
    (out / "a.png").write_bytes(b"mine")
    (out / "a.png").chmod(0o600)
    list(restore_files(jobs, clean, OutputOptions(overwrite=True)))
    assert files(out) == files(folder)
    assert mode(out / "a.png") == 0o600  # as for every result that replaces a file


@pytest.mark.parametrize(
    ("name", "output", "told"),
    [
        ("a.webp", OutputOptions(), "is clean: converted to webp, quality 95"),
        ("a.webp", OutputOptions(lossless=True), "is clean: converted to webp, lossless"),
        ("a.avif", OutputOptions(quality=80), "is clean: converted to avif, quality 80"),
        ("a.png", OutputOptions(format="tiff"), "is clean: converted to tiff"),
        ("a.png", OutputOptions(strip=True), "is clean: encoded again without metadata"),
        ("a.png", OutputOptions(quality=50), "is clean: copied"),
    ],
)
def test_clean_pictures_are_encoded_again_only_if_asked(
    folder: Path, clean: AutoSelector, name: str, output: OutputOptions, told: str
) -> None:
    target = folder.parent / name
    made = restore_file(FileJob(folder / "a.png", target), clean, output)
    assert (made.unchanged, made.model) == (told, "no network")
    exact = name == "a.png" or output.lossless
    difference = read(target).pixels.astype(int) - read(folder / "a.png").pixels
    assert np.abs(difference).max() == 0 if exact else 0 < np.abs(difference).max() < 60


def test_a_clean_lossless_webp_stays_lossless(folder: Path, clean: AutoSelector) -> None:
    source, target = folder / "b.webp", folder.parent / "b.webp"
    write(source, read(folder / "a.png"), lossless=True)
    made = restore_file(FileJob(source, target), clean, OutputOptions(strip=True))
    assert made.unchanged == "is clean: encoded again without metadata, lossless"
    np.testing.assert_array_equal(read(target).pixels, read(source).pixels)


def test_damaged_pictures_are_not_copied(folder: Path, clean: AutoSelector) -> None:
    whole = (folder / "a.png").read_bytes()
    (folder / "a.png").write_bytes(whole[:-1000])
    with pytest.raises(ScalewiseError, match=r"a\.png: truncated"):
        restore_file(FileJob(folder / "a.png", folder.parent / "a.png"), clean)
    assert not (folder.parent / "a.png").exists()


def test_a_picture_of_the_wanted_size_is_copied(folder: Path, doubling: Restorer) -> None:
    target = folder.parent / "b.jpg"
    made = restore_file(FileJob(folder / "b.jpg", target), [doubling], OutputOptions(Target(1)))
    assert made.unchanged == "has this size already: copied"
    assert target.read_bytes() == (folder / "b.jpg").read_bytes()


def test_a_limit_on_pixels(folder: Path, doubling: Restorer) -> None:
    job = FileJob(folder / "a.png", folder.parent / "large.png")
    with pytest.raises(ScalewiseError, match="max_pixels=2000"):
        restore_file(job, [doubling], OutputOptions(max_pixels=1999))
    restore_file(job, [doubling], OutputOptions(max_pixels=2000))


def test_a_run_that_is_killed_goes_on(
    folder: Path, small_release: Path, photo: NDArray[np.uint8]
) -> None:
    """Killed again and again, at any moment; the outputs are those of a run that was not."""
    for index in range(2):
        write(folder / f"more {index}.png", Picture(photo[: 100 + 9 * index, :200]))
    command = [
        sys.executable,
        "-c",
        "from scalewise.__main__ import main; main()",
        *("upscale", folder, "-m", small_release),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    whole, parts = folder.parent / "whole", folder.parent / "parts"
    subprocess.run([*command, "-o", whole], check=True, capture_output=True, env=environment)
    before = files(folder)
    kills = 0
    for seed in range(40):
        process = subprocess.Popen(
            [*command, "-o", parts],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )
        assert process.stdout is not None
        # Each time one or two images further, and then a moment that nothing depends on.
        lines = [process.stdout.readline() for _ in range(1 + seed % 2)]
        time.sleep(0.01 * (seed * 7 % 10))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        present = files(parts) if parts.exists() else {}
        expected = files(whole)
        assert present == {name: expected[name] for name in present}
        if "" in lines or lines[-1].startswith(f"{len(expected)} "):
            break
        kills += 1
        if len(present) == len(expected):
            break
    assert kills >= 3
    last = subprocess.run([*command, "-o", parts], check=True, capture_output=True, text=True)
    assert "failed" not in last.stdout
    assert files(parts) == files(whole)
    assert files(folder) == before
