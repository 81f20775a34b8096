"""Progressive patches: sides that grow over the budget."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scalewise.errors import ScalewiseError
from scalewise.training.batches import BatchPrefetcher, HostBatches
from scalewise.training.build import make_sampler, prepare
from scalewise.training.config import BudgetConfig, DataConfig, Recipe
from scalewise.training.loop import Trainer
from scalewise.training.progress import dry_run
from tests.training.trainers import resumed_trainer

CPU = torch.device("cpu")


@pytest.fixture
def growing(recipe: Recipe) -> Recipe:
    data = DataConfig(train=recipe.data.train, batch=2, progressive=[(0, 8), (0.5, 12), (0.8, 16)])
    return replace(recipe, data=data, budget=BudgetConfig(steps=10))


def sides_of(trainer: Trainer) -> list[int]:
    """The sides that a trainer's network sees from now on."""
    seen: list[int] = []
    trainer.network.register_forward_hook(lambda _, given, __: seen.append(given[0].shape[-1]))
    return seen


def test_patches_grow_and_an_interrupted_run_learns_the_same(
    growing: Recipe, tmp_path: Path
) -> None:
    straight = prepare(growing, tmp_path / "straight")
    seen = sides_of(straight)
    straight.train()
    assert seen == [8] * 5 + [12] * 3 + [16] * 2
    assert growing.data.patch == 16

    first = prepare(growing, tmp_path / "again")
    for _ in range(7):
        first.training_step()
    first._save()  # pyright: ignore[reportPrivateUsage]
    resumed = resumed_trainer(growing, tmp_path / "again")
    seen = sides_of(resumed)
    resumed.train()
    assert seen == [12, 16, 16]
    pairs = zip(resumed.network.parameters(), straight.network.parameters(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


def test_under_a_budget_of_time_the_clock_decides(growing: Recipe, tmp_path: Path) -> None:
    trainer = prepare(replace(growing, budget=BudgetConfig(time=100)), tmp_path / "run")
    seen = sides_of(trainer)
    for seconds in (0.0, 49.9, 50.0, 85.0, 10.0):  # at last, as after a longer budget
        trainer.seconds = seconds
        trainer.training_step()
    assert seen == [8, 8, 12, 16, 8]


def test_a_stage_draws_what_a_run_of_its_side_draws(growing: Recipe, tmp_path: Path) -> None:
    trainer = prepare(growing, tmp_path / "run")
    data = DataConfig(train=growing.data.train, batch=2, patch=12)
    alone = make_sampler(trainer.sampler.stores, 2, data)
    for ours, theirs in zip(trainer.sampler.with_patch(12).sample(6), alone.sample(6), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    prefetched = BatchPrefetcher(trainer.sampler, CPU, depth=3, workers=2)
    expected = HostBatches(trainer.sampler, CPU)
    for step in range(4):
        if step == 2:
            prefetched.use(alone)
            expected.use(alone)
        for ours, theirs in zip(prefetched.draw(step), expected.draw(step), strict=True):
            assert torch.equal(ours, theirs)
    prefetched.close()


def test_a_stage_that_no_picture_is_large_enough_for_is_refused_at_the_start(
    growing: Recipe, tmp_path: Path
) -> None:
    data = replace(growing.data, progressive=[(0, 8), (0.9, 999)], patch=999)
    with pytest.raises(ScalewiseError, match="no image is large enough for patches of 1998 px"):
        prepare(replace(growing, data=data), tmp_path / "run")


def test_a_dry_run_measures_every_stage(growing: Recipe, tmp_path: Path) -> None:
    for budget in (BudgetConfig(steps=10), BudgetConfig(time=60)):
        trainer = prepare(replace(growing, budget=budget), tmp_path / "run", reuse_packed=True)
        seen = sides_of(trainer)
        found = dry_run(trainer)
        assert sorted(set(seen)) == [8, 12, 16]
        assert found.seconds_per_step > 0
        assert (found.steps == 10) == (budget.steps == 10)
