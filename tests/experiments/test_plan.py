"""Experiments and their shares of the budget."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scalewise.experiments.plan import (
    ABLATION,
    CLEANING,
    COMPARATORS,
    STARTS,
    TRAININGS,
    Planned,
    TrainingSpeed,
    fit_to,
    full_recipe,
    full_steps,
    make_plan,
    training_time,
)
from scalewise.experiments.results import Form
from scalewise.models import create_model
from scalewise.training.config import LossConfig, ScheduleConfig


def plan(form: Form) -> dict[str, Planned]:
    planned = make_plan(form, Path("folder"), Path("a.pack"), Path("valid"))
    return {each.experiment.name: each for each in planned}


@pytest.mark.parametrize("form", ["modern", "document"])
def test_every_experiment_is_planned_on_the_data_at_hand(form: Form) -> None:
    planned = plan(form)
    cleaning = CLEANING if form == "modern" else {}  # there is no recipe of the document's for it
    assert list(planned) == [*TRAININGS, *ABLATION, *COMPARATORS, *cleaning]
    if form == "modern":
        assert sum(each.share for each in planned.values()) == pytest.approx(1)
    for each in planned.values():
        assert each.recipe.data.train == ["a.pack"]
        assert each.recipe.data.valid == "valid"
        create_model(each.recipe.model.name, **each.recipe.model.settings)


@pytest.mark.parametrize("form", ["modern", "document"])
def test_the_documents_trainings(form: Form) -> None:
    planned = plan(form)
    epochs = {name: planned[name].recipe.budget.epochs for name in TRAININGS}
    assert epochs == {
        "original_l1": 10,
        "original_mixed": 20,
        "adaptive_l1": 10,
        "adaptive_mixed": 30,
    }
    for name in TRAININGS:
        recipe = planned[name].recipe
        mixed = name in STARTS
        assert recipe.schedule.kind == ("cosine" if mixed else "fixed")
        assert (recipe.loss.l1, recipe.loss.smooth_l1) == (1.0, 0.5 if mixed else 0.0)
        start = str(Path("folder", STARTS[name])) if mixed else None
        assert recipe.model.init == start
        has_residual = recipe.model.settings.get("global_residual", False)
        assert has_residual == (form == "modern")


def test_ablations_and_comparators_differ_in_the_network_alone() -> None:
    planned = plan("modern")
    names = [*ABLATION, *COMPARATORS]
    assert len({str(planned[name].recipe.model) for name in names}) == len(names)
    shared = {
        str((each.data, each.loss, each.optimizer, each.schedule, each.budget, each.seed))
        for each in (planned[name].recipe for name in names)
    }
    assert len(shared) == 1


def test_what_cleans_is_left_out_and_put_in_and_nothing_else_differs() -> None:
    planned = plan("modern")
    for without, with_it, part in (
        ("noise_plain", "noise_block", "denoise"),
        ("jpeg_plain", "jpeg_module", "artifacts"),
    ):
        plain, parted = planned[without].recipe, planned[with_it].recipe
        assert part not in plain.model.settings
        assert {**plain.model.settings, part: 4} == parted.model.settings
        assert plain.data == parted.data
        assert (plain.optimizer, plain.schedule, plain.budget) == (
            parted.optimizer,
            parted.schedule,
            parted.budget,
        )
        assert (plain.loss.l1, plain.loss.smooth_l1) == (parted.loss.l1, parted.loss.smooth_l1)
        assert plain.loss != parted.loss


def test_epochs_stay_and_get_shorter() -> None:
    recipe = plan("modern")["adaptive_mixed"].recipe
    speed = TrainingSpeed(step=0.2, validation=0.5, images=9)
    fitted = fit_to(recipe, 300.0, speed)
    assert fitted.budget == recipe.budget
    assert fitted.data.valid_images == 3  # 0.15 of 10 s an epoch
    assert fitted.data.epoch == 42  # (10 - 3 * 0.5) / 0.2
    assert fit_to(recipe, 1e9, speed).data == recipe.data  # never above full length


def test_an_epoch_is_never_more_than_all_pictures() -> None:
    recipe = plan("document")["original_l1"].recipe
    fitted = fit_to(recipe, 1e9, TrainingSpeed(step=0.2, validation=0.5, images=801))
    assert fitted.data.epoch == 101  # of 8 pictures


def test_a_tiny_budget_still_trains() -> None:
    speed = TrainingSpeed(step=5.0, validation=9.0, images=900)
    fitted = fit_to(plan("document")["original_l1"].recipe, 0.1, speed)
    assert (fitted.data.epoch, fitted.data.valid_images) == (1, 1)
    fitted = fit_to(plan("document")["sum"].recipe, 0.1, speed)
    assert (fitted.budget.time, fitted.validate_every) == (1.0, "1 steps")


def test_an_ablation_gets_time_for_its_validations_on_top() -> None:
    recipe = plan("modern")["sum"].recipe
    fitted = fit_to(recipe, 1000.0, TrainingSpeed(step=0.5, validation=2.0, images=9))
    assert fitted.data.valid_images == 4
    assert fitted.budget.time == 850.0 + 5 * 8.0  # the sixth comes after the end
    assert fitted.validate_every == "309 steps"  # 1700 / 5.5
    slow = fit_to(recipe, 1000.0, TrainingSpeed(step=0.5, validation=15.0, images=9))
    assert slow.data.valid_images == 4
    assert slow.budget.time == 850.0 + 60.0  # 150 s are two validations
    single = fit_to(recipe, 1000.0, TrainingSpeed(step=0.5, validation=100.0, images=9))
    assert (single.data.valid_images, single.budget.time) == (1, 850.0)


def test_the_budget_covers_measuring() -> None:
    assert training_time(600.0) == 300.0
    assert training_time(7200.0) == 6600.0


def test_full_length() -> None:
    planned = plan("modern")
    assert full_steps(planned["original_mixed"].recipe, images=10) == 20_000
    assert full_steps(plan("document")["original_l1"].recipe, images=801) == 10 * 101
    assert full_steps(planned["sum"].recipe, images=10) is None


@pytest.mark.parametrize("form", ["modern", "document"])
@pytest.mark.parametrize(("network", "epochs"), [("original", 20), ("adaptive", 30)])
def test_the_packaged_recipes(form: Form, network: str, epochs: int) -> None:
    first = full_recipe(form, f"{network}_l1")
    second = full_recipe(form, f"{network}_mixed")
    assert first.loss == LossConfig(l1=1.0)
    assert second.loss == LossConfig(l1=1.0, smooth_l1=0.5)
    assert first.schedule == ScheduleConfig(kind="fixed")
    assert second.schedule == ScheduleConfig(kind="cosine", min_rate=0.0)
    assert (first.budget.epochs, second.budget.epochs) == (10, epochs)
    assert second.model.init == f"runs/{form}/{network}_l1"
    data = first.data
    if (form, network) == ("modern", "adaptive"):  # InstanceNorm needs larger patches
        data = replace(data, patch=128, batch=1)
    same = replace(first, loss=second.loss, schedule=second.schedule, budget=second.budget)
    same = replace(same, data=data)
    assert replace(same, model=second.model) == second
    assert replace(second.model, init=None) == first.model
    other = full_recipe(form, "original_l1")
    assert replace(first, model=replace(first.model, name="original")) == other
