"""Trial runs find out what is known of networks made for the purpose."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.models.probe import Findings, Image, Run, measure_reach, probe


def network(scale: int = 2, multiple: int = 1, reach: int = 2) -> Run:
    """An enlargement by repetition after a box blur of a known radius, for some sizes alone."""

    def run(image: Image) -> Image:
        if any(side % multiple for side in image.shape[2:]):
            raise RuntimeError("shapes do not fit")
        width = image.shape[3]
        around = np.pad(image, ((0, 0), (0, 0), (0, 0), (reach, reach)), mode="edge")
        shifted = [around[..., start : start + width] for start in range(2 * reach + 1)]
        return np.mean(shifted, axis=0, dtype=np.float32).repeat(scale, 2).repeat(scale, 3)

    return run


@pytest.mark.parametrize("scale", [1, 4])
@pytest.mark.parametrize("multiple", [1, 4, 8])
def test_scale_multiple_and_reach(scale: int, multiple: int) -> None:
    found = probe(network(scale, multiple, reach=5), 3)
    assert found == Findings(scale, multiple, 1.0, 5)


def test_a_fixed_size_and_grey() -> None:
    def run(image: Image) -> Image:
        assert image.shape == (1, 1, 48, 64)
        return network(3)(image)

    assert probe(run, 1, (48, 64)) == Findings(3, 1, 1.0, 2)


def test_values_up_to_255() -> None:
    def run(image: Image) -> Image:
        return image.clip(20, 235)

    assert probe(run, 3).white == 255
    assert probe(network(), 3).white == 1


def test_a_reach_beyond_what_is_measured() -> None:
    def run(image: Image) -> Image:
        return image - image.mean(dtype=np.float32) + image[..., :1, :1]

    assert measure_reach(run, 3, 1) is None
    assert measure_reach(network(reach=90), 3, 1) is None
    assert measure_reach(network(reach=30), 3, 1, size=(40, 60)) is None


@pytest.mark.parametrize(
    ("run", "problem"),
    [
        (lambda image: image[:, :1], "1x1x37x53"),
        (lambda image: image[..., 1:-1, 1:-1], "1x3x35x51"),
        (lambda image: image.mean((2, 3)), "1x3 for"),
        (network(multiple=1000), "it does not run \\(shapes do not fit\\)"),
    ],
)
def test_other_networks_are_refused(run: Run, problem: str) -> None:
    with pytest.raises(ScalewiseError, match=problem):
        probe(run, 3)


def test_findings_do_not_change() -> None:
    seen: list[NDArray[np.float32]] = []

    def run(image: Image) -> Image:
        seen.append(image)
        return image

    assert probe(run, 3) == probe(run, 3)
    half = len(seen) // 2
    assert all(np.array_equal(a, b) for a, b in zip(seen[:half], seen[half:], strict=True))
