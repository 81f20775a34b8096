"""Full-size images as the inputs of the reproduced document's protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from full_size_inputs import mean_psnr_y
from numpy.typing import NDArray
from PIL import Image

from scalewise.imaging.metrics import psnr


def test_inputs_are_made_from_the_whole_image(photo: NDArray[np.uint8], tmp_path: Path) -> None:
    paths = [tmp_path / "whole.png", tmp_path / "part.png"]
    Image.fromarray(photo).save(paths[0])
    Image.fromarray(photo[:40, 5:50]).save(paths[1])
    seen: list[NDArray[np.uint8]] = []

    def repeated(image: NDArray[Any]) -> NDArray[Any]:
        seen.append(image)
        return image.repeat(2, axis=0).repeat(2, axis=1)

    found = mean_psnr_y(paths, repeated)
    expected: list[float] = []
    for path, given in zip(paths, tuple(seen), strict=True):
        with Image.open(path) as image:
            small, large = (
                np.asarray(image.resize((side, side), Image.Resampling.BILINEAR))
                for side in (256, 512)
            )
        assert np.abs(given.astype(int) - small).max() <= 1
        luma = [
            (pixels @ np.array([0.257, 0.504, 0.098]) + 16)[4:-4, 4:-4]
            for pixels in (repeated(small), large)
        ]
        expected.append(psnr(luma[0], luma[1], data_range=255))
    assert found == pytest.approx(np.mean(expected), abs=0.05)
