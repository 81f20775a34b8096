"""The released models' outputs, bit for bit: no tidying of the code may change them.

Double precision, so that what is rounded to 8 bits is the same on every processor.  A model that
is trained again gets a new line here; every other difference is a fault.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scalewise import list_models, load
from scalewise.weights.release import load_network

OUTPUTS = {
    "adaptive_x2": "a17948efe384d6a4",
    "dejpeg": "31a1ce6c43e29144",
    "denoise": "b7c00c9f968f2637",
    "graphics_jpeg_x2": "d993803c91dfa9d0",
    "graphics_x2": "a9d7d8d9a0a829ed",
    "noisy_jpeg": "3905d95391f25603",
    "original_x2": "6e11f57e41a56d40",
    "photo_x2": "5e000d110e287abc",
    "scn_fast_x2": "596c430f424115d5",
    "scn_x2": "fc3c725d048ac548",
    "scn_x3": "e68894c9ddcd9743",
    "scn_x4": "aa5c3014295ffaf7",
}
"""Model -> the start of the SHA-256 of its 8-bit output for one crop of the photograph."""


@pytest.fixture(scope="module")
def crop(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An eye and hair."""
    return np.ascontiguousarray(photo[60:108, 190:246])


@pytest.fixture(scope="module")
def output_of(crop: NDArray[np.uint8]) -> Callable[[str], NDArray[np.uint8]]:
    """Return the output of a network by its name; each is computed once."""
    images = torch.from_numpy(crop).permute(2, 0, 1)[None].double() / 255

    @cache
    def output_of(name: str) -> NDArray[np.uint8]:
        with torch.no_grad():
            output = load_network(name).double()(images)[0].permute(1, 2, 0)
        return (output.clamp(0, 1) * 255).round().byte().numpy()

    return output_of


def test_every_model_is_held() -> None:
    assert sorted(OUTPUTS) == [card.name for card in list_models()]


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_released_model_computes_what_it_did(
    name: str, output_of: Callable[[str], NDArray[np.uint8]]
) -> None:
    assert hashlib.sha256(output_of(name).tobytes()).hexdigest()[:16] == OUTPUTS[name]


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_engine_computes_what_the_network_does(
    name: str, crop: NDArray[np.uint8], output_of: Callable[[str], NDArray[np.uint8]]
) -> None:
    by_engine = load(name, precision="f32").restore(crop)
    differing = by_engine != (expected := output_of(name))
    assert np.abs(by_engine.astype(int) - expected).max() <= 1
    assert differing.mean() < 1e-3  # where rounding is a toss-up
