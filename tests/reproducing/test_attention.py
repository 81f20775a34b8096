"""The weights that attention gives the scales, taken out of a network as it runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from scalewise.files import Picture, write
from scalewise.models.adaptive import Adaptive
from scalewise.reproducing.attention import SIDE, attention_of, look_at_attention
from scalewise.reproducing.results import ATTENTION_FILE, ATTENTION_MAPS, Attention, load_json


def test_weights_sum_to_one_over_the_scales(photo: NDArray[np.uint8]) -> None:
    network = Adaptive(width=4, blocks=2).eval()
    alpha = attention_of(network, photo[:21, :30])
    assert alpha.shape == (2, 2, 3, 21, 30)
    np.testing.assert_allclose(alpha.sum(axis=2), 1, atol=1e-5)
    assert alpha.std(axis=(3, 4)).min() > 0  # they differ from pixel to pixel


def test_blocks_and_convolutions_keep_their_order(photo: NDArray[np.uint8]) -> None:
    network = Adaptive(width=4, blocks=3).eval()
    attention = network.get_submodule("blocks.1.scale_conv2.attention.attention.0")
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.zero_()
    alpha = attention_of(network, photo[:20, :20])
    even = np.abs(alpha - 1 / 3).max(axis=(2, 3, 4)) < 1e-6
    assert even.tolist() == [[False, False], [False, True], [False, False]]


def test_what_is_kept(photo: NDArray[np.uint8], tmp_path: Path) -> None:
    write(tmp_path / "face.png", Picture(photo))
    network = Adaptive(width=4, blocks=2).eval()
    found = look_at_attention(network, tmp_path / "face.png", "adaptive", tmp_path)
    assert load_json(Attention, tmp_path / ATTENTION_FILE) == found
    assert (found.run, found.picture) == ("adaptive", "face")
    with np.load(tmp_path / ATTENTION_MAPS) as kept:
        assert kept["picture"].shape == (SIDE, SIDE, 3)
        assert kept["alpha"].shape == (2, 2, 3, SIDE, SIDE)
        means = kept["alpha"].astype(float).mean(axis=(3, 4))
        np.testing.assert_allclose(means, found.means, atol=1e-3)
