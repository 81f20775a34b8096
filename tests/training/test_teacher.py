"""Learning from a teacher: the loss, the share and when it ends, tasks, resuming, the card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from scalewise.data.layouts import find_dataset
from scalewise.data.packing import pack
from scalewise.data.store import TeacherInfo
from scalewise.data.teacher import TeacherModel
from scalewise.errors import ScalewiseError
from scalewise.imaging.resize import imresize
from scalewise.training.batches import DeviceBatches
from scalewise.training.build import prepare
from scalewise.training.config import BudgetConfig, DataConfig, LossConfig, Recipe
from scalewise.training.losses import restoration_loss
from scalewise.training.release import release_run
from scalewise.training.session import open_run
from scalewise.weights.card import Teacher
from scalewise.weights.card_page import card_page
from tests.training.trainers import assert_same_state, resumed_trainer, stop_at

INFO = TeacherInfo("bicubic", "CC0-1.0", 2)


def doubled(lr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return imresize(lr, 2)


@pytest.fixture
def taught(recipe: Recipe, pictures: Path, tmp_path: Path) -> Recipe:
    """A run of 60 steps, half of whose loss is a teacher's until step 48."""
    store = tmp_path / "taught.pack"
    pack([find_dataset(pictures)], store, [2], teacher=TeacherModel(doubled, INFO))
    data = replace(recipe.data, train=[str(store)])
    return replace(recipe, data=data, loss=LossConfig(teacher=0.5, teacher_until=0.8))


def test_the_loss_by_hand() -> None:
    restored, target, taught = torch.rand(3, 2, 3, 8, 8).unbind()
    expected = 0.75 * F.l1_loss(restored, target) + 0.25 * F.l1_loss(restored, taught)
    found = restoration_loss(restored, target, LossConfig(), taught, 0.25)
    assert found.item() == pytest.approx(expected.item())
    weights = LossConfig(l1=2, smooth_l1=0.5)
    only = restoration_loss(restored, target, weights, taught, 1.0)
    assert only.equal(restoration_loss(restored, taught, weights))


def test_the_share_ends_where_the_recipe_says(taught: Recipe, tmp_path: Path) -> None:
    trainer = prepare(taught, tmp_path / "run")
    lr, hr, image = trainer.batches(0)
    restored = trainer.network(lr)
    trainer.step = 47
    expected = restoration_loss(restored, hr, LossConfig(), image, 0.5)
    assert trainer._loss((lr, hr, image)).equal(expected)
    trainer.step = 48
    assert trainer._loss((lr, hr, image)).equal(restoration_loss(restored, hr, LossConfig()))


def test_a_resumed_run_is_bit_for_bit_the_uninterrupted_one(taught: Recipe, tmp_path: Path) -> None:
    straight = prepare(taught, tmp_path / "straight")
    straight.train()
    stopped = prepare(replace(taught, checkpoint_every="10 steps"), tmp_path / "stopped")
    stop_at(stopped, 52)
    stopped.train()
    resumed = resumed_trainer(taught, tmp_path / "stopped")
    resumed.train()
    assert_same_state(
        {**straight.state_dict(), "recipe": None}, {**resumed.state_dict(), "recipe": None}
    )


def test_a_teacher_changes_what_is_learned(taught: Recipe, tmp_path: Path) -> None:
    weights: list[torch.Tensor] = []
    for share in (0.0, 1.0):
        trainer = prepare(replace(taught, loss=LossConfig(teacher=share)), tmp_path / str(share))
        trainer.train()
        weights.append(torch.cat([p.flatten() for p in trainer.network.parameters()]))
    assert not weights[0].equal(weights[1])


def test_batches_gathered_on_the_device_are_the_same(taught: Recipe, tmp_path: Path) -> None:
    trainer = prepare(taught, tmp_path / "run")
    gathered = DeviceBatches(trainer.sampler, torch.device("cpu"))
    for ours, theirs in zip(trainer.batches(5), gathered(5), strict=True):
        assert ours.equal(theirs)


def test_of_degraded_patches_the_teacher_is_cut_with_the_truth(
    recipe: Recipe, photo: NDArray[np.uint8], pictures: Path, tmp_path: Path
) -> None:
    truth = TeacherModel(lambda lr: lr, TeacherInfo("the truth itself", "CC0-1.0", 1))
    pack([find_dataset(pictures)], tmp_path / "same.pack", [1], teacher=truth)
    model = replace(recipe.model, settings={**recipe.model.settings, "scale": 1})
    data = DataConfig(
        train=[str(tmp_path / "same.pack")], patch=16, batch=8, task="dejpeg", grey=0.5
    )
    recipe = replace(recipe, model=model, data=data, loss=LossConfig(teacher=0.5))
    trainer = prepare(recipe, tmp_path / "run")
    for step in range(3):
        _, clean, taught = trainer.batches(step)
        assert clean.equal(taught)


def test_folders_have_no_teacher(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(
        ScalewiseError, match="is a folder, which has no teacher's images; pack it by"
    ):
        prepare(replace(recipe, loss=LossConfig(teacher=0.5)), tmp_path / "run")


def test_the_card_names_the_teacher(taught: Recipe, tmp_path: Path) -> None:
    prepare(replace(taught, budget=BudgetConfig(steps=5)), tmp_path / "run").train()
    card = release_run(tmp_path / "run", tmp_path / "model", summary="A test.", licence="CC0")
    assert card.training.teachers == [
        Teacher(name="bicubic", licence="CC0-1.0", share=0.5, until=0.8)
    ]
    assert (
        "- **Teacher**: bicubic (CC0-1.0), 50% of the loss until 80% of the schedule"
        in card_page(card)
    )


def test_the_card_names_the_teachers_of_what_a_run_began_with(
    taught: Recipe, tmp_path: Path
) -> None:
    short = replace(taught, budget=BudgetConfig(steps=4))
    open_run(short, tmp_path / "trunk").train()
    alone = replace(short, loss=LossConfig())
    open_run(alone, tmp_path / "copy", trunk=tmp_path / "trunk").train()
    tuned = replace(alone, model=replace(alone.model, init=str(tmp_path / "copy")))
    open_run(tuned, tmp_path / "tuned").train()
    named = replace(alone, model=replace(alone.model, init=str(tmp_path / "copy" / "best.pt")))
    open_run(named, tmp_path / "from_file").train()
    for name in ("copy", "tuned", "from_file"):
        card = release_run(tmp_path / name, tmp_path / f"m_{name}", summary="A.", licence="CC0")
        assert [(each.name, each.share) for each in card.training.teachers] == [("bicubic", 0.5)]
