"""Training with a denoising block and an artifact module ahead of the network."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from scalewise.errors import ScalewiseError
from scalewise.training.batches import Batches, Inputs
from scalewise.training.build import prepare
from scalewise.training.config import BudgetConfig, LossConfig, ModelConfig, OptimizerConfig, Recipe
from scalewise.training.log import read_log
from scalewise.training.loop import Trainer
from scalewise.training.losses import cleaning_loss, departure, restoration_loss
from scalewise.training.recipe import save_recipe
from scalewise.training.session import RECIPE_FILE, open_run

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
        expected = restoration_loss(restored, hr, 1.0, 0.5)
        expected += cleaning_loss(cleaned, lr, hr, 2.0, 0.1)
    assert trainer.training_step().item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_block_learns_to_denoise_and_the_module_where_damage_is(
    cleaning: Recipe, tmp_path: Path
) -> None:
    quick = replace(cleaning, budget=BudgetConfig(steps=400), optimizer=OptimizerConfig(rate=1e-2))
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
            r"^loss.denoised: works at scale 1 only, .*; leave it out at scale 2$",
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


@pytest.mark.skipif(os.name == "nt", reason="gloo under torchrun")
def test_two_processes_learn_what_one_does(
    cleaning: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    recipe = replace(
        cleaning,
        data=replace(cleaning.data, batch=4),
        budget=BudgetConfig(steps=10),
        validate_every="1 step",  # so that every step's loss is logged
    )
    path = tmp_path / "both.yaml"
    save_recipe(recipe, path)
    open_run(recipe, tmp_path / "alone").train()
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", "-m", "scalewise.training", str(path)]
    command += ["--folder", str(tmp_path / "both")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    alone, both = read_log(tmp_path / "alone"), read_log(tmp_path / "both")
    assert len(both) == 10
    for ours, theirs in zip(both, alone, strict=True):
        assert ours.loss == pytest.approx(theirs.loss, abs=1e-5)
