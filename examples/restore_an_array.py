"""Enlarge an image in an array, such as from a camera, a video or another library.

    python examples/restore_an_array.py

Needs nothing but scalewise itself.
"""

from __future__ import annotations

import argparse

import numpy as np

import scalewise


def main() -> None:
    """Enlarge a synthetic image of two data types."""
    argparse.ArgumentParser(description="Enlarge an image in an array.").parse_args()
    rows, columns = np.mgrid[0:120, 0:160]
    rings = 127.5 + 127.5 * np.sin(np.hypot(rows - 60, columns - 80) / 2)
    image = np.repeat(rings[..., None], 3, axis=2).astype(np.uint8)  # (H, W, RGB)

    restorer = scalewise.load("scn_x2")  # once; threads may share it
    larger = restorer.upscale(image)
    print("uint8:  ", image.shape, "->", larger.shape, larger.dtype)

    deep = restorer.upscale(image.astype(np.uint16) * 257)
    print("uint16: ", image.shape, "->", deep.shape, deep.dtype)

    banner = restorer.upscale(image, width=500)
    print("500 wide:", banner.shape)


if __name__ == "__main__":
    main()
