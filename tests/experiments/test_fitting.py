"""Training lengths that fit a budget, and what a small budget leaves out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scalewise.experiments import fitting
from scalewise.experiments.comparisons import ABLATION, CLEANING
from scalewise.experiments.fitting import (
    CLOSING,
    FLOORS,
    OVERHEAD,
    Measure,
    TrainingSpeed,
    agree,
    choose,
    fit,
    fit_compared,
    full_steps,
    join,
    least_seconds,
    limits,
)
from scalewise.experiments.plan import TRAININGS, Planned, make_plan
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


def corners() -> list[Planned]:
    planned = plan("modern")
    return [planned[name] for name in ABLATION]


def by_network(slow: float, fast: float = 0.01, validation: float = 0.1) -> Measure:
    """Return a machine on which Adaptive's steps take longer than Original's."""

    def measure(recipe: Recipe) -> TrainingSpeed:
        per_image = slow if recipe.model.name == "adaptive" else fast
        return TrainingSpeed(per_image * recipe.data.batch, validation, 800)

    return measure


def on(machine: str, measure: Measure, precision: str = "bfloat16") -> Measure:
    """Return a machine with a name."""
    return lambda recipe: replace(measure(recipe), machine=machine, precision=precision)


def test_compared_networks_get_the_same_time_in_steps() -> None:
    terms = agree(corners(), 1000.0, by_network(0.025))
    assert terms.batch == 8
    for each in corners():
        fitted = fit_compared(each, terms)
        assert fitted.recipe.data.batch == 8
        assert fitted.recipe.budget.steps == terms.steps[each.experiment.name]
        assert fitted.seconds == pytest.approx(850.0, abs=4 * fitted.step)


def test_compared_networks_are_validated_after_equal_steps() -> None:
    terms = agree(corners(), 1000.0, by_network(0.025))
    fewest, most = terms.steps["attention"], terms.steps["sum"]
    assert fewest == 4 * terms.interval
    assert most > 2 * fewest
    for each in corners():
        assert fit_compared(each, terms).recipe.validate_every == f"{terms.interval} steps"


def test_other_work_while_one_network_is_timed_takes_no_steps_from_it() -> None:
    timed: list[str] = []

    def measure(recipe: Recipe) -> TrainingSpeed:
        timed.append(str(recipe.model))
        busy = 2.0 if len(timed) == 1 else 1.0  # while the first one is timed first
        return TrainingSpeed(0.01 * busy, 0.5, 800)

    terms = agree(corners(), 1000.0, measure)
    assert len({*terms.steps.values()}) == 1
    assert len(timed) == 2 * len({*timed})


def test_the_slowest_network_of_a_comparison_decides_on_the_batch() -> None:
    assert agree(corners(), 100.0, by_network(0.05)).batch == 2  # 850 of 0.1 s; 425 of 0.2 s
    assert agree(corners(), 100.0, by_network(0.01)).batch == 8


def test_validations_of_compared_networks_keep_to_their_time() -> None:
    often, seldom = (
        agree(corners(), 1000.0, by_network(0.025, validation=seconds)) for seconds in (0.1, 6.0)
    )
    assert seldom.interval > often.interval


def test_a_network_joins_a_comparison_on_its_terms() -> None:
    first, *others = corners()
    terms = agree([first], 1000.0, by_network(0.025))
    assert join(terms, first, corners(), by_network(99.0)) == terms
    for each in others:
        terms = join(terms, each, corners(), by_network(0.025))
    whole = agree(corners(), 1000.0, by_network(0.025))
    assert terms.speeds == whole.speeds
    assert terms.steps["attention"] == pytest.approx(whole.steps["attention"], abs=4)


def test_a_network_joins_on_another_machine_as_if_it_were_the_first_one() -> None:
    first, *others = corners()
    fast, slow = (on(name, by_network(0.025 * n, 0.01 * n)) for name, n in {"A": 1, "B": 3}.items())
    terms = agree([first], 1000.0, fast)
    assert terms.machine == "A"
    for each in others:
        there, here = (join(terms, each, corners(), machine) for machine in (fast, slow))
        assert here.speeds == pytest.approx(there.speeds)
        assert here.steps == pytest.approx(there.steps, abs=1)


@pytest.mark.parametrize(("began_in", "stays"), [("float32", "f32"), ("bfloat16", "auto")])
def test_a_comparison_that_began_in_float32_stays_in_it(began_in: str, stays: str) -> None:
    first, second, *_ = corners()
    seen: list[str] = []

    def measure(recipe: Recipe) -> TrainingSpeed:
        seen.append(recipe.precision)
        return by_network(0.025)(recipe)

    terms = agree([first], 1000.0, on("A", by_network(0.025), began_in))
    terms = join(terms, second, corners(), measure)
    assert {*seen} == {fit_compared(second, terms).recipe.precision} == {stays}


def test_a_taught_network_joins_with_the_steps_of_its_plain_twin() -> None:
    planned = plan("modern")
    plain, taught = planned["plain"], planned["plain_taught"]
    terms = agree([plain], 1000.0, by_network(0.025))
    joined = join(terms, taught, [plain, taught], by_network(99.0, 99.0))
    assert joined.steps["plain_taught"] == terms.steps["plain"]
    assert joined.speeds["plain_taught"] == terms.speeds["plain"]


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


def test_slow_measuring_leaves_time_for_fewer_runs() -> None:
    planned = [*plan("modern").values()]
    kept = choose(planned, 1080.0, 100.0)
    assert 0 < len(kept) < len(choose(planned, 1080.0))
    assert sum(limits(kept, 1080.0, 100.0)) + 100.0 * len(kept) == pytest.approx(1080.0)


def test_halves_of_a_comparison_are_dropped_together() -> None:
    planned = [*plan("modern").values()]
    for seconds in range(300, 4500, 10):
        kept = {each.experiment.name for each in choose(planned, seconds)}
        for task in ("noise", "jpeg", "photo"):
            assert len([name for name in kept if name.startswith(f"{task}_")]) != 1, seconds
        assert not kept & set(CLEANING) or set(TRAININGS) < kept


def test_the_least_budget_keeps_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = [*plan("document").values()]
    least = least_seconds(planned)
    assert choose(planned, least * (1 - CLOSING)) != []
    monkeypatch.setitem(fitting.FLOORS, "training", 200.0)
    assert least_seconds(planned[:1]) > least


def test_further_seeds_are_dropped_first() -> None:
    planned = [*plan("modern").values()]
    firsts = [each for each in planned if each.experiment.seed == 0]
    least = sum(FLOORS[each.experiment.group] + OVERHEAD for each in firsts)
    assert choose(planned, least + 1.0) == firsts
