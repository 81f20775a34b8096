"""Training losses as functions of image batches."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from scalewise.models.cleaning import Cleaned

FULL_DEPARTURE = 16 / 255
"""From here on a pixel counts as wholly damaged: noise of sigma 20 departs so far in the mean."""


def restoration_loss(
    restored: Tensor, target: Tensor, l1: float = 1.0, smooth_l1: float = 0.0
) -> Tensor:
    """``l1 * L1 + smooth_l1 * SmoothL1``, the reproduced document's combined loss.

    Args:
        restored: (N, C, H, W), in [0, 1] but for over- and undershoot.
        target: the same shape, in [0, 1].
        l1: alpha, weight of the mean absolute error.
        smooth_l1: beta, weight of the smooth L1 (Huber, transition at 1) loss.

    Returns:
        A scalar.
    """
    loss = l1 * F.l1_loss(restored, target)
    if smooth_l1:
        loss = loss + smooth_l1 * F.smooth_l1_loss(restored, target)
    return loss


def taught_loss(
    restored: Tensor,
    target: Tensor,
    taught: Tensor,
    teacher: float,
    l1: float = 1.0,
    smooth_l1: float = 0.0,
) -> Tensor:
    """``(1 - teacher) * loss(restored, target) + teacher * loss(restored, taught)``.

    Args:
        restored: (N, C, H, W), in [0, 1] but for over- and undershoot.
        target: the truth, the same shape.
        taught: the teacher's image, the same shape.
        teacher: its share, in [0, 1].
        l1, smooth_l1: see :func:`restoration_loss`, the loss of both.

    Returns:
        A scalar.
    """
    loss = teacher * restoration_loss(restored, taught, l1, smooth_l1)
    if teacher < 1:
        loss = loss + (1 - teacher) * restoration_loss(restored, target, l1, smooth_l1)
    return loss


def cleaning_loss(
    cleaned: Cleaned,
    degraded: Tensor,
    clean: Tensor,
    denoised: float = 0.0,
    artifact_map: float = 0.0,
) -> Tensor:
    """``denoised * MSE(cleaned image, clean) + artifact_map * L1(map, departure)``.

    What the modules of :mod:`scalewise.models.cleaning` are to find, beside what
    :func:`restoration_loss` asks of the whole network: of a denoising block the clean image
    (the document's ``delta``, to the other's ``gamma``), of an artifact module where the
    degraded image departs from it.

    Args:
        cleaned: what the network made of the degraded image; with a map where that is wanted.
        degraded: the network's input, (N, C, H, W) in [0, 1].
        clean: the same before it was degraded.
        denoised: delta, weight of the cleaned image's mean squared error.
        artifact_map: weight of the map's mean absolute error.

    Returns:
        A scalar.
    """
    loss = denoised * F.mse_loss(cleaned.image.float(), clean)
    if artifact_map:
        assert cleaned.artifact_map is not None
        target = departure(degraded, clean)
        loss = loss + artifact_map * F.l1_loss(cleaned.artifact_map.float(), target)
    return loss


def departure(degraded: Tensor, clean: Tensor) -> Tensor:
    """How damaged an image is at each pixel.

    ``min(1, d / FULL_DEPARTURE)``, with d the absolute difference, averaged over the channels.

    Args:
        degraded: (N, C, H, W) in [0, 1].
        clean: the same shape.

    Returns:
        (N, 1, H, W) in [0, 1].
    """
    difference = (degraded - clean).abs().mean(dim=1, keepdim=True)
    return (difference / FULL_DEPARTURE).clamp(max=1)
