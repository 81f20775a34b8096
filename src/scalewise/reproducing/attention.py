"""What scale attention learned: the weights that it gives the scales, pixel by pixel."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scalewise.atomic import write_atomic
from scalewise.data.reading import read_rgb
from scalewise.imaging.protocols import FIELD
from scalewise.models.adaptive import Adaptive, ScaleAttention
from scalewise.models.skeleton import ResidualBlock
from scalewise.reproducing.results import ATTENTION_FILE, ATTENTION_MAPS, Attention, save_json

SIDE = 160
"""The longest side that is looked at, in pixels of the input; of a larger picture, its middle."""


def look_at_attention(network: Adaptive, picture: Path, run: str, folder: Path) -> Attention:
    """Run a network on a picture, halved, and keep the weights of all its attentions.

    Args:
        network: trained.
        picture: an image file.
        run: what the network is called.
        folder: of the reproduction; gets ``attention.npz`` and ``attention.json``.

    Raises:
        ScalewiseError: the picture cannot be read.
    """
    lr, _ = FIELD.prepare(read_rgb(picture), None, network.scale)
    image = middle(lr, SIDE)
    alpha = attention_of(network, image)
    maps = io.BytesIO()
    np.savez_compressed(maps, alpha=alpha.astype(np.float16), picture=image)
    write_atomic(folder / ATTENTION_MAPS, maps.getvalue())
    attention = Attention(
        run=run, picture=picture.stem, means=alpha.mean(axis=(3, 4), dtype=np.float64).tolist()
    )
    save_json(attention, folder / ATTENTION_FILE)
    return attention


def attention_of(network: Adaptive, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Alpha of every block's two convolutions: (blocks, 2, levels, h, w), for (h, w, 3)."""
    seen: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: Any, weights: Tensor) -> None:
        seen.append(weights[0].float())

    hooks = [
        convolution.attention.register_forward_hook(keep)
        for block in network.blocks
        for convolution in _convolutions(block)
        if isinstance(convolution.attention, ScaleAttention)
    ]
    try:
        with torch.no_grad():
            network(torch.tensor(image).permute(2, 0, 1)[None].float() / 255)
    finally:
        for hook in hooks:
            hook.remove()
    height, width = image.shape[:2]
    alpha = torch.stack(seen)[..., :height, :width]
    return alpha.reshape(len(network.blocks), 2, *alpha.shape[1:]).numpy()


def middle(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The middle of (H, W, C), at most ``side`` high and wide.

    >>> middle(np.zeros((10, 6, 3), np.uint8), 8).shape
    (8, 6, 3)
    """
    top, left = (max(0, (length - side) // 2) for length in image.shape[:2])
    return image[top : top + side, left : left + side]


def _convolutions(block: nn.Module) -> tuple[Any, Any]:
    assert isinstance(block, ResidualBlock)
    return block.scale_conv1, block.scale_conv2
