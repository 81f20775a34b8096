"""A reproduction's folder with everything in it and nothing trained: its numbers are made up."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from scalewise.evaluating.sheet import Panel, draw_sheet
from scalewise.experiments.attention import ATTENTION_FILE, ATTENTION_MAPS, Attention
from scalewise.experiments.results import (
    ALTERNATIVES,
    BICUBIC,
    COMPLEXITY_FILE,
    ENVIRONMENT_FILE,
    PLAN_FILE,
    SAMPLES,
    SCORES_FILE,
    STRIP_FILE,
    UNRESTORED,
    Alternative,
    Complexity,
    Environment,
    Experiment,
    Form,
    Measured,
    NoiseLevel,
    Plan,
    Sample,
    save_json,
)
from scalewise.files import Picture, write
from scalewise.training.config import (
    BudgetConfig,
    DataConfig,
    LossConfig,
    ModelConfig,
    Recipe,
    ScheduleConfig,
)
from scalewise.training.log import LOG_FILE, LogLine, RunLog
from scalewise.training.recipe import save_recipe
from scalewise.training.session import RECIPE_FILE
from scalewise.weights.card import Score

VERSION = "0.1.0.dev0"
SETS = {"Set5": (5, 3.4), "Set14": (14, 0.0), "lenna": (1, 4.0)}
"""Pictures in each set, and how far its PSNR-Y lies above Set14's."""

TRAININGS = {
    "original_l1": ("Original, L1 at a fixed rate", 32.61, 10, 400),
    "original_mixed": ("Original, L1 + 0.5 SmoothL1, cosine annealing", 33.38, 20, 400),
    "adaptive_l1": ("Adaptive, L1 at a fixed rate", 32.02, 10, 200),
    "adaptive_mixed": ("Adaptive, L1 + 0.5 SmoothL1, cosine annealing", 32.97, 30, 200),
}
"""Title, PSNR-Y on Set14, epochs, and steps of an epoch."""

EQUAL_TIME = {
    "sum": ("sum over scales (Original)", 32.80),
    "sum_norm": ("sum, InstanceNorm", 32.30),
    "attention": ("attention", 32.65),
    "attention_norm": ("attention, InstanceNorm (Adaptive)", 32.18),
    "sum_no_residual": ("Original without global residual", 32.35),
    "attention_norm_no_residual": ("Adaptive without global residual", 31.43),
    "dbpn": ("DBPN-SS", 32.44),
    "dbpn_1m": ("DBPN of 1 M parameters", 32.51),
    "dsrn": ("DSRN", 32.09),
    "dsrn_1m": ("DSRN of 1 M parameters", 32.17),
    "scn": ("SCN", 32.26),
    "scn_exact": ("SCN, tile-exact", 32.91),
}
CLEANING = {
    "noise_plain": ("without denoising block", "denoise", 31.0),
    "noise_block": ("with denoising block", "denoise", 31.25),
    "jpeg_plain": ("without artifact module", "dejpeg", 31.5),
    "jpeg_module": ("with artifact module", "dejpeg", 31.4),
}
"""Title, task, and what is made of Set14; in the modern form alone."""

PROTOCOLS_OF: dict[str, dict[str, float]] = {
    "super-resolution": {"field": 0.0, "squash256": 0.55},
    "denoise": {"denoise25": 0.0},
    "dejpeg": {"jpeg20": 0.0},
}
"""Of each task, and how far PSNR-Y lies above that by the first."""

COMPARATORS = ("dbpn", "dbpn_1m", "dsrn", "dsrn_1m", "scn", "scn_exact")

ENVIRONMENT = Environment(
    scalewise=VERSION,
    python="3.11.7",
    torch="2.13.0+cpu",
    numpy="2.3.1",
    system="Linux x86_64",
    processor="Some Processor @ 2.00 GHz",
    device="cpu",
    precision="bfloat16",
    threads=2,
)


def make_reproduction(
    folder: Path, form: Form = "modern", valid: str = "CID22_valid", below: float = 0.0
) -> Path:
    """Write a whole reproduction; nothing is missing but DIV2K.

    Its networks' PSNR-Y are by so many dB ``below`` those above.
    """
    experiments: list[Experiment] = []
    for name, (title, psnr_y, epochs, epoch) in TRAININGS.items():
        full = epochs * 1000
        experiments.append(Experiment(name=name, title=title, group="training", full_steps=full))
        recipe = make_recipe(folder, name, form, BudgetConfig(epochs=epochs), epoch)
        make_run(folder / name, recipe, psnr_y - below, epochs * epoch, 600.0, epoch)
    for index, (name, (title, psnr_y)) in enumerate(EQUAL_TIME.items()):
        group = "comparator" if name in COMPARATORS else "ablation"
        experiments.append(Experiment(name=name, title=title, group=group))
        recipe = make_recipe(folder, name, form, BudgetConfig(time=300.0), 1000)
        make_run(folder / name, recipe, psnr_y - below, 400 + 90 * index, 300.0, 10**6)
    if form == "modern":
        experiments += make_cleaning(folder, below)
    plan = Plan(
        form=form,
        budget="3h",
        train="train, 312 pictures",
        valid=valid,
        experiments=experiments,
    )
    save_json(plan, folder / PLAN_FILE)
    save_json(
        Measured(weights="", scores=make_scores(BICUBIC, 30.33)), folder / BICUBIC / SCORES_FILE
    )
    make_samples(folder)
    make_alternatives(folder)
    make_attention(folder)
    return folder


def make_cleaning(folder: Path, below: float) -> list[Experiment]:
    """The runs that clean, and the scores of what they were given."""
    experiments: list[Experiment] = []
    as_given: list[Score] = []
    for name, (title, task, psnr_y) in CLEANING.items():
        experiments.append(Experiment(name=name, title=title, group="cleaning"))
        recipe = make_recipe(folder, name, "modern", BudgetConfig(time=300.0), 1000)
        data = DataConfig(train=recipe.data.train, valid=recipe.data.valid, task=task)
        make_run(folder / name, replace(recipe, data=data), psnr_y - below, 400, 300.0, 10**6)
    for task in ("denoise", "dejpeg"):
        as_given += make_scores(UNRESTORED, 25.0, task=task)
    save_json(Measured(weights="", scores=as_given), folder / UNRESTORED / SCORES_FILE)
    return experiments


def make_recipe(folder: Path, name: str, form: Form, budget: BudgetConfig, epoch: int) -> Recipe:
    """A run's recipe, in either form."""
    mixed = name.endswith("_mixed")
    data = DataConfig(
        train=[str(folder / "train_x2.pack")],
        valid=str(folder / "CID22_valid"),
        valid_images=8,
        epoch=epoch,
        squash=256 if form == "document" else None,
    )
    return Recipe(
        model=ModelConfig(
            name="adaptive" if "a" in name[:1] else "original",
            settings={"scale": 2, "width": 64, "blocks": 8, "levels": 3},
            init=str(folder / name.replace("mixed", "l1")) if mixed else None,
        ),
        data=data,
        budget=budget,
        loss=LossConfig(smooth_l1=0.5 if mixed else 0.0),
        schedule=ScheduleConfig(kind="cosine" if mixed else "fixed"),
        validate_every="1 epoch",
    )


def make_run(
    run: Path, recipe: Recipe, psnr_y: float, steps: int, seconds: float, every: int
) -> None:
    """A run's folder, without weights."""
    generator = np.random.default_rng(list(run.name.encode()))
    run.mkdir(parents=True)
    save_recipe(recipe, run / RECIPE_FILE)
    log = RunLog(run / LOG_FILE)
    for step in range(20, steps + 1, 20):
        done = step / steps
        loss = 0.02 * (1 + 1.5 * np.exp(-30 * done)) * (1 - 0.2 * done)
        measured = step % every == 0 or step > steps - 20
        log.append(
            LogLine(
                step=step,
                seconds=seconds * done,
                progress=done,
                rate=1e-3,
                loss=float(loss * generator.lognormal(0, 0.08)),
                psnr_y=psnr_y + 1 - 2.5 * np.exp(-6 * done) + generator.normal(0, 0.05)
                if measured
                else None,
            )
        )
    digest = hashlib.sha256(run.name.encode()).hexdigest()
    save_json(ENVIRONMENT, run / ENVIRONMENT_FILE)
    scores = make_scores(run.name, psnr_y, task=recipe.data.task)
    save_json(Measured(weights=digest, scores=scores), run / SCORES_FILE)
    save_json(make_complexity(run.name), run / COMPLEXITY_FILE)


def make_complexity(name: str) -> Complexity:
    """What a network costs, differently for each."""
    generator = np.random.default_rng(list(name.encode()))
    adaptive = name.startswith("a")
    return Complexity(
        parameters=1_791_412 if adaptive else 1_781_260,
        multiply_adds=int(445e9 + 2e9 * generator.random()),
        seconds=float((1.2 if adaptive else 0.7) * generator.lognormal(0, 0.3)),
        megabytes=float(200 + 400 * generator.random()),
        step_seconds=float(0.15 + 0.3 * generator.random()),
        runtime="OpenVINO 2026.4 f32",
        precision="bfloat16",
        threads=2,
    )


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


def make_samples(folder: Path) -> None:
    """Two sample pictures, and the single one."""
    generator = np.random.default_rng(0)
    (folder / SAMPLES).mkdir()
    samples: list[Sample] = []
    for name in ("astronaut", "coffee", "lenna"):
        coarse = generator.integers(0, 256, (12, 16, 3), np.uint8)
        image = np.kron(coarse, np.ones((16, 16, 1), np.uint8))
        labels = ("low resolution", "bicubic", "Original", "Adaptive", "truth")
        panels = [Panel(image, (label, "33.38 dB")) for label in labels]
        sheet = draw_sheet(panels, (40, 40, 64))
        write(folder / SAMPLES / f"{name}.png", Picture(sheet))
        models = {BICUBIC: 30.1, "original_mixed": 33.4, "adaptive_mixed": 33.0}
        scores = [
            replace(score, dataset=name)
            for model, psnr_y in models.items()
            for score in make_scores(model, psnr_y, (name,))
        ]
        samples.append(
            Sample(name=name, sheet=f"{name}.png", scores=scores, single=name == "lenna")
        )
    save_json(samples, folder / SAMPLES / "samples.json")


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
    image = np.kron(np.arange(48, dtype=np.uint8).reshape(4, 4, 3), np.ones((64, 64, 1), np.uint8))
    sheet = draw_sheet([Panel(image, (each.model,)) for each in scores], (64, 64, 128))
    write(folder / ALTERNATIVES / "strip.png", Picture(sheet))
    strip = Sample(name="07", sheet="strip.png", scores=scores)
    save_json(strip, folder / ALTERNATIVES / STRIP_FILE)


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
