"""A batch that is computed in parts teaches what the whole batch does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from scalewise.errors import ScalewiseError
from scalewise.training.build import prepare
from scalewise.training.config import LossConfig, OptimizerConfig, Recipe
from scalewise.training.distributed import World


def test_parts_teach_what_the_whole_batch_does(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(
        recipe,
        data=replace(recipe.data, batch=6, valid=None),
        loss=LossConfig(fft=0.05, charbonnier=0.5, psnr=1e-3),
    )
    whole = prepare(recipe, tmp_path / "whole")
    optimizer = replace(recipe.optimizer, accumulate=3)
    parts = prepare(replace(recipe, optimizer=optimizer), tmp_path / "parts")
    seen: list[torch.Size] = []
    parts.network.register_forward_hook(lambda _, given, __: seen.append(given[0].shape))
    for trainer in (whole, parts):
        trainer.gradient_norms = []
    for _ in range(5):
        assert parts.training_step().item() == pytest.approx(whole.training_step().item(), rel=1e-4)
    assert {shape[0] for shape in seen} == {2}
    for ours, theirs in zip(parts.gradient_norms or [], whole.gradient_norms or [], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=0)
    pairs = zip(parts.network.parameters(), whole.network.parameters(), strict=True)
    for ours, theirs in pairs:
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)


def test_parts_must_divide_a_processes_share(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(
        recipe,
        data=replace(recipe.data, batch=4, valid=None),
        optimizer=OptimizerConfig(accumulate=4),
    )
    message = r"^optimizer\.accumulate must divide the 2 patches of each process, not be 4$"
    with pytest.raises(ScalewiseError, match=message):
        prepare(recipe, tmp_path / "run", world=World(0, 2))
