"""Recipes: accepted and refused settings, and the error messages."""

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

WHOLE = "with data.squash a patch is a whole image, as it is: leave out data.patch and data.augment"

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


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.bacth=8", "unknown key 'data.bacth'; did you mean 'batch'?"),
        ("modle={}", "unknown key 'modle'; did you mean 'model'?"),
        ("step=100", "unknown key 'step'; did you mean 'steps'?"),
        ("tmie=60s", "unknown key 'tmie'; did you mean 'time'?"),
        ("data.step=100", "unknown key 'data.step'; did you mean 'steps'?"),
        ("batch_size=8", "unknown key 'batch_size'; did you mean 'batch'?"),
        ("lr=1e-3", "unknown key 'lr'; did you mean 'rate'?"),
        (
            "loss.xyz=1",
            "unknown key 'loss.xyz'; known: l1, smooth_l1, charbonnier, fft, psnr, denoised, "
            "artifact_map, teacher, teacher_until",
        ),
        ("data.batch=8.5", "'data.batch': input should be a valid integer, not 8.5"),
        ("data.batch='8'", "'data.batch': input should be a valid integer, not '8'"),
        ("seed=true", "'seed': input should be a valid integer, not True"),
        ("data.train=a.pack", "'data.train': input should be a valid array, not 'a.pack'"),
        ("budget.time=[1]", "'budget.time': input should be a valid number, not [1]"),
        (
            "data={train: [a, b], weights: [.nan, 2]}",
            "'data.weights.0': input should be a finite number, not nan",
        ),
        (
            "data={train: [a, b], weights: [.inf, 2]}",
            "'data.weights.0': input should be a finite number, not inf",
        ),
        ("time=-3h", "budget.time: cannot read '-3h'; write 90s, 45m or 1h30m"),
        ("validate_every=-5", "validate_every: must be more than 0 seconds"),
        (f"seed={2**63}", f"seed must be a whole number from 0 to 2^63 - 1, not {2**63}"),
        ("validate_every=0 steps", "validate_every: must be at least 1 step"),
        ("rate=.inf", "'optimizer.rate': input should be a finite number, not inf"),
        ("loss.l1=.inf", "'loss.l1': input should be a finite number, not inf"),
        ("budget.time=.inf", "'budget.time': input should be a finite number, not inf"),
        ("optimizer.kind=sgd", "'optimizer.kind': input should be 'adam' or 'muon', not 'sgd'"),
        ("model={}", "'model.name' is missing"),
        ("data.train=[]", "data.train must name a packed store or a folder of images"),
        ("data.patch=0", "data.patch must be above 0, not 0"),
        ("data.squash=0", "data.squash must be above 0, not 0"),
        ("data.squash=256", f"{WHOLE}, or let them be 256 and false"),
        ("data={train: [a], squash: 9, augment: true}", f"{WHOLE}, or let them be 9 and false"),
        (
            "data.task=blur",
            "data.task: unknown task 'blur'; known: photo, graphics-jpeg, graphics, "
            "super-resolution, denoise, noisy-jpeg, dejpeg, old-photo",
        ),
        ("data.sigma=[0, 50]", "data.sigma is not for super-resolution: leave it out"),
        ("data.quality=[5, 9]", "data.quality is not for super-resolution: leave it out"),
        ("data.clean=0.1", "data.clean is not for super-resolution: leave it out"),
        (
            "data={train: [a], task: dejpeg, sigma: [0, 9]}",
            "data.sigma is not for dejpeg: leave it out",
        ),
        (
            "data={train: [a], task: denoise, squash: 9}",
            "data.squash is not for denoise: leave it out",
        ),
        (
            "data={train: [a], task: denoise, sigma: [9, 5]}",
            "data.sigma must be [least, largest], from 0 to 255, not [9, 5]",
        ),
        (
            "data={train: [a], task: dejpeg, quality: [0, 95]}",
            "data.quality must be [least, largest], from 1 to 100, not [0, 95]",
        ),
        ("data={train: [a], task: denoise, sigma: [9]}", "'data.sigma.1' is missing"),
        (
            "data={train: [a], task: dejpeg, quality: [10, 9.5]}",
            "'data.quality.1': input should be a valid integer, not 9.5",
        ),
        (
            "data={train: [a], task: photo, clean: 1}",
            "data.clean must be at least 0 and below 1, not 1.0",
        ),
        (
            "data={train: [a], task: old-photo, second_order: {blurr: 1}}",
            "unknown key 'data.second_order.blurr'; did you mean 'blur'?",
        ),
        (
            "data={train: [a], task: old-photo, second_order: {jpeg: [95, 30]}}",
            "jpeg must be (least, largest), whole numbers from 1 to 100, not (95, 30)",
        ),
        (
            "data={train: [a], second_order: {sinc: 0}}",
            "data.second_order is not for super-resolution: leave it out",
        ),
        *(
            (
                f"data={{train: [a], progressive: {stages}}}",
                "data.progressive must be a list of [part, side], the parts rising from 0 and "
                f"below 1, not {shown}",
            )
            for stages, shown in (
                ("[]", "[]"),
                ("[[0.1, 8]]", "[[0.1, 8]]"),
                ("[[0, 8], [0.5, 9], [0.5, 16]]", "[[0.0, 8], [0.5, 9], [0.5, 16]]"),
                ("[[0, 8], [1, 9]]", "[[0.0, 8], [1.0, 9]]"),
            )
        ),
        (
            "data={train: [a], progressive: [[0, 8], [0.5, 0]]}",
            "data.patch must be above 0, not 0",
        ),
        (
            "data={train: [a], patch: 48, progressive: [[0, 8], [0.5, 16]]}",
            "data.progressive has sides of its own: leave out data.patch and data.squash "
            "(data.patch=null data.squash=null on the command line)",
        ),
        ("crops=-1", "crops must be 0 or more, not -1"),
        ("wandb=1", "'wandb': input should be a valid boolean, not 1"),
        (
            "data={train: [a], patch: null}",
            "'data.patch': input should be a valid integer, not None",
        ),
        *(
            (f"data={{train: [a, b], weights: {given}}}", f"data.weights {reason}")
            for given, reason in (
                ("[-1, 2]", "must be 0 or more, not -1"),
                ("[1]", "needs one number for each of data.train, 2, not 1"),
                ("[0, 0]", "cannot all be 0"),
            )
        ),
        ("optimizer.rate=-1", "optimizer.rate must be above 0, not -1.0"),
        ("schedule.min_rate=-0.002", "schedule.min_rate cannot be negative, as -0.002"),
        ("schedule.min_rate=5", "schedule.min_rate is 5, above optimizer.rate, 0.002"),
        ("gamma=-1", "schedule.gamma must be above 0 and at most 1, not -1"),
        ("optimizer.clip=0", "optimizer.clip must be above 0, not 0.0"),
        (
            "optimizer.accumulate=3",
            "optimizer.accumulate must divide data.batch (16), not be 3",
        ),
        ("optimizer.ema=1", "optimizer.ema must be at least 0 and below 1, not 1.0"),
        ("optimizer.betas=[0.9, 2]", "optimizer.betas must be at least 0 and below 1, not 2.0"),
        ("schedule.milestones=[5]", "schedule.milestones must be at least 0 and below 1, not 5.0"),
        (
            "loss.l1=0",
            "loss.l1, smooth_l1, charbonnier, fft and psnr cannot be negative, nor all 0",
        ),
        ("loss.denoised=-1", "loss.denoised and loss.artifact_map cannot be negative"),
    ],
)
def test_mistakes_are_one_line_with_the_file(path: Path, override: str, message: str) -> None:
    with pytest.raises(ScalewiseError) as caught:
        load_recipe(path, [override])
    assert str(caught.value) == f"{path}: {message}"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("batch", "'batch': write key=value, such as data.batch=8"),
        ("=8", "'=8': write key=value, such as data.batch=8"),
        ("data.train.x=8", "'data.train.x': 'train' has no keys of its own"),
        ("data.train=[", "'data.train=[': the value is not YAML"),
    ],
)
def test_overrides_that_are_none(path: Path, override: str, message: str) -> None:
    with pytest.raises(ScalewiseError) as caught:
        load_recipe(path, [override])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "not YAML: "),
        ("2024-01-01: 1", "not YAML: the key 2024-01-01 must be text"),
        ("model: {settings: {1: 2}}", "not YAML: the key 1 must be text"),
        ("just words", "a recipe is a list of 'key: value' lines"),
        ("", "a recipe is a list of 'key: value' lines"),
    ],
)
def test_files_that_are_no_recipe(path: Path, text: str, message: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScalewiseError) as caught:
        load_recipe(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ScalewiseError, match=r"none.yaml: cannot read the recipe \(No such file"):
        load_recipe(tmp_path / "none.yaml")


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
