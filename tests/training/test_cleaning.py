"""Training with a denoising block and an artifact module ahead of the network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from scalewise.data.layouts import find_dataset
from scalewise.data.packing import pack
from scalewise.data.store import TeacherInfo
from scalewise.data.teacher import TeacherModel
from scalewise.errors import ScalewiseError
from scalewise.imaging.resize import imresize
from scalewise.restoring.loading import LoadOptions, load
from scalewise.restoring.runtime import OpenVinoRuntime
from scalewise.training.batches import Batches, Inputs
from scalewise.training.build import prepare
from scalewise.training.config import (
    BudgetConfig,
    DataConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    Recipe,
)
from scalewise.training.loop import Trainer
from scalewise.training.losses import cleaning_loss, departure, restoration_loss
from scalewise.training.recipe import save_recipe
from scalewise.training.release import quantize_release, release_run
from scalewise.training.runs import RECIPE_FILE
from scalewise.training.session import open_run
from scalewise.weights.card import GRAPH_FILE
from scalewise.weights.release import load_network

SETTINGS = {"width": 4, "expansion": 2, "blocks": 1, "levels": 2}
LOSS = LossConfig(l1=1.0, smooth_l1=0.5, denoised=2.0, artifact_map=0.1)


def with_model(recipe: Recipe, loss: LossConfig = LOSS, **settings: Any) -> Recipe:
    model = ModelConfig(name="scn_exact", settings={**SETTINGS, **settings})
    return replace(recipe, model=model, loss=loss, validate_every="1000 steps")


@pytest.fixture
def cleaning(recipe: Recipe) -> Recipe:
    return with_model(recipe, scale=1, denoise=2, artifacts=2)


def damaged(trainer: Trainer, sigma: float = 20.0) -> Trainer:
    """Let the trainer's batches have noise in their right half."""
    clean_batches = trainer.batches

    class Damaged(Batches):
        def draw(self, step: int) -> tuple[Tensor, Tensor]:
            lr, hr = clean_batches(step)
            generator = torch.Generator().manual_seed(step)
            noise = torch.randn(lr.shape, generator=generator) * sigma / 255
            noise[..., : lr.shape[-1] // 2] = 0
            return lr + noise, hr

        def assemble(self, inputs: Inputs) -> Inputs:
            return inputs

    trainer.batches = Damaged(trainer.sampler, trainer.device)
    return trainer


def test_the_loss_has_all_four_parts(cleaning: Recipe, tmp_path: Path) -> None:
    trainer = damaged(prepare(cleaning, tmp_path / "run"))
    lr, hr = trainer.batches(0)
    with torch.no_grad():
        restored, cleaned = trainer.network(lr, with_cleaned=True)
        expected = restoration_loss(restored, hr, LossConfig(smooth_l1=0.5))
        expected += cleaning_loss(cleaned, lr, hr, 2.0, 0.1)
    assert trainer.training_step().item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_block_learns_to_denoise_and_the_module_where_damage_is(
    cleaning: Recipe, tmp_path: Path
) -> None:
    quick = replace(cleaning, budget=BudgetConfig(steps=250), optimizer=OptimizerConfig(rate=1e-2))
    trainer = damaged(prepare(quick, tmp_path / "run"))
    lr, hr = trainer.batches(10**6)
    before = (lr - hr).square().mean()
    trainer.recipe = replace(
        trainer.recipe, loss=LossConfig(l1=0.01, denoised=100.0, artifact_map=1.0)
    )
    while trainer.progress < 1:
        trainer.training_step()
    with torch.no_grad():
        _, cleaned = trainer.network(lr, with_cleaned=True)
    assert (cleaned.image - hr).square().mean() < 0.9 * before
    left, right = cleaned.artifact_map.chunk(2, dim=-1)
    assert right.mean() > left.mean() + 0.1
    assert departure(lr, hr).chunk(2, dim=-1)[0].max() == 0


@pytest.mark.parametrize(
    ("settings", "loss", "message"),
    [
        (
            {"scale": 1, "artifacts": 2},
            LossConfig(denoised=1.0),
            r"^loss.denoised: the network has nothing .*; set model.settings.denoise=4, or leave",
        ),
        (
            {"scale": 1, "denoise": 2},
            LossConfig(artifact_map=1.0),
            r"^loss.artifact_map: the network has nothing .*; set model.settings.artifacts=4",
        ),
        (
            {"scale": 2, "denoise": 2},
            LossConfig(denoised=1.0),
            r"^loss.denoised: needs the clean input, and super-resolution does not know it; "
            r"set data.task=photo or graphics-jpeg, or leave it out$",
        ),
    ],
)
def test_a_loss_that_asks_for_what_is_not_there(
    recipe: Recipe, tmp_path: Path, settings: dict[str, Any], loss: LossConfig, message: str
) -> None:
    with pytest.raises(ScalewiseError, match=message):
        prepare(with_model(recipe, loss, **settings), tmp_path / "run")


def test_at_scale_2_the_modules_learn_from_the_restored_image(
    recipe: Recipe, tmp_path: Path
) -> None:
    both = with_model(recipe, LossConfig(smooth_l1=0.5), scale=2, denoise=2, artifacts=2)
    trainer = prepare(both, tmp_path / "run")
    before = {name: p.clone() for name, p in trainer.network.cleaning.named_parameters()}
    for _ in range(3):
        trainer.training_step()
    for name, parameter in trainer.network.cleaning.named_parameters():
        assert not torch.equal(parameter, before[name]), name


@pytest.fixture
def enlarging(recipe: Recipe) -> Recipe:
    """Noise and JPEG artifacts are removed ahead of a network that doubles the size."""
    data = DataConfig(
        train=recipe.data.train,
        valid=recipe.data.valid,
        patch=8,
        batch=4,
        task="photo",
        sigma=(20, 20),
        quality=(60, 95),
        clean=0.0,
    )
    return with_model(replace(recipe, data=data), scale=2, denoise=2, artifacts=2)


def test_at_scale_2_the_target_is_the_clean_lr(enlarging: Recipe, tmp_path: Path) -> None:
    """Equation (9), gamma L1(Y, target) + delta MSE(denoised, clean), and the map's loss."""
    trainer = prepare(enlarging, tmp_path / "run")
    lr, hr, clean = trainer.batches(0)
    assert lr.shape == clean.shape == (4, 3, 8, 8)
    assert hr.shape == (4, 3, 16, 16)
    assert (lr - clean).abs().mean() > 5 / 255
    # Bicubic halving of the ground truth, up to its reach beyond the patch.
    halved = F.interpolate(hr, scale_factor=0.5, mode="bicubic", antialias=True)
    inside = (..., slice(2, -2), slice(2, -2))
    assert (halved - clean)[inside].abs().max() < 2 / 255
    with torch.no_grad():
        restored, cleaned = trainer.network(lr, with_cleaned=True)
        damage = ((lr - clean).abs().mean(dim=1, keepdim=True) * 255 / 16).clamp(max=1)
        expected = F.l1_loss(restored, hr) + 0.5 * F.smooth_l1_loss(restored, hr)
        expected += 2.0 * F.mse_loss(cleaned.image, clean)
        expected += 0.1 * F.l1_loss(cleaned.artifact_map, damage)
    assert trainer.training_step().item() == pytest.approx(expected.item(), rel=1e-5)


def test_ahead_of_a_network_that_enlarges_the_block_learns_to_denoise(
    enlarging: Recipe, tmp_path: Path
) -> None:
    loss = LossConfig(l1=0.01, denoised=100.0, artifact_map=1.0)
    quick = replace(
        enlarging,
        loss=loss,
        budget=BudgetConfig(steps=150),
        optimizer=OptimizerConfig(rate=1e-2),
    )
    trainer = prepare(quick, tmp_path / "run")
    lr, _, clean = trainer.batches(10**6)
    before = (lr - clean).square().mean()
    while trainer.progress < 1:
        trainer.training_step()
    with torch.no_grad():
        cleaned = trainer.network(lr, with_cleaned=True)[1]
    assert (cleaned.image - clean).square().mean() < 0.9 * before


def test_a_teacher_and_the_clean_lr_together(
    enlarging: Recipe, pictures: Path, tmp_path: Path
) -> None:
    teacher = TeacherModel(lambda lr: 255 - imresize(lr, 2), TeacherInfo("negative", "CC0", 2))
    pack([find_dataset(pictures)], tmp_path / "taught.pack", [2], teacher=teacher)
    taught = replace(
        enlarging,
        data=replace(enlarging.data, train=[str(tmp_path / "taught.pack")]),
        loss=replace(LOSS, teacher=0.5, teacher_until=0.5),
    )
    trainer = prepare(taught, tmp_path / "run")
    lr, hr, image, clean = trainer.batches(0)
    with torch.no_grad():
        restored, cleaned = trainer.network(lr, with_cleaned=True)
        both = restoration_loss(restored, hr, LossConfig(smooth_l1=0.5), image, 0.5)
        alone = restoration_loss(restored, hr, LossConfig(smooth_l1=0.5))
        aside = cleaning_loss(cleaned, lr, clean, 2.0, 0.1)
    assert trainer._loss((lr, hr, image, clean)).item() == pytest.approx((both + aside).item())
    trainer.step = 40  # of 60
    assert trainer._loss((lr, hr, image, clean)).item() == pytest.approx((alone + aside).item())


def test_a_run_with_the_joint_loss_becomes_a_model_that_enlarges(
    enlarging: Recipe, tmp_path: Path, photo: NDArray[np.uint8]
) -> None:
    """It resumes exactly, and graph, tiles and 8-bit integers agree with the network."""
    quick = replace(
        enlarging,
        data=replace(enlarging.data, patch=16),
        budget=BudgetConfig(steps=30),
        optimizer=OptimizerConfig(rate=1e-2),
    )
    straight = open_run(quick, tmp_path / "straight")
    straight.train()
    stopped = prepare(quick, tmp_path / "run")
    for _ in range(9):
        stopped.training_step()
    stopped._save()
    save_recipe(quick, tmp_path / "run" / RECIPE_FILE)
    open_run(quick, tmp_path / "run").train()
    for ours, theirs in zip(
        load_network(tmp_path / "run").parameters(),
        load_network(tmp_path / "straight").parameters(),
        strict=True,
    ):
        assert torch.equal(ours, theirs)

    model = tmp_path / "model"
    release_run(tmp_path / "run", model, summary="A test.", licence="CC0")
    card = quantize_release(model, [str(tmp_path / "run/train-0.pack")], batches=2)
    assert (card.task, card.scale, card.settings["denoise"]) == ("photo", 2, 2)
    network = load_network(model)
    image = torch.rand(1, 3, 32, 24)
    with torch.no_grad():
        expected = network(image)
        assert (network.cleaning(image).image - image).abs().mean() > 1e-3
    found = OpenVinoRuntime(model / GRAPH_FILE)(image.numpy())
    assert np.abs(found - expected.numpy()).max() < 1e-4
    part = photo[50:200, 30:210]
    whole = load(str(model), LoadOptions(precision="f32", tile=None)).restore(part).astype(int)
    tiled = load(str(model), LoadOptions(precision="f32", tile=64)).restore(part)
    rounded = load(str(model), LoadOptions(precision="int8")).restore(part)
    assert whole.shape == (300, 360, 3)
    assert np.abs(tiled - whole).max() <= 1
    assert 0 < np.abs(rounded - whole).mean() < 3


def test_compiling_for_a_cpu_is_refused(cleaning: Recipe, tmp_path: Path) -> None:
    with pytest.raises(ScalewiseError, match=r"^compile: works on a GPU only with .*artifacts"):
        prepare(replace(cleaning, compile=True), tmp_path / "run")


def test_a_run_from_before_there_were_such_settings_goes_on(recipe: Recipe, tmp_path: Path) -> None:
    run = tmp_path / "run"
    open_run(recipe, run)
    path = run / RECIPE_FILE
    lines = path.read_text(encoding="utf-8").splitlines()
    new = ("denoise:", "artifacts:", "denoised:", "artifact_map:")
    older = [line for line in lines if not line.strip().startswith(new)]
    assert len(older) == len(lines) - len(new)
    path.write_text("\n".join(older), encoding="utf-8")
    open_run(recipe, run)
    with pytest.raises(ScalewiseError, match=r"settings.denoise: 0, now 2"):
        open_run(with_model(recipe, LossConfig(), denoise=2), run)
