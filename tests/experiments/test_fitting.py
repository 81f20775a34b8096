"""Training lengths that fit a budget, and what a small budget leaves out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scalewise.experiments import fitting
from scalewise.experiments.fitting import (
    CLOSING,
    FLOORS,
    OVERHEAD,
    Measure,
    TrainingSpeed,
    choose,
    fit,
    full_steps,
    least_seconds,
    limits,
)
from scalewise.experiments.plan import CLEANING, TRAININGS, Planned, make_plan
from scalewise.experiments.results import Form
from scalewise.training.config import Recipe


def plan(form: Form) -> dict[str, Planned]:
    planned = make_plan(form, Path("folder"), Path("a.pack"), Path("valid"), valid_images=4)
    return {each.experiment.name: each for each in planned}


def machine(per_image: float, validation: float = 0.5, images: int = 800) -> Measure:
    """Return a machine whose steps take so many seconds per image of the batch."""
    return lambda recipe: TrainingSpeed(per_image * recipe.data.batch, validation, images)


def test_the_batch_shrinks_before_the_steps_do() -> None:
    recipe = plan("document")["original_l1"].recipe
    recipe = replace(recipe, data=replace(recipe.data, epoch=25))
    half = fit(recipe, 1000.0, machine(0.8)).recipe  # 850 s: 1062 images
    assert (half.data.batch, half.data.epoch) == (4, 25)
    single = fit(recipe, 200.0, machine(0.8)).recipe  # 212 images: batch 1, then fewer steps
    assert (single.data.batch, single.data.epoch) == (1, 21)
    assert single.budget == recipe.budget


def test_nothing_shrinks_that_has_the_time() -> None:
    recipe = plan("document")["original_l1"].recipe
    fitted = fit(recipe, 1e9, machine(0.8, images=801))
    assert (fitted.recipe.data.batch, fitted.recipe.data.epoch) == (8, 101)
    assert full_steps(recipe, 801) == 1010


def test_many_steps_keep_their_batch() -> None:
    recipe = plan("modern")["original_l1"].recipe
    fitted = fit(recipe, 1000.0, machine(0.02))
    assert fitted.recipe.data.batch == 8
    assert fitted.recipe.data.epoch == 531  # 850 / 0.16 / 10
    assert fitted.seconds == pytest.approx(850, abs=0.16 * 10)


@pytest.mark.parametrize("per_image", [0.01, 0.025])
def test_compared_networks_get_the_same_time_in_steps(per_image: float) -> None:
    fitted = fit(plan("modern")["sum"].recipe, 100.0, machine(per_image), batch=4)
    steps = fitted.recipe.budget.steps
    assert steps is not None
    assert fitted.recipe.data.batch == 4
    assert steps * 4 * per_image == fitted.seconds == pytest.approx(85.0, abs=4 * per_image)


def test_the_images_of_validations_stay_and_their_number_falls() -> None:
    recipe = plan("modern")["adaptive_mixed"].recipe

    def every(validation: float) -> tuple[int | None, float | str]:
        fitted = fit(recipe, 300.0, machine(0.05, validation)).recipe
        return fitted.data.valid_images, fitted.validate_every

    assert every(0.1) == (4, "1 epoch")
    assert every(1.0) == (4, "3 epochs")  # 45 s are eleven validations of 4 s
    assert every(100.0) == (4, "30 epochs")


def test_a_small_budget_drops_runs_and_gives_the_others_their_floor() -> None:
    planned = [*plan("modern").values()]
    kept = choose(planned, 1080.0)
    assert {each.experiment.name for each in kept} > set(TRAININGS)
    assert len(kept) < len(planned)
    for each, limit in zip(kept, limits(kept, 1080.0), strict=True):
        assert limit >= FLOORS[each.experiment.group]
    assert sum(limits(kept, 1080.0)) + OVERHEAD * len(kept) == pytest.approx(1080.0)
    assert choose(planned, 1e5) == planned
    assert choose(planned, 50.0) == []


def test_halves_of_a_comparison_are_dropped_together() -> None:
    planned = [*plan("modern").values()]
    for seconds in range(300, 3000, 10):
        kept = {each.experiment.name for each in choose(planned, seconds)}
        assert len(kept & {"noise_plain", "noise_block"}) != 1, seconds
        assert len(kept & {"jpeg_plain", "jpeg_module"}) != 1, seconds
        assert not kept & set(CLEANING) or set(TRAININGS) < kept


def test_the_least_budget_keeps_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = [*plan("document").values()]
    least = least_seconds(planned)
    assert choose(planned, least * (1 - CLOSING)) != []
    monkeypatch.setitem(fitting.FLOORS, "training", 200.0)
    assert least_seconds(planned[:1]) > least


def test_equal_steps_for_one_recipe(tmp_path: Path) -> None:
    """A machine that was disturbed while it was timed gives the same steps: the fastest counts."""
    recipe: Recipe = plan("modern")["sum"].recipe
    assert fit(recipe, 60.0, machine(0.01)).recipe == fit(recipe, 60.0, machine(0.01)).recipe
