"""Base class of all networks: sizes, padding and tiling."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from scalewise.errors import ScalewiseError
from scalewise.models.tile_overlap import Tiling

MOST_LEVELS = 8
"""Levels of a pyramid; with more, sizes are padded to multiples that no patch has."""


class RestorationNetwork(nn.Module):
    """A network that maps an image in [0, 1] to one ``scale`` times its size.

    A subclass defines :meth:`restore` for sizes that are multiples of ``multiple``;
    :meth:`forward` takes any size down to 1x1 by replicating the right and bottom edges.

    Attributes:
        scale: output over input size, 1 to 4.
        channels: image channels, 1 (grey) or 3 (RGB), the same in and out.
        multiple: :meth:`restore` needs heights and widths that are multiples of this.
        tiling: how images may be cut into tiles for it.
        cleanable: whether the settings ``denoise`` and ``artifacts`` add a cleaning step; see
            :mod:`scalewise.models.cleaning`.
        architecture: its name in the registry; set by ``create_model``.
        settings: every setting of its constructor; set by ``create_model``.
    """

    tiling: Tiling = "exact"
    cleanable: bool = False
    architecture: str
    settings: dict[str, Any]

    def __init__(self, scale: int, channels: int, multiple: int) -> None:
        super().__init__()
        if scale not in (1, 2, 3, 4):
            raise ScalewiseError(f"scale must be 1, 2, 3 or 4, not {scale}", arguments=["scale"])
        if channels not in (1, 3):
            raise ScalewiseError(
                f"channels must be 1 (grey) or 3 (RGB), not {channels}", arguments=["channels"]
            )
        self.scale = scale
        self.channels = channels
        self.multiple = multiple

    @property
    def parameter_count(self) -> int:
        """Number of trained parameters."""
        return sum(parameter.numel() for parameter in self.parameters())

    def extra_repr(self) -> str:
        """Return the settings, for ``repr``."""
        return ", ".join(f"{key}={value!r}" for key, value in getattr(self, "settings", {}).items())

    def forward(self, image: Tensor) -> Tensor:
        """Restore (N, channels, H, W) in [0, 1]: (N, channels, scale H, scale W), unclipped.

        The input is not changed.
        """
        height, width = image.shape[-2:]
        restored = self.restore(self.align(image))
        return restored[..., : height * self.scale, : width * self.scale]

    def restore(self, image: Tensor) -> Tensor:
        """Restore an image whose height and width are multiples of ``multiple``."""
        raise NotImplementedError

    def align(self, image: Tensor) -> Tensor:
        """Pad an image to a size that :meth:`restore` takes."""
        return pad_to_multiple(image, self.multiple)


def pad_to_multiple(image: Tensor, multiple: int) -> Tensor:
    """Replicate the right and bottom edges of (N, C, H, W) up to multiples of ``multiple``."""
    height, width = image.shape[-2:]
    right, bottom = -width % multiple, -height % multiple
    if right == 0 and bottom == 0:
        return image
    return F.pad(image, (0, right, 0, bottom), mode="replicate")


def require_positive(**settings: float) -> None:
    """Raise :class:`ScalewiseError` for the first setting that is not above zero."""
    for name, value in settings.items():
        if value <= 0:
            raise ScalewiseError(f"{name} must be above 0, not {value}", arguments=[name])


def require_levels(levels: int, least: int = 2) -> None:
    """Raise :class:`ScalewiseError` for a pyramid with too few or too many resolutions."""
    if levels < least:
        message = f"levels must be at least {least}, not {levels}"
        raise ScalewiseError(message, arguments=["levels"])
    if levels > MOST_LEVELS:
        message = f"levels must be at most {MOST_LEVELS}, not {levels}"
        raise ScalewiseError(message, arguments=["levels"])
