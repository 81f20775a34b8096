"""PSNR-Y computed on the device is that of the protocol's score."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scalewise.files.coding import code_and_decode
from scalewise.imaging.colour import BT601, FULL_RANGE_BT601
from scalewise.imaging.protocols import FIELD, Protocol, squashing
from scalewise.models import create_model
from scalewise.training.config import DataConfig
from scalewise.training.validation import ValidationSet, psnr_y, restore_uint8
from scalewise.training.validation_protocol import protocol_of
from scalewise.visibility import as_visible_as_jpeg

CPU = torch.device("cpu")


def of_task(task: str) -> Protocol:
    return protocol_of(DataConfig(train=["x"], task=task))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("protocol", "scale"),
    [
        (FIELD, 2),
        (FIELD, 3),
        (FIELD, 1),
        (squashing(64), 2),
        (of_task("denoise"), 1),
        (of_task("dejpeg"), 1),
        (of_task("photo"), 2),
        (replace(FIELD, border=0, grey_luma=FULL_RANGE_BT601), 2),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_is_the_protocols(
    photo: NDArray[np.uint8], protocol: Protocol, scale: int, dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    network = create_model("scn_exact", scale=scale, width=4, blocks=1, levels=2)
    grey = np.repeat(photo[200:260, 100:190, :1], 3, axis=2)
    pictures = [photo[:100, 150:270], grey, photo[300:371, :64]]
    prepared = [protocol.prepare(hr, None, scale, str(n)) for n, hr in enumerate(pictures)]
    expected = [
        protocol.score(restore_uint8(network, lr, CPU, dtype), hr, scale).psnr_y
        for lr, hr in prepared
    ]
    for count in (1, 3):
        measured = ValidationSet(prepared[:count], scale, protocol).psnr_y(network, CPU, dtype)
        assert measured == pytest.approx(np.mean(expected[:count]), abs=1e-4)


def test_other_codecs_are_validated_as_they_are_trained(photo: NDArray[np.uint8]) -> None:
    def validated(**shares: float) -> tuple[Protocol, list[NDArray[np.uint8]]]:
        data = DataConfig(train=["x"], task="dejpeg", quality=(40, 40), **shares)  # pyright: ignore[reportArgumentType]
        protocol = protocol_of(data)
        return protocol, [protocol.prepare(hr, None, 1, "a")[0] for hr in images]

    images = [np.ascontiguousarray(photo[n : n + 64, 100:164]) for n in range(0, 400, 20)]
    usual, as_jpeg = validated()
    mixed, some = validated(webp=0.3, avif=0.3)
    assert mixed.name == f"{usual.name}-webp0.3-avif0.3"
    assert mixed.description.startswith(f"protocol {mixed.name}: ")
    assert "30% as WebP and 30% as AVIF" in mixed.description
    others = sum(bool(np.any(a != b)) for a, b in zip(as_jpeg, some, strict=True))
    assert others / len(images) == pytest.approx(0.6, abs=0.25)
    np.testing.assert_array_equal(some, validated(webp=0.3, avif=0.3)[1])
    of_webp = code_and_decode(images[0], "WebP", round(as_visible_as_jpeg("WebP", 40)))
    np.testing.assert_array_equal(validated(webp=1)[1][0], of_webp)


def test_equal_images_have_an_infinite_psnr() -> None:
    image = torch.randint(256, (9, 9, 3), dtype=torch.uint8)
    assert psnr_y(image, image, BT601, 2).item() == math.inf
