"""Measurements of speed.py and field.py: their plan, processes and images."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import contestants
import numpy as np
from contestants import BASELINES, COMMANDS, ELSEWHERE, OURS, PEER_SCALE, PEERS, Picture, Task

from scalewise import DEFAULT_MODEL, files

Size = tuple[int, int]
"""Width and height."""
SMALL: Size = (64, 64)
"""An image whose only tile takes no time."""


class NotMeasuredError(Exception):
    """A measurement failed; the message is the last thing that its process said."""


@dataclass(frozen=True)
class Subject:
    """What to measure.

    Attributes:
        what: a name of ``contestants.CONTESTANTS``, or of ``contestants.COMMANDS``.
        size: of the image to enlarge.
        model: a released model's name or folder; empty where there is no choice.
        precision: what to compute in; empty where there is no choice.
    """

    what: str
    size: Size
    model: str = ""
    precision: str = ""

    def __str__(self) -> str:
        name = Path(self.model).name
        return " ".join(filter(None, (name, self.what, self.precision, by(self.size))))


@dataclass(frozen=True)
class Measurement:
    """The result of a measurement.

    Attributes:
        seconds: that each repeat took.
        peak: the most bytes that a process held; None where the system does not tell.
        version: of the package that did it.
    """

    seconds: list[float]
    peak: int | None
    version: str

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Plan:
    """What is to be measured.

    Attributes:
        scales: of the models, by name or folder.
        precisions: that networks are run in.
        square: the image that all enlarge.
        photo: the image that the command enlarges.
        with_peers: whether peers are measured.
        end_to_end: whether the command is.
    """

    scales: Mapping[str, int]
    precisions: list[str]
    square: Size
    photo: Size
    with_peers: bool
    end_to_end: bool

    @property
    def chosen(self) -> str:
        """The model of the command, which is also compared with SPAN."""
        return DEFAULT_MODEL if DEFAULT_MODEL in self.scales else next(iter(self.scales))

    def subjects(self) -> list[Subject]:
        """All subjects, in order."""
        return [*self.enlarging(), *self.commands()]

    def enlarging(self) -> Iterator[Subject]:
        """Return the subjects that enlarge the square."""
        for model in self.scales:
            for what in OURS:
                for precision in self.precisions:
                    yield Subject(what, self.square, model, precision)
        for what in (*BASELINES, *(PEERS if self.with_peers else ())):
            yield Subject(what, self.square)

    def commands(self) -> Iterator[Subject]:
        """Return the command, and the network alone for comparison."""
        if self.end_to_end:
            for precision in self.precisions:
                yield Subject("openvino", self.photo, self.chosen, precision)
                yield Subject("command", self.photo, self.chosen, precision)
                yield Subject("first tile", self.photo, self.chosen, precision)
                yield Subject("first tile", SMALL, self.chosen, precision)

    def per_megapixel(self, subject: Subject, measurement: Measurement) -> float:
        """Return the seconds per million output pixels."""
        return per_megapixel(measurement, subject, self.scales.get(subject.model, PEER_SCALE))


def per_megapixel(measurement: Measurement, subject: Subject, scale: int = PEER_SCALE) -> float:
    """Return the seconds per million output pixels."""
    width, height = subject.size
    return measurement.median / (width * height * scale**2 / 1e6)


class Bench:
    """A place to measure, with its settings.

    Args:
        folder: for images.
        repeats: of every measurement.
        threads: to compute with.
        peers: the interpreter that peers are installed for.
    """

    def __init__(self, folder: Path, repeats: int, threads: int, peers: str) -> None:
        self.folder = folder
        self.repeats = repeats
        self.threads = threads
        self.peers = peers
        self.cores = pick_cores(threads)

    def measure(self, subject: Subject) -> Measurement:
        """Measure something, ``repeats`` times.

        Raises:
            NotMeasuredError: it failed.
        """
        is_command = subject.what in COMMANDS
        task = Task(
            what=subject.what,
            picture=str(self._picture(subject.size, ".jpg" if is_command else ".npy")),
            threads=self.threads,
            cores=self.cores,
            model=subject.model,
            precision=subject.precision,
            repeats=self.repeats,
        )
        if not is_command:
            return run(task, self._python(subject))
        return _together([run(task) for _ in range(self.repeats)])

    def enlarge_all(self, subject: Subject, pictures: Path, results: Path) -> Measurement:
        """Enlarge a folder of arrays into another one.

        Raises:
            NotMeasuredError: it failed.
        """
        task = Task(
            what=subject.what,
            picture=str(pictures),
            threads=self.threads,
            cores=self.cores,
            model=subject.model,
            precision=subject.precision,
            results=str(results),
        )
        return run(task, self._python(subject))

    def _python(self, subject: Subject) -> str:
        return self.peers if subject.what in ELSEWHERE else sys.executable

    def _picture(self, size: Size, suffix: str) -> Path:
        """Return the file of an image of a size: a JPEG, or the array that it decodes to."""
        jpeg = self.folder / f"{by(size)}.jpg"
        array = jpeg.with_suffix(".npy")
        if not array.exists():
            files.write(jpeg, files.Picture(picture_of(size)))
            np.save(array, files.read(jpeg).pixels)
        return jpeg.with_suffix(suffix)


def run(task: Task, python: str = sys.executable) -> Measurement:
    """Run a task in a new process, which does not share this one's memory.

    Args:
        task: what to do.
        python: the interpreter to do it with.

    Returns:
        Its answer; the seconds are those of the whole process where it timed nothing itself.

    Raises:
        NotMeasuredError: the process failed.
    """
    command = [python, contestants.__file__, json.dumps(asdict(task))]
    limits = dict.fromkeys(("OMP_NUM_THREADS", "VIPS_CONCURRENCY"), str(task.threads))
    environment = {**os.environ, **limits}
    began = time.perf_counter()
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NotMeasuredError(f"{python}: {error.strerror}") from error
    took = time.perf_counter() - began
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise NotMeasuredError(said[-1])
    answer = Measurement(**json.loads(done.stdout.splitlines()[-1]))
    return answer if answer.seconds else Measurement([took], answer.peak, answer.version)


def _together(runs: Sequence[Measurement]) -> Measurement:
    seconds = [second for run in runs for second in run.seconds]
    peaks = [run.peak for run in runs if run.peak is not None]
    return Measurement(seconds, max(peaks, default=None), runs[0].version)


def picture_of(size: Size) -> Picture:
    """Return a photograph of any size: scikit-image's astronaut, cropped or reflected."""
    from skimage import data

    photo: Any = data.astronaut()
    width, height = size
    below, right = max(0, height - photo.shape[0]), max(0, width - photo.shape[1])
    padded = np.pad(photo, ((0, below), (0, right), (0, 0)), mode="symmetric")
    return padded[:height, :width]


def pick_cores(count: int) -> list[int]:
    """Choose CPUs to confine processes to, if possible of different cores.

    There are fewer on smaller machines, and none on systems that cannot confine a process.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    if affinity is None:
        return []
    return sorted(affinity(0), key=lambda cpu: (not _is_first_of_core(cpu), cpu))[:count]


def _is_first_of_core(cpu: int) -> bool:
    siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    try:
        return int(re.split("[,-]", siblings.read_text(encoding="utf-8"))[0]) == cpu
    except (OSError, ValueError):
        return True


def by(size: Size) -> str:
    """Return a size as text."""
    return f"{size[0]}x{size[1]}"
