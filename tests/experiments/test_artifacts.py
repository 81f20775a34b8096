"""Overshoot and ringing of restored images."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.experiments.artifacts import (
    BAND,
    Artifacts,
    measure_artifacts,
    overshoot_map,
    ringing_band,
)

SIDE = 40


@pytest.fixture
def step() -> NDArray[np.float64]:
    """An edge in the middle, from 60 to 180."""
    image = np.full((SIDE, SIDE), 60.0)
    image[:, SIDE // 2 :] = 180.0
    return image


def ring(image: NDArray[np.float64], swing: float) -> NDArray[np.float64]:
    """Add a wave on the right of the edge, which fades away."""
    ringing = image.copy()
    for at in range(BAND):
        ringing[:, SIDE // 2 + at] += swing * (-1) ** at * 0.7**at
    return ringing


def test_the_truth_has_none(step: NDArray[np.float64]) -> None:
    assert measure_artifacts(step, step) == Artifacts(0.0, 0.0)


def test_blur_is_no_artifact(step: NDArray[np.float64]) -> None:
    padded = np.pad(step, ((0, 0), (1, 1)), mode="edge")
    blurred = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
    assert measure_artifacts(blurred, step) == Artifacts(0.0, 0.0)


def test_a_gain_of_contrast_within_the_range_is_no_overshoot(step: NDArray[np.float64]) -> None:
    softer = np.where(step > 100, 150.0, 90.0)
    assert overshoot_map(softer, step)[:, SIDE // 2 - 2 : SIDE // 2 + 2].max() == 0


def test_overshoot_is_in_levels_on_either_side(step: NDArray[np.float64]) -> None:
    over = step.copy()
    over[:, SIDE // 2] += 10
    over[:, SIDE // 2 - 1] -= 4
    excess = overshoot_map(over, step)
    assert set(np.unique(excess[:, SIDE // 2])) == {10.0}
    assert set(np.unique(excess[:, SIDE // 2 - 1])) == {4.0}
    assert measure_artifacts(over, step).overshoot == pytest.approx(14 / SIDE)


def test_more_ringing_scores_more(step: NDArray[np.float64]) -> None:
    found = [measure_artifacts(ring(step, swing), step).ringing for swing in (0, 4, 12)]
    assert found[0] == 0 < found[1] < found[2]
    assert found[2] == pytest.approx(3 * found[1])


def test_ringing_is_looked_for_near_edges_alone(step: NDArray[np.float64]) -> None:
    band = ringing_band(step)
    columns = np.flatnonzero(band.any(axis=0))
    assert columns.min() >= SIDE // 2 - 1 - BAND
    assert columns.max() <= SIDE // 2 + BAND
    assert not band[:, SIDE // 2 - 2 : SIDE // 2 + 2].any()
    far = step.copy()
    far[:, :5] += np.resize([5.0, -5.0], 5)
    assert measure_artifacts(far, step).ringing == 0
    assert measure_artifacts(far, step).overshoot > 0


def test_a_flat_image_has_no_edges() -> None:
    flat = np.full((9, 9), 30.0)
    assert measure_artifacts(flat + 1, flat) == Artifacts(1.0, 0.0)


def test_turning_both_changes_nothing(step: NDArray[np.float64]) -> None:
    ringing = ring(step, 8)
    assert measure_artifacts(ringing.T, step.T) == measure_artifacts(ringing, step)


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match=r"two images \(H, W\) of one shape"):
        measure_artifacts(np.zeros((4, 4)), np.zeros((4, 5)))
