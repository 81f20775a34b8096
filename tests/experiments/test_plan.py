"""Experiments and their shares of the budget."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scalewise.experiments.comparisons import (
    ABLATION,
    CLEANING,
    COMPARATORS,
    LOSSES,
    SEEDS,
    seed_name,
    taught_name,
)
from scalewise.experiments.plan import (
    CODE,
    STARTS,
    TRAININGS,
    WIDE_PATCH,
    Planned,
    full_recipe,
    make_plan,
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
    judging = [
        seed_name(name, seed)
        for group in (ABLATION, LOSSES, CLEANING)
        for seed in SEEDS
        for name, each in group.items()
        if seed in each.seeds
    ]
    related = [*COMPARATORS, *map(taught_name, COMPARATORS)]
    related += [seed_name(name, seed) for seed in SEEDS[1:] for name in ("original", "plain")]
    compared = [*judging, *related]
    assert list(planned) == [*TRAININGS, *(CODE if form == "document" else compared)]
    for each in planned.values():
        assert each.recipe.data.train == ["a.pack"]
        assert each.recipe.data.valid == "valid"
        assert each.share > 0
        create_model(each.recipe.model.name, **each.recipe.model.settings)


def test_without_a_teacher_nothing_learns_from_one() -> None:
    made = make_plan("modern", Path("folder"), Path("a"), Path("valid"), has_teacher=False)
    assert {each.recipe.loss.teacher for each in made} == {0.0}
    assert {each.recipe.loss.teacher for each in plan("modern").values()} == {0.0, 0.5}


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
        continued = mixed and form == "modern"  # the document's program cannot load weights
        start = str(Path("folder", STARTS[name])) if continued else None
        assert recipe.model.init == start
        has_residual = recipe.model.settings.get("global_residual", False)
        assert has_residual == (form == "modern")
        if form == "document":
            assert (recipe.optimizer.kind, recipe.optimizer.rate) == ("adam", 1e-3)
            assert (recipe.data.batch, recipe.data.squash) == (8, 256)
            assert (recipe.optimizer.ema, recipe.data.augment) == (0, False)


def differing(planned: list[Planned], *names: str) -> bool:
    """Return whether recipes differ in more than these settings."""
    found = [vars(each.recipe).items() for each in planned]
    return len({str([item for item in each if item[0] not in names]) for each in found}) > 1


def test_ablations_and_comparators_differ_in_the_network_alone() -> None:
    planned = plan("modern")
    ablation = [planned[name] for name in ABLATION]
    assert len({str(each.recipe.model) for each in ablation}) == len(ABLATION)
    assert not differing(ablation, "model")
    assert not differing([planned[name] for name in COMPARATORS], "model")
    assert not differing([planned[taught_name(name)] for name in COMPARATORS], "model")


def test_networks_that_normalise_are_compared_on_large_patches() -> None:
    for name, each in plan("modern").items():
        if each.recipe.model.name == "adaptive" and each.experiment.group != "training":
            assert each.recipe.data.patch == WIDE_PATCH, name


def test_seeds_differ_in_the_seed_alone() -> None:
    planned = plan("modern")
    for name in ("sum", "attention_norm", "loss_mixed_cosine"):
        runs = [planned[seed_name(name, seed)] for seed in SEEDS]
        assert [each.recipe.seed for each in runs] == [*SEEDS]
        assert [each.experiment.network for each in runs] == [name] * len(SEEDS)
        assert not differing(runs, "seed")


def test_the_second_training_is_taken_apart_into_loss_and_rate() -> None:
    found = [plan("modern")[name] for name in LOSSES]
    assert not differing(found, "loss", "schedule")
    factors = {(x.recipe.loss.smooth_l1, x.recipe.schedule.kind) for x in found}
    assert factors == {(0.0, "fixed"), (0.0, "cosine"), (0.5, "fixed"), (0.5, "cosine")}
    optimizer = found[0].recipe.optimizer
    assert (optimizer.kind, optimizer.rate, optimizer.ema) == ("adam", 1e-3, 0)


def test_networks_of_a_comparison_are_of_about_a_million_parameters() -> None:
    counts = {
        name: create_model(each.recipe.model.name, **each.recipe.model.settings).parameter_count
        for name, each in plan("modern").items()
        if each.experiment.group == "comparator"
    }
    assert all(0.5e6 < count < 2e6 for count in counts.values()), counts


def test_what_cleans_is_left_out_and_put_in_and_nothing_else_differs() -> None:
    planned = plan("modern")
    for without, with_it, part in (
        ("noise_plain", "noise_block", "denoise"),
        ("jpeg_plain", "jpeg_module", "artifacts"),
        ("photo_plain", "photo_block", "denoise"),
        ("photo_plain", "photo_module", "artifacts"),
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


def test_the_programs_networks_are_trained_in_the_documents_form_alone() -> None:
    planned = plan("document")
    assert not set(CODE) & set(plan("modern"))
    counts = {
        name: create_model(each.recipe.model.name, **each.recipe.model.settings).parameter_count
        for name, each in planned.items()
        if name in CODE
    }
    # Adaptive's 10,170,060 have a LayerNorm of 2 x 64 x 256 x 256 more, and 192 for its attention.
    assert counts == {"original_code": 894_988, "adaptive_code": 10_170_060 - 2 * 64 * 256**2}
    for name in CODE:
        assert planned[name].recipe.budget.epochs == 10


def test_all_runs_are_validated_on_the_same_images() -> None:
    made = make_plan("modern", Path("folder"), Path("a.pack"), Path("valid"), valid_images=3)
    assert {each.recipe.data.valid_images for each in made} == {3}


def test_an_epoch_of_fewer_pictures() -> None:
    made = make_plan("document", Path("folder"), Path("a.pack"), Path("valid"), epoch_images=200)
    for each in made:
        if each.experiment.group in ("training", "code"):
            assert (each.recipe.data.epoch, each.recipe.data.batch) == (25, 8)


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
    start = f"runs/{form}/{network}_l1" if form == "modern" else None
    assert second.model.init == start
    data = first.data
    if (form, network) == ("modern", "adaptive"):  # InstanceNorm needs larger patches
        data = replace(data, patch=128, batch=1)
    same = replace(first, loss=second.loss, schedule=second.schedule, budget=second.budget)
    same = replace(same, data=data)
    assert replace(same, model=second.model) == second
    assert replace(second.model, init=None) == first.model
    other = full_recipe(form, "original_l1")
    assert replace(first, model=replace(first.model, name="original")) == other
