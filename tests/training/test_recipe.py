"""Recipes: accepted settings, overrides, and the recipes of the project."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scalewise.data.degrading import PatchDegradation
from scalewise.errors import ScalewiseError
from scalewise.tasks import TASKS, get_task
from scalewise.training.build import build_network
from scalewise.training.config import Recipe
from scalewise.training.recipe import changed_keys, load_recipe, parse_recipe, save_recipe, to_plain
from scalewise.training.sweep import load_sweep

FOLDER = Path(__file__).parents[2] / "recipes"
RECIPES = sorted(path for path in FOLDER.rglob("*.yaml") if path.parent.name != "sweeps")

PLAIN = """
model: {name: scn_exact, settings: {width: 8}}
data: {train: [a.pack, b.pack], patch: 32}
optimizer: {rate: 2e-3, betas: [0.9, 0.99]}
budget: {time: 1h30m}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(PLAIN, encoding="utf-8")
    return path


def test_a_recipe_with_defaults(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.model.name == "scn_exact"
    assert recipe.model.settings == {"width": 8}
    assert recipe.data.train == ["a.pack", "b.pack"]
    assert (recipe.data.patch, recipe.data.batch) == (32, 16)
    assert recipe.optimizer.rate == 0.002
    assert recipe.optimizer.betas == (0.9, 0.99)
    assert recipe.budget.time == "1h30m"
    assert recipe.schedule.kind == "cosine"
    assert recipe.precision == "auto"


@pytest.mark.parametrize(
    ("text", "value"), [("1e-3", 1e-3), ("1.5e-4", 1.5e-4), ("5E+1", 50.0), ("3", 3.0), ("-1", -1)]
)
def test_numbers_as_people_write_them(path: Path, text: str, value: float) -> None:
    recipe = load_recipe(path, [f"model.settings.width={text}"])
    assert recipe.model.settings["width"] == value


def test_keys_may_be_shortened(path: Path) -> None:
    recipe = load_recipe(path, ["batch=8", "rate=5e-4", "init=scn_x2", "steps=7", "seed=3"])
    assert (recipe.data.batch, recipe.optimizer.rate, recipe.seed) == (8, 5e-4, 3)
    assert (recipe.model.init, recipe.budget.steps, recipe.budget.time) == ("scn_x2", 7, None)
    with pytest.raises(ScalewiseError, match=r"'kind' may be optimizer.kind or schedule.kind"):
        load_recipe(path, ["kind=adam"])


def test_overrides(path: Path) -> None:
    recipe = load_recipe(
        path,
        ["data.batch=8", "budget.time=null", "budget.steps=10", "loss.l1=0.5", "data.train=[c]"],
    )
    assert recipe.data.batch == 8
    assert recipe.data.patch == 32
    assert (recipe.budget.time, recipe.budget.steps) == (None, 10)
    assert recipe.loss.l1 == 0.5
    assert recipe.data.train == ["c"]


@pytest.mark.parametrize("overrides", [["steps=2", "time=null"], ["time=null", "steps=2"]])
def test_a_part_of_the_budget_that_is_taken_out_leaves_the_others(
    path: Path, overrides: list[str]
) -> None:
    budget = load_recipe(path, overrides).budget
    assert (budget.steps, budget.epochs, budget.time) == (2, None, None)


def test_two_budgets_are_refused(path: Path) -> None:
    with pytest.raises(ScalewiseError) as error:
        load_recipe(path, ["steps=500", "batch=8", "budget.time=1h"])
    assert str(error.value) == "steps=500 and budget.time=1h: a run has one budget; leave one out"


def test_two_budgets_are_refused_in_any_form(path: Path) -> None:
    with pytest.raises(ScalewiseError, match="a run has one budget"):
        load_recipe(path, ["budget={steps: 7}", "time=1h"])


def test_round_trip(path: Path, tmp_path: Path) -> None:
    recipe = load_recipe(path)
    assert parse_recipe(to_plain(recipe), "") == recipe
    save_recipe(recipe, tmp_path / "saved.yaml")
    assert load_recipe(tmp_path / "saved.yaml") == recipe


def test_what_changed_between_two_recipes(path: Path) -> None:
    recipe = load_recipe(path)
    other = load_recipe(path, ["data.batch=8", "model.settings.blocks=2", "budget.time=5s"])
    assert changed_keys(recipe, recipe, ignored="budget") == []
    assert changed_keys(recipe, other, ignored="budget") == [
        "data.batch: 16, now 8",
        "model.settings.blocks: None, now 2",
    ]


def test_what_squashing_decides(path: Path, tmp_path: Path) -> None:
    recipe = load_recipe(path, ["data={train: [a.pack]}"])
    assert (recipe.data.patch, recipe.data.augment, recipe.data.squash) == (48, True, None)
    recipe = load_recipe(path, ["data={train: [a.pack], squash: 256}"])
    assert (recipe.data.patch, recipe.data.augment, recipe.data.squash) == (256, False, 256)
    save_recipe(recipe, tmp_path / "saved.yaml")
    assert load_recipe(tmp_path / "saved.yaml") == recipe
    assert not load_recipe(path, ["data.augment=false"]).data.augment


def test_what_a_task_decides(path: Path, tmp_path: Path) -> None:
    assert load_recipe(path).data.degradation is None
    for task in TASKS.values():
        recipe = load_recipe(path, [f"task={task.name}"])
        assert (recipe.data.degradation or PatchDegradation()) == PatchDegradation.of(task)
        save_recipe(recipe, tmp_path / "saved.yaml")
        assert load_recipe(tmp_path / "saved.yaml") == recipe
    recipe = load_recipe(path, ["task=photo", "sigma=[1, 2.5]", "quality=[7, 9]", "clean=0"])
    assert recipe.data.degradation == PatchDegradation(sigma=(1, 2.5), quality=(7, 9))


def test_a_run_from_before_a_setting_existed_has_not_changed(path: Path, tmp_path: Path) -> None:
    recipe = load_recipe(path, ["data={train: [a.pack]}"])
    settings = to_plain(recipe)
    for key in ("squash", "augment", "task", "sigma", "quality", "clean"):
        del settings["data"][key]
    del settings["model"]["init_partial"]
    assert settings["data"]["patch"] == 48
    assert changed_keys(parse_recipe(settings, ""), recipe, ignored="budget") == []


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_our_recipes_are_valid(path: Path) -> None:
    recipe = load_recipe(path)
    assert isinstance(recipe, Recipe)
    named = re.search(r"_x(\d)$", path.stem)
    scale = 1 if get_task(recipe.data.task).keeps_size else int(named[1]) if named else 2
    assert build_network(recipe.model, recipe.seed, initialise=False).scale == scale


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_the_size_on_top_of_a_recipe_is_true(path: Path) -> None:
    head = path.read_text(encoding="utf-8").partition("\nmodel:")[0].replace("\n# ", " ")
    stated = re.search(r"([\d.]+) million parameters", head)
    if stated:
        count = build_network(load_recipe(path).model, 0, initialise=False).parameter_count
        assert f"{count / 1e6:.1f}" == stated[1]


def test_null_takes_a_setting_of_a_recipe_out(path: Path) -> None:
    stages = "data.progressive=[[0, 32], [0.5, 64]]"
    with pytest.raises(ScalewiseError, match=r"data\.patch=null"):
        load_recipe(path, [stages])
    data = load_recipe(path, [stages, "data.patch=null"]).data
    assert (data.progressive, data.patch) == ([(0, 32), (0.5, 64)], 64)
    assert load_recipe(path, ["batch=null", "patch=null"]).data.patch == 48
    with pytest.raises(ScalewiseError, match=r"'data\.train' is missing"):
        load_recipe(path, ["data.train=null"])


@pytest.mark.parametrize("name", ["finetune_x2", "photo_x2", "scn_x3", "scn_x4"])
def test_the_weights_that_our_recipes_start_from_fit(name: str) -> None:
    model = load_recipe(FOLDER / f"{name}.yaml").model
    assert model.init is not None
    build_network(model, seed=0)


@pytest.mark.parametrize("name", ["fast_x2", "patch_late", "scn_x2"])
def test_our_sweeps_can_be_built(name: str) -> None:
    _, trials = load_sweep(FOLDER / "sweeps" / f"{name}.yaml")
    for trial in trials:
        build_network(trial.model, trial.seed)


def test_there_are_recipes() -> None:
    assert {"scn_x2", "denoise", "dejpeg", "photo_x2", "tiny"} <= {path.stem for path in RECIPES}


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("validate_every=500", "validate_every=500 is in seconds; '500 steps' would be steps"),
        ("checkpoint_every=50", "checkpoint_every=50 is in seconds; '50 steps' would be steps"),
        ("validate_every=500 steps", None),
        ("validate_every=10m", None),
        (
            "rate=50",
            "optimizer.rate=50 is far above what networks learn at (1e-4 to 1e-2)",
        ),
        ("rate=0.01", None),
    ],
)
def test_what_is_hardly_meant_is_said(path: Path, override: str, said: str | None) -> None:
    lines: list[str] = []
    load_recipe(path, [override], notify=lines.append)
    assert lines == ([] if said is None else [said])


def test_a_saved_recipe_has_nothing_to_be_said_of(path: Path, tmp_path: Path) -> None:
    save_recipe(load_recipe(path), tmp_path / "saved.yaml")
    lines: list[str] = []
    load_recipe(tmp_path / "saved.yaml", notify=lines.append)
    assert lines == []
