"""What every restoration network has in common: its sizes, its tiling trait, its padding."""

from __future__ import annotations

from typing import Any, Literal, overload

import torch.nn.functional as F
from torch import Tensor, nn

from scalewise.errors import ScalewiseError
from scalewise.models.cleaning import Cleaned, Cleaning

Tiling = Literal["exact", "blended", "whole"]
"""How a network may be cut into tiles.

``exact``: tiles that start on multiples of ``multiple`` and overlap give the whole picture's
result up to rounding.  ``blended``: the result depends slightly on the cut, so overlaps must
be feathered.  ``whole``: the network sees statistics of the whole picture, and must run on it
whole.
"""

EXACT_REACH = 24
"""Input pixels that a tile overlaps its neighbours by: who sees no further has exact tiles."""


class RestorationNetwork(nn.Module):
    """A network that maps an image in [0, 1] to one ``scale`` times its size.

    A subclass defines :meth:`restore_cleaned` for sizes that are multiples of ``multiple``;
    :meth:`forward` takes any size down to 1x1 by replicating the right and bottom edges.

    Attributes:
        scale: output over input size, 1 to 4.
        channels: image channels, 1 (grey) or 3 (RGB), the same in and out.
        multiple: what :meth:`restore` needs height and width to be multiples of.
        tiling: the tiling trait.
        cleaning: what the image goes through first; nothing unless a subclass says so.
        architecture: the name it has in the registry; set by ``create_model``.
        settings: every constructor argument it was built with; set by ``create_model``.
    """

    tiling: Tiling = "exact"
    architecture: str
    settings: dict[str, Any]

    def __init__(self, scale: int, channels: int, multiple: int) -> None:
        super().__init__()
        if scale not in (1, 2, 3, 4):
            raise ScalewiseError(f"scale must be 1, 2, 3 or 4, not {scale}")
        if channels not in (1, 3):
            raise ScalewiseError(f"channels must be 1 (grey) or 3 (RGB), not {channels}")
        self.scale = scale
        self.channels = channels
        self.multiple = multiple
        self.cleaning = Cleaning(channels)

    @property
    def parameter_count(self) -> int:
        """Trained numbers."""
        return sum(parameter.numel() for parameter in self.parameters())

    @overload
    def forward(self, image: Tensor) -> Tensor: ...

    @overload
    def forward(self, image: Tensor, with_cleaned: Literal[True]) -> tuple[Tensor, Cleaned]: ...

    def forward(self, image: Tensor, with_cleaned: bool = False) -> object:
        """Restore (N, channels, H, W) in [0, 1]: (N, channels, scale H, scale W), unclipped.

        The input is left as it is.

        Args:
            image: what to restore.
            with_cleaned: return the cleaned image too, for a loss that looks at it.
        """
        height, width = image.shape[-2:]
        cleaned: Cleaned = self.cleaning(self.align(image))
        restored = self.restore_cleaned(cleaned.image)
        restored = restored[..., : height * self.scale, : width * self.scale]
        return (restored, cleaned.cropped(height, width)) if with_cleaned else restored

    def restore(self, image: Tensor) -> Tensor:
        """:meth:`forward` for heights and widths that are multiples of ``multiple``."""
        return self.restore_cleaned(self.cleaning(image).image)

    def restore_cleaned(self, image: Tensor) -> Tensor:
        """:meth:`restore` for an image that has been cleaned."""
        raise NotImplementedError

    def align(self, image: Tensor) -> Tensor:
        """Pad an image to a size that :meth:`restore_cleaned` takes."""
        return pad_to_multiple(image, self.multiple)


def pad_to_multiple(image: Tensor, multiple: int) -> Tensor:
    """Replicate the right and bottom edges of (N, C, H, W) up to multiples of ``multiple``."""
    height, width = image.shape[-2:]
    right, bottom = -width % multiple, -height % multiple
    if right == 0 and bottom == 0:
        return image
    return F.pad(image, (0, right, 0, bottom), mode="replicate")


def require_positive(**settings: float) -> None:
    """Raise :class:`ScalewiseError` naming the first of the settings that is not above zero."""
    for name, value in settings.items():
        if value <= 0:
            raise ScalewiseError(f"{name} must be above 0, not {value}")
