"""Training losses of image batches, and the check for divergence."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scalewise.errors import Diverged, ScalewiseError
from scalewise.models import RestorationNetwork
from scalewise.models.cleaning import Cleaned, CleanedNetwork
from scalewise.tasks import get_task, list_tasks
from scalewise.training.config import DataConfig, LossConfig

FULL_DEPARTURE = 16 / 255
"""Departure at which a pixel counts as fully damaged: the mean of noise with sigma 20."""

DIVERGED = 100
"""Loss at which a run has diverged, in units of the loss's weights.  Images differ by at
most 1 from the ground truth; networks with random weights start below 10."""

FFT_SIZE = 100
"""Approximate size of a Fourier coefficient of an image's noise, in units of the noise."""

CHARBONNIER_EPSILON = 1e-3
"""Error in [0, 1] below which the Charbonnier loss is quadratic."""

HIGHEST_PSNR = 60
"""PSNR in dB from which on a patch counts as restored: a quarter of a level of 8 bits."""


def batch_loss(
    network: nn.Module,
    batch: tuple[Tensor, ...],
    weights: LossConfig,
    teacher: float,
    precision: AbstractContextManager[object],
) -> Tensor:
    """Return the loss of a batch, a scalar: that of the restored and of the cleaned images.

    Args:
        network: the network; a :class:`CleanedNetwork` if the loss includes cleaned images.
        batch: LR, HR and optionally the teacher's images and the clean LR, (N, C, H, W) in [0, 1].
        weights: weights of the parts of the loss.
        teacher: weight of the teacher's images, in [0, 1].
        precision: the precision that the network computes in.
    """
    lr, hr = batch[:2]
    taught = batch[2] if teacher > 0 else None
    cleaned: Cleaned | None = None
    with precision:
        if weights.asks_of_cleaning:
            restored, cleaned = network(lr, with_cleaned=True)
        else:
            restored = network(lr)
    loss = restoration_loss(restored.float(), hr, weights, taught, teacher)
    if cleaned is not None:
        clean = hr if hr.shape == lr.shape else batch[-1]
        loss = loss + cleaning_loss(cleaned, lr, clean, weights.denoised, weights.artifact_map)
    return loss


def divergence(losses: Tensor, network: RestorationNetwork, weights: LossConfig) -> str | None:
    """Return the evidence that a run has diverged, as a text; None if there is none.

    Args:
        losses: (n,), the losses of the last steps.
        network: the network that was trained.
        weights: weights of the parts of the loss.
    """
    sums = torch.stack([parameter.detach().sum() for parameter in network.parameters()])
    if not (losses.isfinite().all() and sums.isfinite().all()):
        return "stopped being finite"
    limit = weights.l1 + weights.smooth_l1 + weights.charbonnier + weights.fft * FFT_SIZE
    limit += weights.psnr + weights.denoised + weights.artifact_map
    mean = losses.mean().item()
    return f"rose to {mean:.1e}" if mean > DIVERGED * limit else None


def diverged(fault: str, step: int, last: Path) -> Diverged:
    """Return the error about a run that has diverged, with what is left of it.

    Args:
        fault: what :func:`divergence` returned.
        step: the step by which it was seen.
        last: path of the last checkpoint, which may not exist.
    """
    kept = f"{last} is from before that" if last.exists() else "no checkpoint was written"
    return Diverged(
        f"the loss {fault} by step {step}; {kept}; lower optimizer.rate or set optimizer.clip"
    )


def restoration_loss(
    restored: Tensor,
    target: Tensor,
    weights: LossConfig,
    taught: Tensor | None = None,
    teacher: float = 0.0,
) -> Tensor:
    """Return the loss of restored images: ``l1 * L1 + smooth_l1 * SmoothL1``, plus the others.

    These two are the reproduced document's combined loss.  With a teacher, each loss is
    ``(1 - teacher)`` times the loss against the ground truth plus ``teacher`` times the loss
    against the teacher's image; :func:`psnr_loss` has both inside its logarithm.

    Args:
        restored: (N, C, H, W), in [0, 1] with over- and undershoot.
        target: the ground truth, the same shape, in [0, 1].
        weights: weights of the losses; those of a cleaning are not used.
        taught: the teacher's image, the same shape; None without a teacher.
        teacher: its weight, in [0, 1].

    Returns:
        A scalar.
    """
    loss = _loss_by_element(restored, target, weights)
    if taught is not None:
        loss = (1 - teacher) * loss + teacher * _loss_by_element(restored, taught, weights)
    if weights.psnr:
        loss = loss + weights.psnr * psnr_loss(restored, target, taught, teacher)
    return loss


def _loss_by_element(restored: Tensor, target: Tensor, weights: LossConfig) -> Tensor:
    """Return the sum of the losses that are means over pixels or coefficients."""
    loss = restored.new_zeros(())
    if weights.l1:
        loss = loss + weights.l1 * F.l1_loss(restored, target)
    if weights.smooth_l1:
        loss = loss + weights.smooth_l1 * F.smooth_l1_loss(restored, target)
    if weights.charbonnier:
        loss = loss + weights.charbonnier * charbonnier_loss(restored, target)
    if weights.fft:
        loss = loss + weights.fft * fft_loss(restored, target)
    return loss


def charbonnier_loss(restored: Tensor, target: Tensor) -> Tensor:
    """Return the mean of ``sqrt(d^2 + epsilon^2)``, epsilon being ``CHARBONNIER_EPSILON``.

    Charbonnier et al., "Two deterministic half-quadratic regularization algorithms for computed
    imaging" (ICIP 1994); for super-resolution Lai et al., "Deep Laplacian pyramid networks" (CVPR
    2017).

    Args:
        restored, target: of the same shape, in [0, 1].

    Returns:
        A scalar.
    """
    return (restored - target).square().add(CHARBONNIER_EPSILON**2).sqrt().mean()


def fft_loss(restored: Tensor, target: Tensor) -> Tensor:
    """Return the mean absolute error of real and imaginary parts of the Fourier coefficients.

    The transform is not normalised, as the light networks that use ``L1 + 0.05 FFT`` have it:
    Sun et al., "ShuffleMixer" (NeurIPS 2022) and "SAFMN" (ICCV 2023).  So the loss of the same
    error grows with the side of the patch.

    Args:
        restored, target: (N, C, H, W), in [0, 1].

    Returns:
        A scalar.
    """
    difference = torch.view_as_real(torch.fft.fft2(restored - target))  # pyright: ignore
    return difference.abs().mean()


def psnr_loss(
    restored: Tensor, target: Tensor, taught: Tensor | None = None, teacher: float = 0.0
) -> Tensor:
    """Return how far the PSNR of a patch lies below ``HIGHEST_PSNR``, on average.

    Every patch counts by the logarithm of its mean squared error, as every image does in a
    dataset's score: ``10 log10(1 + MSE / e)``, ``e`` being the mean squared error at
    ``HIGHEST_PSNR``.  The negative PSNR itself is the loss of Chen et al., "Simple Baselines for
    Image Restoration" (ECCV 2022); it has no lower bound, and this one is 0 for equal images.

    A teacher takes the place of the ground truth in the part ``teacher`` of the MSE, to which the
    teacher's own MSE is added: what nobody can know of the ground truth then adds no noise to the
    gradient, and a patch still counts by how far it is from the ground truth.

    Args:
        restored, target: (N, C, H, W), in [0, 1].
        taught: the teacher's image, the same shape; None without a teacher.
        teacher: its weight, in [0, 1].

    Returns:
        A scalar, in dB; about 30 for a network that enlarges, where L1 is about 0.02.
    """
    squares = (restored - target).square()
    if taught is not None:
        estimate = (restored - taught).square() + (taught - target).square()
        squares = torch.lerp(squares, estimate, teacher)
    errors = squares.mean(dim=(1, 2, 3))
    return 10 * torch.log10(1 + errors * 10 ** (HIGHEST_PSNR / 10)).mean()


def cleaning_loss(
    cleaned: Cleaned,
    degraded: Tensor,
    clean: Tensor,
    denoised: float = 0.0,
    artifact_map: float = 0.0,
) -> Tensor:
    """Return ``denoised * MSE(cleaned image, clean) + artifact_map * L1(map, departure)``.

    These are the targets of the modules of :mod:`scalewise.models.cleaning`.  A denoising block
    learns the clean image (the document's ``delta``; :func:`restoration_loss` has ``gamma``).  An
    artifact module learns the departure of the degraded image from the clean one.

    Args:
        cleaned: the network's cleaned image; with a map if ``artifact_map`` is not 0.
        degraded: the network's input, (N, C, H, W) in [0, 1].
        clean: the same image before it was degraded.
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
    """Return the damage of an image at each pixel.

    It is ``min(1, d / FULL_DEPARTURE)``, d being the mean absolute difference of the channels.

    Args:
        degraded: (N, C, H, W) in [0, 1].
        clean: the clean image, of the same shape.

    Returns:
        (N, 1, H, W) in [0, 1].
    """
    difference = (degraded - clean).abs().mean(dim=1, keepdim=True)
    return (difference / FULL_DEPARTURE).clamp(max=1)


def require_asked_for(network: RestorationNetwork, loss: LossConfig, data: DataConfig) -> None:
    """Raise :class:`ScalewiseError` if a loss needs what network or data do not have."""
    cleaning = network.cleaning if isinstance(network, CleanedNetwork) else None
    asked = {
        "denoised": (loss.denoised, "denoise", cleaning and cleaning.denoise),
        "artifact_map": (loss.artifact_map, "artifacts", cleaning and cleaning.artifacts),
    }
    for name, (weight, setting, module) in asked.items():
        if weight and module is None:
            raise ScalewiseError(
                f"loss.{name}: the network has nothing that it could teach; "
                f"set model.settings.{setting}=4, or leave it out"
            )
        if weight and network.scale > 1 and data.degradation is None:
            tasks = [each for each in map(get_task, list_tasks()) if not each.keeps_size]
            others = " or ".join(each.name for each in tasks if each.is_degraded)
            raise ScalewiseError(
                f"loss.{name}: needs the clean input, and {data.task} does not know it; "
                f"set data.task={others}, or leave it out"
            )
