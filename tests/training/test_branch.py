"""A trunk and its decayed copies, and the messages on the weights that a run starts from."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from scalewise.errors import ScalewiseError
from scalewise.training import loop
from scalewise.training.build import prepare
from scalewise.training.config import (
    BudgetConfig,
    ModelConfig,
    OptimizerConfig,
    Recipe,
    ScheduleConfig,
)
from scalewise.training.loop import UNTIMED_STEPS
from scalewise.training.recipe import load_recipe
from scalewise.training.release import release_run
from scalewise.training.session import branched, check_trunk, locked, open_run
from scalewise.weights.card_page import card_page
from tests.training.conftest import TRAINED_ON
from tests.training.trainers import At, Scripted, assert_same_state, read_log


@pytest.fixture
def trunk(recipe: Recipe, tmp_path: Path) -> Recipe:
    """The recipe of a trunk, trained for 40 steps at a constant rate in ``trunk/``."""
    recipe = replace(
        recipe,
        optimizer=OptimizerConfig(kind="muon", rate=2e-3),
        schedule=ScheduleConfig(kind="wsd", decay=0.0, warmup=0.1),
        budget=BudgetConfig(steps=40),
    )
    open_run(recipe, tmp_path / "trunk").train()
    return recipe


def test_a_branch_begins_where_the_trunk_stands_and_decays(trunk: Recipe, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in (tmp_path / "trunk").iterdir()}
    short = replace(trunk, budget=BudgetConfig(steps=20))
    branch = open_run(short, tmp_path / "branch", trunk=tmp_path / "trunk")
    whole = open_run(trunk, tmp_path / "trunk")
    for part in ("network", "ema", "optimizer"):
        assert_same_state(branch.state_dict()[part], whole.state_dict()[part])
    assert (branch.step, branch.progress, branch.rate) == (40, 0.0, 2e-3)
    for ours, theirs in zip(branch.batches(40), whole.batches(40), strict=True):
        assert ours.equal(theirs)  # the patches that the trunk would draw next

    branch.train()
    rows = read_log(tmp_path / "branch")
    assert [row["step"] for row in rows] == ["40", "60"]
    assert [row["progress"] for row in rows] == ["0.0", "1.0"]
    assert [float(row["rate"]) for row in rows] == pytest.approx([2e-3, 0.0])
    assert branch.start == float(rows[0]["psnr_y"])
    after = {path.name: path.read_bytes() for path in (tmp_path / "trunk").iterdir()}
    assert after.keys() == before.keys()
    assert after["last.pt"] == before["last.pt"]


def test_a_branch_that_was_stopped_is_resumed_though_the_trunk_went_on(
    trunk: Recipe, tmp_path: Path
) -> None:
    short = replace(trunk, budget=BudgetConfig(steps=20))
    straight = open_run(short, tmp_path / "straight", trunk=tmp_path / "trunk")
    straight.train()
    stopped = open_run(short, tmp_path / "stopped", trunk=tmp_path / "trunk")
    stopped.stop()
    stopped.listeners.append(At(40, stopped.stop))
    stopped.train()
    open_run(replace(trunk, budget=BudgetConfig(steps=50)), tmp_path / "trunk").train()
    said: list[str] = []
    resumed = open_run(short, tmp_path / "stopped", trunk=tmp_path / "trunk", notify=said.append)
    assert said == [TRAINED_ON, "resuming at step 40, 0.0% done"]
    resumed.train()
    ours, theirs = resumed.state_dict(), straight.state_dict()
    for state in (ours, theirs):
        state["seconds"] = 0.0
    assert_same_state(ours, theirs)


def test_the_card_counts_the_trunk(trunk: Recipe, tmp_path: Path) -> None:
    short = replace(trunk, budget=BudgetConfig(steps=20))
    open_run(short, tmp_path / "branch", trunk=tmp_path / "trunk").train()
    card = release_run(tmp_path / "branch", tmp_path / "model", summary="A test.", licence="CC0")
    assert card.training.start is not None
    assert (card.training.start.model, card.training.start.steps) == ("trunk", 40)
    assert card.training.steps in (0, 20)  # whichever was better: the start, or the end
    assert card.training.validated_start is not None
    assert f"from {card.training.validated_start:.2f} to" in card_page(card)


def test_there_must_be_a_trunk_of_the_same_network(trunk: Recipe, tmp_path: Path) -> None:
    with pytest.raises(ScalewiseError, match="no checkpoint there"):
        open_run(trunk, tmp_path / "branch", trunk=tmp_path / "nowhere")
    wider = replace(
        trunk, model=replace(trunk.model, settings={**trunk.model.settings, "width": 8})
    )
    with pytest.raises(ScalewiseError, match="is a checkpoint of another model"):
        open_run(wider, tmp_path / "branch", trunk=tmp_path / "trunk")
    assert not (tmp_path / "branch/recipe.yaml").exists()
    with pytest.raises(ScalewiseError, match="cannot be a copy of itself; choose another run="):
        open_run(trunk, tmp_path / "trunk", trunk=tmp_path / "branch/../trunk")


def test_a_copy_is_of_the_run_that_is_named(trunk: Recipe, tmp_path: Path) -> None:
    short = replace(trunk, budget=BudgetConfig(steps=4))
    for name in ("trunk", "other"):
        open_run(trunk, tmp_path / name).train()
    open_run(short, tmp_path / "branch", trunk=tmp_path / "trunk").train()
    open_run(short, tmp_path / "branch", trunk=tmp_path / "trunk")
    with pytest.raises(ScalewiseError, match=r"is a copy of .*trunk at step 40, not of .*other"):
        open_run(short, tmp_path / "branch", trunk=tmp_path / "other")
    decayed = branched(trunk)
    open_run(decayed, tmp_path / "alone").train()
    with pytest.raises(ScalewiseError, match="a run that is not a copy of"):
        open_run(decayed, tmp_path / "alone", trunk=tmp_path / "trunk")
    shutil.rmtree(tmp_path / "trunk")
    open_run(short, tmp_path / "branch", trunk=tmp_path / "trunk")  # it needs it no more
    open_run(short, tmp_path / "trunk").train()
    with pytest.raises(ScalewiseError, match="as it is now; choose another run="):
        open_run(short, tmp_path / "branch", trunk=tmp_path / "trunk")


def test_a_copy_has_one_set_of_weights_to_start_from(tmp_path: Path) -> None:
    check_trunk(tmp_path, ["rate=1e-3", "model.settings.width=8"])
    for override in ("init=scn_x2", "model.init=scn_x2"):
        with pytest.raises(ScalewiseError, match="leave one out"):
            check_trunk(tmp_path, [override])


def test_a_copy_of_a_fixed_rate_decays_too(trunk: Recipe) -> None:
    fixed = replace(trunk, schedule=ScheduleConfig(kind="fixed"))
    assert branched(fixed).schedule.kind == "wsd"
    assert branched(fixed).schedule.decay == 1.0


def test_a_refused_command_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ScalewiseError), locked(tmp_path / "run"):
        raise ScalewiseError("no")
    assert not (tmp_path / "run").exists()
    with locked(tmp_path / "run"):
        (tmp_path / "run/recipe.yaml").touch()
    assert (tmp_path / "run/recipe.yaml").exists()


def started_from(recipe: Recipe, weights: Path) -> Recipe:
    return replace(recipe, model=replace(recipe.model, init=str(weights)))


def test_the_start_is_validated_logged_and_competes(recipe: Recipe, tmp_path: Path) -> None:
    prepare(recipe, tmp_path / "first").train()
    again = started_from(recipe, tmp_path / "first")
    trainer = prepare(again, tmp_path / "again")
    trainer.validation = Scripted([31.0, 30.5])
    trainer.train()
    rows = read_log(tmp_path / "again")
    assert (rows[0]["step"], rows[0]["psnr_y"], rows[-1]["psnr_y"]) == ("0", "31.0", "30.5")
    assert (trainer.start, trainer.best) == (31.0, 31.0)
    card = release_run(tmp_path / "again", tmp_path / "model", summary="A test.", licence="CC0")
    assert (card.training.steps, card.training.validated, card.training.validated_start) == (
        0,
        31.0,
        31.0,
    )


def test_the_clock_leaves_out_the_first_steps(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps that compile count like those after them; time passes in steps alone here."""
    now = 0.0
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: now))
    trainer = prepare(replace(recipe, budget=BudgetConfig(time=20)), tmp_path / "run")
    training_step = trainer.training_step

    def compiling_step() -> torch.Tensor:
        nonlocal now
        now += 300 if trainer.step < UNTIMED_STEPS else 1
        return training_step()

    trainer.training_step = compiling_step
    trainer.train()
    assert (trainer.step, trainer.seconds) == (20, 20)


def test_a_change_that_cannot_be_resumed_leaves_the_recipe_alone(
    recipe: Recipe, tmp_path: Path
) -> None:
    open_run(replace(recipe, budget=BudgetConfig(steps=2)), tmp_path / "run").train()
    before = (tmp_path / "run/recipe.yaml").read_bytes()
    wider = replace(
        recipe, model=ModelConfig(name="scn_exact", settings={**recipe.model.settings, "width": 8})
    )
    with pytest.raises(ScalewiseError, match="is a checkpoint of another model"):
        open_run(wider, tmp_path / "run", accept_changes=True)
    assert (tmp_path / "run/recipe.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("overrides", "rate"),
    [
        ([], 1.5e-3),
        (["init=scn_x2"], 3e-4),
        (["init=scn_x2", "rate=5e-4"], 5e-4),
        (["init=scn_x2", "init_partial=true"], 1.5e-3),
    ],
)
def test_the_rate_of_fine_tuning(overrides: list[str], rate: float) -> None:
    said: list[str] = []
    recipe = load_recipe("recipes/scn_x2.yaml", overrides, notify=said.append)
    assert recipe.optimizer.rate == pytest.approx(rate)
    assert bool(said) == (rate == 3e-4)
    if said:
        assert said == ["fine-tuning scn_x2: optimizer.rate=0.0003, unless you set another"]
        assert recipe.schedule.warmup == 0.02


def test_a_recipe_that_names_its_start_chose_its_rate() -> None:
    said: list[str] = []
    recipe = load_recipe("recipes/photo_x2.yaml", ["init=scn_x4"], notify=said.append)
    assert recipe.optimizer.rate == load_recipe("recipes/photo_x2.yaml").optimizer.rate
    assert not said
