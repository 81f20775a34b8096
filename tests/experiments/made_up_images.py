"""Images of a made-up reproduction: samples, overshoot, denoising and attention maps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from scalewise.evaluating.sheet import Panel, draw_sheet
from scalewise.experiments.artifacts import Artifacts
from scalewise.experiments.attention import ATTENTION_FILE, ATTENTION_MAPS, Attention
from scalewise.experiments.denoising_results import Alternative, Enlarged, EnlargedBy, NoiseLevel
from scalewise.experiments.overshoot import OVERSHOOT_FILE
from scalewise.experiments.results import (
    ALTERNATIVES,
    BICUBIC,
    ENLARGED_FILE,
    SAMPLES,
    STRIP_FILE,
    Sample,
    save_json,
)
from scalewise.files import Picture, write
from scalewise.weights.card import Score
from tests.experiments.made_up_scores import make_scores


def make_samples(folder: Path) -> None:
    """Two sample images, and the single one."""
    generator = np.random.default_rng(0)
    (folder / SAMPLES).mkdir()
    samples: list[Sample] = []
    for name in ("astronaut", "coffee", "lenna"):
        coarse = generator.integers(0, 256, (12, 16, 3), np.uint8)
        image = np.kron(coarse, np.ones((16, 16, 1), np.uint8))
        labels = ("low resolution", "bicubic", "Original", "Adaptive", "ground truth")
        panels = [Panel(image, (label, "33.38 dB")) for label in labels]
        sheet = draw_sheet(panels, (40, 40, 64))
        write(folder / SAMPLES / f"{name}.png", Picture(sheet))
        models = {BICUBIC: 30.1, "original_mixed": 33.4, "adaptive_mixed": 33.0}
        scores = [
            replace(score, dataset=name)
            for model, psnr_y in models.items()
            for score in make_scores(model, psnr_y, (name,))
        ]
        found = {x: Artifacts(0.02 * psnr_y - 0.5, psnr_y / 100) for x, psnr_y in models.items()}
        samples.append(
            Sample(
                name=name,
                sheet=f"{name}.png",
                scores=scores,
                single=name == "lenna",
                artifacts=found,
            )
        )
    save_json(samples, folder / SAMPLES / "samples.json")
    make_overshoot(folder / SAMPLES / OVERSHOOT_FILE)


def make_overshoot(path: Path, side: int = 64) -> None:
    """Crops with rings beside an edge, and maps of how far they exceed it."""
    across = np.arange(side)
    truth = np.where(across < side // 2, 60.0, 180.0)
    rings = np.exp(-abs(across - side / 2) / 6) * np.cos(across - side / 2)
    rows = [truth, truth + 12 * rings, truth + 6 * rings]
    images = [np.tile(row[None, :, None], (side, 1, 3)).astype(np.uint8) for row in rows]
    maps = [np.tile(abs(part * rings), (side, 1)).astype(np.float32) for part in (12, 6)]
    np.savez_compressed(
        path, picture="astronaut", truth=images[0], restored=np.stack(images[1:]), maps=maps
    )


def make_alternatives(folder: Path) -> None:
    """Denoising methods at three levels, and an image of all."""
    seconds = {"noisy": 0.0, "nlm": 1.4, "wavelet": 0.1, "denoise": 12.0}
    scores: list[Score] = []
    for sigma, psnr in ((15, 33.0), (25, 30.5), (50, 27.0)):
        above = {"noisy": -8.0, "nlm": 0.0, "wavelet": -1.0, "denoise": 2.5}
        field = make_scores("", 0.0, ("Kodak24",))[0]
        scores = [
            replace(field, model=x, images=8, protocol=f"denoise{sigma}", psnr=psnr + above[x])
            for x in above
        ]
        methods = [Alternative(score=each, seconds=seconds[each.model]) for each in scores]
        level = NoiseLevel(sigma=sigma, processor="One Processor", methods=methods)
        save_json(level, folder / ALTERNATIVES / f"sigma{sigma}.json")
    make_enlarged(folder)
    image = np.kron(np.arange(48, dtype=np.uint8).reshape(4, 4, 3), np.ones((64, 64, 1), np.uint8))
    sheet = draw_sheet([Panel(image, (each.model,)) for each in scores], (64, 64, 128))
    write(folder / ALTERNATIVES / "strip.png", Picture(sheet))
    strip = Sample(name="07", sheet="strip.png", scores=scores)
    save_json(strip, folder / ALTERNATIVES / STRIP_FILE)


def make_enlarged(folder: Path) -> None:
    """Noisy images enlarged, with and without denoising ahead of it."""
    ways = {
        "bicubic": 22.0,
        "scn_x2": 21.0,
        "nlm, scn_x2": 26.0,
        "wavelet, scn_x2": 25.5,
        "denoise, scn_x2": 27.0,
        "photo_x2": 24.5,
    }
    field = make_scores("", 0.0, ("Kodak24",))[0]
    methods = [
        EnlargedBy(
            score=replace(
                field, model=way, images=3, protocol="noise25-x2", psnr=psnr_y - 1, psnr_y=psnr_y
            ),
            psnr_y=[psnr_y - 1, psnr_y, psnr_y + 1 + psnr_y / 100],
        )
        for way, psnr_y in ways.items()
    ]
    found = Enlarged(sigma=25, network="scn_x2", joint="photo_x2", methods=methods)
    save_json(found, folder / ALTERNATIVES / ENLARGED_FILE)


def make_attention(folder: Path, blocks: int = 8, levels: int = 3, side: int = 96) -> None:
    """Maps of attention, and their means."""
    generator = np.random.default_rng(1)
    y, x = np.mgrid[:side, :side] / side
    waves = [
        np.sin(9 * x * (k + 1) + b + c) * np.cos(7 * y + k)
        for b in range(blocks)
        for c in range(2)
        for k in range(levels)
    ]
    logits = np.reshape(waves, (blocks, 2, levels, side, side))
    logits = logits + generator.normal(0, 0.8, (blocks, 2, levels, 1, 1))
    alpha = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    picture = np.stack([255 * x, 255 * y, 128 + 0 * x], axis=-1).astype(np.uint8)
    np.savez_compressed(folder / ATTENTION_MAPS, alpha=alpha.astype(np.float16), picture=picture)
    means = alpha.mean(axis=(3, 4)).tolist()
    save_json(
        Attention(run="adaptive_mixed", picture="astronaut", means=means), folder / ATTENTION_FILE
    )
