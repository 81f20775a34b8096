"""Training losses as functions of two image batches."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


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
