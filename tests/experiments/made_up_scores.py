"""Scores of a made-up reproduction."""

from __future__ import annotations

from dataclasses import replace

from scalewise.weights.card import Score

VERSION = "0.1.0.dev0"
SETS = {"Set5": (5, 3.4), "Set14": (14, 0.0), "lenna": (1, 4.0)}
"""Images in each set, and how far its PSNR-Y lies above Set14's."""

PROTOCOLS_OF: dict[str, dict[str, float]] = {
    "super-resolution": {"field": 0.0, "squash256": 0.55},
    "denoise": {"denoise25": 0.0},
    "dejpeg": {"jpeg20": 0.0},
    "photo": {"photo": 0.0},
}
"""Of each task, and how far PSNR-Y lies above that by the first."""


def make_scores(
    model: str,
    psnr_y: float,
    sets: tuple[str, ...] = tuple(SETS),
    task: str = "super-resolution",
) -> list[Score]:
    """Scores on every set, by a task's protocols."""
    field = Score(
        model=model,
        dataset="",
        images=1,
        protocol="field",
        precision="f32",
        psnr=0.0,
        psnr_y=0.0,
        ssim=0.0,
        version=VERSION,
    )
    scores: list[Score] = []
    for protocol, shift in PROTOCOLS_OF[task].items():
        for name in sets:
            images, above = SETS.get(name, (1, 0.0))
            value = psnr_y + above + shift
            scores.append(
                replace(
                    field,
                    dataset=name,
                    images=images,
                    protocol=protocol,
                    psnr=value - 1.8,
                    psnr_y=value,
                    ssim=0.5 + value / 80,
                )
            )
    return scores
