"""Strengths of degradations: what training draws from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scalewise.arguments import check_number, check_range
from scalewise.errors import ScalewiseError


@dataclass(frozen=True, kw_only=True)
class Strengths:
    """Ranges of degradation that training draws from, for each patch.

    Attributes:
        sigma: smallest and largest standard deviation of Gaussian noise, in levels of 255; None
            for no noise.
        quality: lowest and highest JPEG quality; None for no JPEG.
        clean: share of patches that stay clean.
        grey: share of patches that are made grey, with their targets.
        sensor: share of patches whose noise is that of a camera's sensor, which neighbours share.
        webp, avif: shares of the compressed patches that are WebP and AVIF in place of JPEG, in
            qualities whose artifacts are about as visible.
    """

    sigma: tuple[float, float] | None = None
    quality: tuple[int, int] | None = None
    clean: float = 0.0
    grey: float = 0.0
    sensor: float = 0.0
    webp: float = 0.0
    avif: float = 0.0

    def __post_init__(self) -> None:
        if self.sigma is not None:
            check_range("sigma", self.sigma, 0, 255)
        if self.quality is not None:
            check_range("quality", self.quality, 1, 100, whole=True)
        for name in ("clean", "grey", "sensor", "webp", "avif"):
            check_number(name, getattr(self, name), 0, 1)
        if self.webp + self.avif > 1:
            raise ScalewiseError(
                f"the shares of WebP and AVIF are more than 1 together: {self.webp:g} and "
                f"{self.avif:g}",
                arguments=["webp", "avif"],
            )
        if self.webp + self.avif > 0 and self.quality is None:
            raise ScalewiseError(
                "WebP and AVIF take the place of JPEG, which needs a quality",
                arguments=["quality"],
            )

    def middle(self) -> dict[str, Any]:
        """Return the middle of each range that there is; of two qualities there, the lower."""
        sigma, quality = self.sigma, self.quality
        middle = {"sigma": sigma and sum(sigma) / 2, "quality": quality and sum(quality) // 2}
        return {name: value for name, value in middle.items() if value is not None}
