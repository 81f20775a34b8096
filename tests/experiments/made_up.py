"""A reproduction's folder with everything in it and nothing trained: its numbers are made up."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from scalewise.experiments.artifacts import Artifacts
from scalewise.experiments.comparisons import (
    ABLATION,
    CLEANING,
    COMPARATORS,
    LOSSES,
    SEEDS,
    Compared,
    seed_name,
    taught_name,
)
from scalewise.experiments.experiment_logs import (
    GradientLine,
    ValidationLine,
    append_gradients,
    append_validation,
)
from scalewise.experiments.fidelity import Fidelity
from scalewise.experiments.results import (
    ARTIFACTS_FILE,
    BICUBIC,
    COMPLEXITY_FILE,
    ENVIRONMENT_FILE,
    FIDELITY_FILE,
    PLAN_FILE,
    SCORES_FILE,
    UNRESTORED,
    Complexity,
    Environment,
    Experiment,
    Form,
    Group,
    Measured,
    Plan,
    save_json,
)
from scalewise.training.config import (
    BudgetConfig,
    DataConfig,
    LossConfig,
    ModelConfig,
    Recipe,
    ScheduleConfig,
)
from scalewise.training.log import LOG_FILE, LogLine, RunLog, read_log
from scalewise.training.recipe import save_recipe
from scalewise.training.runs import RECIPE_FILE
from scalewise.weights.card import Score
from tests.experiments.made_up_images import make_alternatives, make_attention, make_samples
from tests.experiments.made_up_scores import VERSION, make_scores

TRAININGS = {
    "original_l1": ("Original, L1 at a fixed rate", 32.61, 10, 400),
    "original_mixed": ("Original, L1 + 0.5 SmoothL1, cosine annealing", 33.38, 20, 400),
    "adaptive_l1": ("Adaptive, L1 at a fixed rate", 32.02, 10, 200),
    "adaptive_mixed": ("Adaptive, L1 + 0.5 SmoothL1, cosine annealing", 32.97, 30, 200),
}
"""Title, PSNR-Y on Set14, epochs, and steps of an epoch."""

EQUAL_TIME = {
    "sum": 32.80,
    "sum_norm": 32.30,
    "attention": 32.65,
    "attention_norm": 32.18,
    "sum_no_residual": 32.35,
    "attention_norm_no_residual": 31.43,
    "loss_l1_fixed": 31.00,
    "loss_l1_cosine": 31.50,
    "loss_mixed_fixed": 31.01,
    "loss_mixed_cosine": 31.51,
    "original": 32.80,
    "shared_levels": 32.60,
    "plain": 32.70,
    "scn": 32.26,
    "unet": 32.91,
    "fpn": 32.75,
    "dbpn": 32.51,
    "dsrn": 32.17,
}
"""PSNR-Y on Set14; further seeds have a little more, and those with a teacher 0.1 dB."""

CLEANED = {
    "noise_plain": 31.0,
    "noise_block": 31.25,
    "jpeg_plain": 31.5,
    "jpeg_module": 31.4,
    "photo_plain": 28.0,
    "photo_block": 28.1,
    "photo_module": 28.05,
}
"""PSNR-Y on Set14; in the modern form alone."""

INTERVAL = 100
"""Steps between validations of all compared runs."""

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
    if form == "modern":
        experiments += make_compared(folder, below)
    plan = Plan(
        form=form,
        budget="3h",
        train="train, 312 images",
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


def make_compared(folder: Path, below: float) -> list[Experiment]:
    """The runs of all comparisons, and the scores of what those that clean were given."""
    taught = {taught_name(name): each.taught for name, each in COMPARATORS.items()}
    groups: dict[Group, dict[str, Compared]] = {
        "ablation": ABLATION,
        "loss": LOSSES,
        "cleaning": CLEANING,
        "comparator": {**COMPARATORS, **taught},
    }
    experiments: list[Experiment] = []
    for seed in SEEDS:
        for group, networks in groups.items():
            for index, (name, each) in enumerate(networks.items()):
                if seed not in each.seeds:
                    continue
                experiment = Experiment(
                    name=seed_name(name, seed), title=each.title, group=group, seed=seed
                )
                experiments.append(experiment)
                psnr_y = made_up_psnr(name, seed) - below
                make_compared_run(folder, experiment, each, psnr_y, 400 + 90 * index)
    as_given: list[Score] = []
    for task in ("denoise", "dejpeg", "photo"):
        as_given += make_scores(UNRESTORED, 25.0, task=task)
    save_json(Measured(weights="", scores=as_given), folder / UNRESTORED / SCORES_FILE)
    return experiments


def made_up_psnr(name: str, seed: int = 0) -> float:
    """PSNR-Y on Set14 of a compared run; seeds spread by 0.01 dB."""
    base = name.removesuffix("_taught")
    return {**EQUAL_TIME, **CLEANED}[base] + 0.01 * seed + (0.1 if base != name else 0.0)


def make_compared_run(
    folder: Path, experiment: Experiment, compared: Compared, psnr_y: float, steps: int
) -> None:
    """A run of a comparison: validated every so many steps, with norms and image measures."""
    run = folder / experiment.name
    recipe = make_recipe(folder, experiment.name, "modern", BudgetConfig(steps=steps), None)
    recipe = replace(
        recipe,
        data=DataConfig(
            train=recipe.data.train, valid=recipe.data.valid, valid_images=8, task=compared.task
        ),
        loss=compared.loss,
        schedule=compared.schedule,
        seed=experiment.seed,
    )
    make_run(run, recipe, psnr_y, steps, 100.0, INTERVAL)
    for line in read_log(run):
        if line.psnr_y is not None:
            validation = ValidationLine(line.step, 0.02, line.psnr_y - 1.8, line.psnr_y)
            append_validation(run, validation)
        steady = 0.2 if "norm" in experiment.name else 0.4 + 0.01 * experiment.seed
        mean = 0.1 + 2.0 / line.step
        append_gradients(run, GradientLine(line.step, mean, mean * steady, mean * (1 + 3 * steady)))
    if experiment.group in ("ablation", "loss"):
        excess = 0.5 - 0.01 * (psnr_y - 30) + 0.001 * experiment.seed
        measured = {"astronaut": 1.0, "coffee": 0.5}
        artifacts = {x: Artifacts(excess * part, 3 * excess * part) for x, part in measured.items()}
        fidelity = {x: Fidelity(psnr_y + part, 0.02, 0.0004) for x, part in measured.items()}
        save_json(artifacts, run / ARTIFACTS_FILE)
        save_json(fidelity, run / FIDELITY_FILE)


def make_recipe(
    folder: Path, name: str, form: Form, budget: BudgetConfig, epoch: int | None
) -> Recipe:
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
    for step in [*range(20, steps, 20), steps]:
        done = step / steps
        loss = 0.02 * (1 + 1.5 * np.exp(-30 * done)) * (1 - 0.2 * done)
        measured = step % every == 0 or step == steps
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
