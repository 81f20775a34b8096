"""Images as NumPy arrays: resampling, colour, metrics, protocols, degradations, estimation."""

from scalewise.imaging.blind_estimation import (
    Estimate,
    estimate_degradation,
    estimate_jpeg_quality,
    estimate_jpeg_quality_of_pixels,
    estimate_sigma,
)
from scalewise.imaging.colour import (
    BT601,
    FULL_RANGE_BT601,
    ROUNDED_BT601,
    LumaWeights,
    is_grey,
    rgb_to_y,
    to_rgb,
)
from scalewise.imaging.degradations import (
    NUMPY_JPEG,
    Degradation,
    Degraded,
    JpegCodec,
    Subsampling,
    bicubic_down,
    gaussian_noise,
    jpeg,
)
from scalewise.imaging.metric_registry import METRICS, Metric, get_metric, list_metrics
from scalewise.imaging.metrics import blocking_effect, psnr, psnr_b, ssim, ssim_rgb
from scalewise.imaging.protocols import (
    FIELD,
    PROTOCOLS,
    SQUASH256,
    Case,
    Protocol,
    Scores,
    deblocking,
    denoising,
    old_photographs,
    photographs,
    squashing,
)
from scalewise.imaging.registration import Alignment, align
from scalewise.imaging.resize import imresize, resize_like_pillow
from scalewise.imaging.second_order import SecondOrder
from scalewise.imaging.structural_metrics import gmsd, ms_ssim, vif_p

__all__ = [
    "BT601",
    "FIELD",
    "FULL_RANGE_BT601",
    "METRICS",
    "NUMPY_JPEG",
    "PROTOCOLS",
    "ROUNDED_BT601",
    "SQUASH256",
    "Alignment",
    "Case",
    "Degradation",
    "Degraded",
    "Estimate",
    "JpegCodec",
    "LumaWeights",
    "Metric",
    "Protocol",
    "Scores",
    "SecondOrder",
    "Subsampling",
    "align",
    "bicubic_down",
    "blocking_effect",
    "deblocking",
    "denoising",
    "estimate_degradation",
    "estimate_jpeg_quality",
    "estimate_jpeg_quality_of_pixels",
    "estimate_sigma",
    "gaussian_noise",
    "get_metric",
    "gmsd",
    "imresize",
    "is_grey",
    "jpeg",
    "list_metrics",
    "ms_ssim",
    "old_photographs",
    "photographs",
    "psnr",
    "psnr_b",
    "resize_like_pillow",
    "rgb_to_y",
    "squashing",
    "ssim",
    "ssim_rgb",
    "to_rgb",
    "vif_p",
]
