"""Registry of metrics by name: direction, range, unit, source, and how each is computed.

Other packages add metrics in the entry point group ``scalewise.metrics``, by the metric's name: a
:class:`Metric`, or a function without arguments that makes one.  It is loaded when the name is
used, so that a metric may need PyTorch and a network of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import check_choice, nearest_name, shown
from scalewise.errors import ScalewiseError, TooSmall
from scalewise.imaging.metrics import SSIM_WINDOW, psnr, psnr_b, ssim, ssim_rgb
from scalewise.imaging.structural_metrics import MS_SSIM_SIDE, VIF_SIDE, gmsd, ms_ssim, vif_p
from scalewise.plugins import load_plugin, plugin_names

ENTRY_POINTS = "scalewise.metrics"

WHITE = 255.0
"""The value of white in what metrics are given."""


class Views(NamedTuple):
    """A result and its reference as metrics see them: cropped, float64 in levels of 255.

    Attributes:
        rgb, rgb_reference: (H, W, 3), whole numbers.
        y, y_reference: (H, W), the luma of both, not rounded.
        offset: rows and columns that were cropped at the top left.
    """

    rgb: NDArray[np.float64]
    rgb_reference: NDArray[np.float64]
    y: NDArray[np.float64]
    y_reference: NDArray[np.float64]
    offset: int = 0


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A measure of image quality.

    Attributes:
        name: on the command line, and in CSV and JSON.
        title: the heading of its column.
        compute: called as ``compute(image, reference, data_range)``, or without a reference as
            ``compute(image, data_range)``.  Images are float64 with white at ``data_range``.
        direction: whether higher or lower values are better.
        low, high: smallest and largest value; None for no limit.
        unit: such as ``dB``; empty for none.
        digits: decimals in tables.
        channels: ``y`` for images (H, W), ``rgb`` for (H, W, 3).
        least_side: the shortest side of an image that it takes, in pixels.
        needs_reference: False for a metric that looks at the result alone, such as NIQE.
        needs_offset: True for a metric that is also given ``offset=``, the rows and columns that
            were cropped at the top left: one that looks for blocks.
        source: the paper.
        aliases: other names that are accepted.
    """

    name: str
    title: str
    compute: Callable[..., float]
    direction: Literal["higher", "lower"]
    low: float | None = None
    high: float | None = None
    unit: str = ""
    digits: int = 4
    channels: Literal["y", "rgb"] = "y"
    least_side: int = 1
    needs_reference: bool = True
    needs_offset: bool = False
    source: str = ""
    aliases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_choice("direction", self.direction, ("higher", "lower"))
        check_choice("channels", self.channels, ("y", "rgb"))

    def measure(self, views: Views) -> float:
        """Return the value of a result.

        Args:
            views: the result and its reference, as :meth:`Protocol.views` has them.

        Raises:
            ScalewiseError: the images are too small, or what was computed is not a number.
        """
        images = views[2:4] if self.channels == "y" else views[:2]
        height, width = images[0].shape[:2]
        if min(height, width) < self.least_side:
            raise TooSmall(
                f"{self.name} needs at least {self.least_side}x{self.least_side} pixels inside the "
                f"border, not {width}x{height}"
            )
        place = {"offset": views.offset} if self.needs_offset else {}
        value: Any = self.compute(*images[: 1 + self.needs_reference], WHITE, **place)
        if not isinstance(value, Real) or value != value:
            raise ScalewiseError(f"{self.name} gave {shown(value)}, which is not a number")
        return float(value)

    def is_better(self, value: float, other: float) -> bool:
        """Return whether a value is better than another one."""
        return value > other if self.direction == "higher" else value < other


_WANG_2004 = "Wang et al., IEEE TIP 2004"

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="psnr",
            title="PSNR",
            compute=psnr,
            direction="higher",
            low=0,
            unit="dB",
            digits=2,
            channels="rgb",
            source="10 log10(255^2 / MSE) over R, G and B",
            aliases=("psnr_rgb",),
        ),
        Metric(
            name="psnr_y",
            title="PSNR-Y",
            compute=psnr,
            direction="higher",
            low=0,
            unit="dB",
            digits=2,
            source="10 log10(255^2 / MSE) over Y",
        ),
        Metric(
            name="ssim",
            title="SSIM",
            compute=ssim,
            direction="higher",
            low=-1,
            high=1,
            least_side=SSIM_WINDOW,
            source=_WANG_2004,
            aliases=("ssim_y",),
        ),
        Metric(
            name="ssim_rgb",
            title="SSIM-RGB",
            compute=ssim_rgb,
            direction="higher",
            low=-1,
            high=1,
            channels="rgb",
            least_side=SSIM_WINDOW,
            source=f"{_WANG_2004}; mean of R, G and B",
        ),
        Metric(
            name="psnr_b",
            title="PSNR-B",
            compute=psnr_b,
            direction="higher",
            low=0,
            unit="dB",
            digits=2,
            least_side=9,
            needs_offset=True,
            source="Yim and Bovik, IEEE TIP 2011",
        ),
        Metric(
            name="ms_ssim",
            title="MS-SSIM",
            compute=ms_ssim,
            direction="higher",
            low=0,
            high=1,
            least_side=MS_SSIM_SIDE,
            source="Wang et al., Asilomar 2003",
        ),
        Metric(
            name="gmsd",
            title="GMSD",
            compute=gmsd,
            direction="lower",
            low=0,
            least_side=4,
            source="Xue et al., IEEE TIP 2014",
        ),
        Metric(
            name="vif_p",
            title="VIF-p",
            compute=vif_p,
            direction="higher",
            low=0,
            least_side=VIF_SIDE,
            source="Sheikh and Bovik, IEEE TIP 2006",
            aliases=("vif",),
        ),
    )
}
"""The metrics of this package by name, in the order of columns."""


def list_metrics() -> list[str]:
    """Return the names of all metrics, those of other packages last; none of these is imported."""
    return [*METRICS, *(each for each in plugin_names(ENTRY_POINTS) if each not in METRICS)]


def get_metric(name: str) -> Metric:
    """Return a metric by its name or alias; ``MS-SSIM`` is ``ms_ssim``.

    Raises:
        ScalewiseError: an unknown one, or one of another package that cannot be loaded.

    >>> get_metric("SSIM-RGB").channels
    'rgb'
    """
    wanted = _plain(name) if isinstance(name, str) else ""  # pyright: ignore[reportUnnecessaryIsInstance]
    for metric in METRICS.values():
        if wanted in (metric.name, *metric.aliases):
            return metric
    for other in plugin_names(ENTRY_POINTS):
        if wanted == _plain(other):
            return _load(other)
    hint = nearest_name(wanted, list_metrics())
    raise ScalewiseError(f"unknown metric {shown(name)}; {hint}", arguments=["metric"])


def _load(name: str) -> Metric:
    """Return a metric that another package names."""
    found = load_plugin(ENTRY_POINTS, "metric", name)
    metric = found() if callable(found) else found
    if not isinstance(metric, Metric) or metric.name != name:
        raise ScalewiseError(
            f"metric '{name}' is {shown(metric)}, not a Metric of this name; mend its package",
            arguments=["metric"],
        )
    return metric


def _plain(name: str) -> str:
    return name.strip().casefold().replace("-", "_")
