"""MATLAB's bicubic ``imresize`` once more, straight from its definition: slow, and independent.

Run as a program, it writes ``golden/bicubic.npz`` from scikit-image's astronaut (NASA, public
domain): a cut of it in RGB and grey, and what this module makes of it at 1/2, 1/3 and 1/4.
"""

from __future__ import annotations

from math import ceil, floor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

GOLDEN = Path(__file__).parent / "golden" / "bicubic.npz"


def keys(x: float) -> float:
    """Keys' cubic convolution kernel, a = -1/2."""
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    if x <= 2:
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return 0.0


def resample_line(line: list[float], out_length: int, scale: float) -> list[float]:
    """One line of samples: each output is a kernel-weighted mean of the mirrored input."""
    stretch = min(scale, 1.0)
    out: list[float] = []
    for i in range(out_length):
        centre = (i + 0.5) / scale
        total = weight_sum = 0.0
        for j in range(floor(centre - 2 / stretch) - 1, ceil(centre + 2 / stretch) + 1):
            weight = keys((j + 0.5 - centre) * stretch)
            mirrored = j
            while not 0 <= mirrored < len(line):
                mirrored = -1 - mirrored if mirrored < 0 else 2 * len(line) - 1 - mirrored
            total += weight * line[mirrored]
            weight_sum += weight
        out.append(total / weight_sum)
    return out


def slow_imresize(image: NDArray, scale: float) -> NDArray:
    """Columns, then rows, of (H, W); 8-bit images are rounded half up after each."""
    height, width = image.shape
    is_8_bit = image.dtype == np.uint8

    def finish(lines: list[list[float]]) -> list[list[float]]:
        if not is_8_bit:
            return lines
        return [[min(255, max(0, floor(value + 0.5))) for value in line] for line in lines]

    size = ceil(height * scale - 1e-9), ceil(width * scale - 1e-9)
    columns = finish([resample_line(line, size[0], scale) for line in image.T.tolist()])
    rows = finish(
        [resample_line(list(line), size[1], scale) for line in zip(*columns, strict=True)]
    )
    return np.array(rows, dtype=image.dtype)


def slow_imresize_channels(image: NDArray, scale: float) -> NDArray:
    """:func:`slow_imresize` of each channel of (H, W, C)."""
    return np.stack([slow_imresize(plane, scale) for plane in np.moveaxis(image, 2, 0)], axis=-1)


def main() -> None:
    from skimage import data

    rgb = data.astronaut()[60:132, 180:276]  # the eyes: 72x96
    grey = rgb[..., 1]
    arrays = {"rgb": rgb, "grey": grey}
    for scale in (2, 3, 4):
        arrays[f"rgb_x{scale}"] = slow_imresize_channels(rgb, 1 / scale)
        arrays[f"grey_x{scale}"] = slow_imresize(grey, 1 / scale)
    GOLDEN.parent.mkdir(exist_ok=True)
    np.savez_compressed(GOLDEN, **arrays)


if __name__ == "__main__":
    main()
